"""What happened, kept while it happens: months, answers, Decisions, seconds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from trimtab import clock
from trimtab.loop.state import Wheel
from trimtab.loop.tick import Ticked
from trimtab.nouns import Decision

PLANTER = "demo"
"""Who proposes the planted challenger, as the journal says it: `person:demo`."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month: how many rows were asked, who answered, the planted challenger's Decision, and the tick at its end."""

    name: str
    start: datetime
    end: datetime
    asked: int
    version: str
    planted: Decision | None
    ticked: Ticked
    followed: bool


@dataclass
class Story:
    """The whole demonstration. `answers` are the acknowledged probabilities by id; `failed` counts rows without one."""

    folder: Path
    wheel: Wheel
    kept: bool
    seed: int
    months: list[Month] = field(default_factory=list)
    answers: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    microseconds: Sequence[int] = ()

    def names(self) -> dict[str, str]:
        """Return the running names of the Versions, by id."""
        return {version.id: version.name for version in self.wheel.catalog.versions()}

    def tell_month(self, month: Month) -> tuple[str, ...]:
        """Return what happened in a month beside answering: the planted challenger, triggers, Decisions."""
        names = self.names()
        planted = [f"planted: {_tell_decision(month.planted, names)}"] if month.planted else []
        fired = " and ".join(finding.subject for finding in month.ticked.findings if finding.fires)
        told = [_tell_decision(decision, names) for decision in month.ticked.decisions]
        events = [fired and f"{fired} {'fire' if ' and ' in fired else 'fires'}", *told]
        return (*planted, *(event for event in events if event))


def _tell_decision(decision: Decision, names: Mapping[str, str]) -> str:
    """Return a Decision in a few words; empty for a retrain, which the next Decision tells, and a trim."""
    name = names.get(decision.version or "", "")
    newcomer = decision.verdict.challenger if decision.verdict else "a newcomer"
    words = {
        "promote": f"{name} joins in" if decision.by == "blend" else f"{name} takes over",
        "refuse": f"{name} is refused",
        "keep": f"{newcomer} is not let in",
        "wait": "a retrain must wait",
        "retrain": "",
        "trim": "",
    }
    return words.get(decision.action, decision.action)


class Stopwatch:
    """Seconds by part of the demonstration."""

    def __init__(self) -> None:
        self.started = clock.monotonic_ns()
        self.parts: Counter[str] = Counter()

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add the seconds of the block to a part."""
        begun = clock.monotonic_ns()
        try:
            yield
        finally:
            self.parts[part] += (clock.monotonic_ns() - begun) / 1e9  # type: ignore[assignment]  # seconds are fractions

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return (clock.monotonic_ns() - self.started) / 1e9
