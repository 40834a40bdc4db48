"""The loop as a process: a turn of the wheel, a pause, a turn."""

from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from trimtab import clock, events
from trimtab.errors import TrimtabError
from trimtab.loop.state import open_wheel
from trimtab.loop.tick import Ticked, tick
from trimtab.pulse import Pulse

BEAT_SECONDS = 1.0
LOOK_SECONDS = 60.0
"""The pause after a turn whose project could not be read, so that nobody knows the pause that it asks for."""


def run(folder: Path, pulse: Pulse) -> None:
    """Turn the wheel of the project in `folder` for ever; return when the supervisor is gone.

    Each turn opens the project anew, so an edited configuration counts from the next one on. What a turn cannot do is
    told, and tried again by the next.
    """
    alone = Event()
    Thread(target=_beat, args=(pulse, alone), name="pulse", daemon=True).start()
    events.tell("start")
    while not alone.is_set():
        alone.wait(turn(folder))
    events.tell("alone", message="the supervisor is gone, so the loop ends, too")


def turn(folder: Path) -> float:
    """Turn the wheel once, tell how it went, and return the seconds until the next turn."""
    begin, pause = clock.monotonic_ns(), LOOK_SECONDS
    try:
        wheel = open_wheel(folder)
        pause = wheel.project.loop.every.total_seconds()
        with closing(wheel.catalog), closing(wheel.index):
            turned = tick(wheel, tell=lambda _: None)
    except TrimtabError as error:
        mistakes = [str(mistake) for mistake in error.mistakes]
        events.tell("turn_failed", kind=type(error).__name__, message=error.message, mistakes=mistakes)
    else:
        _tell(turned, (clock.monotonic_ns() - begin) / 1e9)
    return pause


def _tell(turned: Ticked, seconds: float) -> None:
    events.tell(
        "turn",
        seconds=round(seconds, 3),
        epoch=turned.epoch,
        forwarded=turned.forwarded,
        failures=turned.ingested.failures,
        fired=[finding.subject for finding in turned.findings if finding.fires],
        decisions=[
            {"number": one.number, "action": one.action, "by": one.by, "version": one.version}
            for one in turned.decisions
        ],
    )


def _beat(pulse: Pulse, alone: Event) -> None:
    """Say once a second that the process lives. That a turn takes long is no trouble: it may hold a fit."""
    while pulse.beat():
        alone.wait(BEAT_SECONDS)
    alone.set()
