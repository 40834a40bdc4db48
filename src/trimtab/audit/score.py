"""The score, which is a display, and the gate, which decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State

MOST_WAIVERS = 2


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the rubric that has a score of its own."""

    name: str
    title: str
    weight: int
    categories: tuple[Category, ...]


SECTIONS = (
    Section("contract", "Contract", 3, (Category.CONTRACT,)),
    Section("input", "Input", 35, (Category.VALIDATION, Category.NUMERIC, Category.PARSING, Category.UNICODE)),
    Section("behaviour", "Behaviour", 15, (Category.BEHAVIOUR,)),
    Section("performance", "Performance", 10, (Category.PERFORMANCE,)),
    Section("operability", "Operability", 17, (Category.OPERABILITY,)),
    Section("errors", "Errors", 8, (Category.ERRORS,)),
    Section("security", "Security", 9, (Category.SECURITY,)),
    Section("recovery", "Recovery", 3, (Category.RECOVERY,)),
)
"""The weights are shares of the score and make 100."""

_WORTH: Mapping[State, float] = {State.PASS: 1.0, State.WARN: 0.5, State.FAIL: 0.0, State.ERROR: 0.0}


@dataclass(frozen=True, slots=True)
class Waiver:
    """A warning of a must probe that its owner accepts in public, with the reason."""

    probe: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One probe with what it said, how long it took, and the waiver that covers it."""

    about: About
    result: Result
    seconds: float
    waiver: Waiver | None = None

    @property
    def severity(self) -> Severity:
        """Return the probe's severity, or the graver one of what it saw."""
        return self.result.severity or self.about.severity

    @property
    def blocks(self) -> bool:
        """Whether this keeps the audit from passing: a must that is neither passed, waived, nor out of place here."""
        fine = self.result.state in {State.PASS, State.NOT_APPLICABLE, State.MANUAL}
        return self.severity == Severity.MUST and not fine and self.waiver is None


def score_section(section: Section, judged: Sequence[Judged]) -> float | None:
    """Return 0 to 100: each probe by its weight, WARN half, FAIL and ERROR nothing; None where no probe counts."""
    counted = [
        one
        for one in judged
        if one.about.category in section.categories and one.result.state in _WORTH and one.about.weight > 0
    ]
    whole = sum(one.about.weight for one in counted)
    return 100 * sum(_WORTH[one.result.state] * one.about.weight for one in counted) / whole if whole else None


def score_all(judged: Sequence[Judged]) -> float:
    """Return the mean of the sections by their weights; a section where no probe counts is left out."""
    scores = [(section.weight, score_section(section, judged)) for section in SECTIONS]
    counted = [(weight, score) for weight, score in scores if score is not None]
    whole = sum(weight for weight, _ in counted)
    return sum(weight * score for weight, score in counted) / whole if whole else 0.0
