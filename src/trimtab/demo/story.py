"""What happened, kept while it happens: steps, answers, and how wrong they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trimtab.demo.digits import Scan, measure_ink
from trimtab.loop.state import Wheel
from trimtab.loop.tick import Ticked
from trimtab.nouns import Decision, Version


@dataclass(frozen=True, slots=True)
class Answer:
    """One row that was asked, what it really was, and the answer: its id and its probability of the positive class."""

    row: Mapping[str, int]
    truth: str
    id: str
    probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """The rows from `first` to `last` (counted from 1), the name of the Version that answered, and the tick after."""

    first: int
    last: int
    planted: bool
    version: str
    answers: tuple[Answer, ...]
    ticked: Ticked
    followed: bool

    @property
    def fired(self) -> tuple[str, ...]:
        """What the triggers fired on."""
        return tuple(finding.subject for finding in self.ticked.findings if finding.fires)


@dataclass
class Story:
    """The whole demonstration. `refused` counts requests that had to be refused and were."""

    folder: Path
    wheel: Wheel
    first: Version
    kept: bool
    steps: list[Step] = field(default_factory=list)
    refused: int = 0
    microseconds: list[int] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """All answers, in order."""
        return [answer for step in self.steps for answer in step.answers]

    def names(self) -> dict[str, str]:
        """Return the running names of the Versions, by id."""
        return {version.id: version.name for version in self.wheel.catalog.versions()}

    def tell_fault(self, step: Step) -> str:
        """Return what was planted as a step began; empty where nothing was."""
        begins = step.planted and not any(earlier.planted for earlier in self.steps if earlier.first < step.first)
        return "the tray slips (planted)" if begins else ""

    def tell_turn(self, step: Step) -> str:
        """Return what the tick after a step did: triggers and Decisions; empty where it did nothing."""
        names, fired = self.names(), " and ".join(step.fired)
        events = [f"{fired} {'fires' if len(step.fired) == 1 else 'fire'}"] if fired else []
        events += [tell_decision(decision, names) for decision in step.ticked.decisions]
        return "; ".join(event for event in events if event)

    def tell_step(self, step: Step) -> str:
        """Return all that happened in a step beside answering."""
        return "; ".join(event for event in (self.tell_fault(step), self.tell_turn(step)) if event)


def tell_decision(decision: Decision, names: Mapping[str, str]) -> str:
    """Return a Decision in two or three words; empty for a retrain, which the next Decision speaks about."""
    name = names.get(decision.version or "", "")
    newcomer = decision.verdict.challenger if decision.verdict else "a newcomer"
    words = {
        "promote": f"{name} takes over",
        "refuse": f"{name} is refused",
        "keep": f"{newcomer} is not let in yet",
        "wait": "a retrain must wait",
        "retrain": "",
    }
    return words.get(decision.action, decision.action)


def pair_answers(scans: Sequence[Scan], replies: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    """Return the replies beside what was asked and what was true."""
    return tuple(
        Answer(measure_ink(scan), scan.parity, reply["prediction_id"], reply["probability"])
        for scan, reply in zip(scans, replies, strict=True)
    )
