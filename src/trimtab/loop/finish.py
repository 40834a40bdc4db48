"""The end of a retrain that is due: the Decision that came of it, or the reason why none did."""

from collections.abc import Callable
from datetime import datetime

from trimtab import clock
from trimtab.errors import TrimtabError
from trimtab.loop.challenge import retrain
from trimtab.loop.known import Labelled
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision


def finish(wheel: Wheel, known: Labelled, *, tell: Callable[[str], None]) -> Decision:
    """Return what became of the retrain; one that cannot be done leaves the champion, with the reason."""
    try:
        return retrain(wheel, known, tell=tell)
    except Exception as error:  # noqa: BLE001 - a family is a plug-in: whatever it raises ends this retrain, with the reason
        told = error.message if isinstance(error, TrimtabError) else f"{type(error).__name__}: {error}"
        return give_up(wheel, known.snapshot.as_of, told)


def give_up(wheel: Wheel, as_of: datetime, told: str) -> Decision:
    """Journal that the retrain could not be done, and why."""
    said = (f"the retrain could not be done, the champion goes on answering: {told}",)
    standing = wheel.champion()
    version = standing[1].id if standing else None
    return wheel.catalog.decide(Decision("keep", "switch", said, clock.now(), as_of, version=version))
