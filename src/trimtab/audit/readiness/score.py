"""What counts: 1 for what ran by itself within thirty days, a half for what was run by hand or attested, else nothing.

The score of a section is the sum of its seven tests, the final score that of the weakest section, as in the paper
(Breck et al. 2017). Beside it stands the same without attestations.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.audit.readiness.attest import Attestation
from trimtab.audit.readiness.found import Examination, Found, Ran
from trimtab.audit.readiness.rubric import TESTS, Section, Test
from trimtab.nouns import State

FRESH = timedelta(days=30)
ITSELF, BY_HAND = 1.0, 0.5
BANDS = (
    (0.0, "more a research project than a productionised system"),
    (1.0, "not totally untested, but serious holes in reliability are possible"),
    (2.0, "a first pass at productionisation; more investment may be needed"),
    (3.0, "reasonably tested; more of it could be automated"),
    (5.0, "strong automated testing and monitoring, fit for what matters"),
    (7.0, "exceptional"),
)
"""What a final score up to so much means, in the words of the paper."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a test is worth and why.

    state      of what ran, by itself or by hand; `cannot_tell` where nothing did within thirty days
    automatic  what it is worth without any person's word
    missing    one line: what would make it worth more; empty at the full worth
    """

    test: Test
    state: State
    worth: float
    automatic: float
    said: str
    missing: str
    evidence: tuple[str, ...] = ()
    numbers: Mapping[str, float | int | str] | None = None
    ran: Ran | None = None
    attested: Attestation | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The marks of all 28 tests, and what they come to."""

    project: str
    at: datetime
    marks: tuple[Mark, ...]

    @property
    def score(self) -> float:
        """The final score: that of the weakest section."""
        return min(self.sections().values())

    @property
    def automatic_score(self) -> float:
        """The same without attestations."""
        return min(self.sections(automatic=True).values())

    @property
    def failed(self) -> tuple[Mark, ...]:
        """The tests that failed."""
        return tuple(mark for mark in self.marks if mark.state is State.FAIL)

    def sections(self, *, automatic: bool = False) -> dict[Section, float]:
        """Return the score of each section."""
        sums = dict.fromkeys(Section, 0.0)
        for mark in self.marks:
            sums[mark.test.section] += mark.automatic if automatic else mark.worth
        return sums

    @property
    def meaning(self) -> str:
        """What the final score means, in the words of the paper."""
        return next(words for most, words in BANDS if self.score <= most)


def score(
    project: str, examinations: Sequence[Examination], attestations: Iterable[Attestation], *, now: datetime
) -> Readiness:
    """Return the marks that examinations (oldest first) and attestations give at a moment."""
    said = {one.test: one for one in attestations}  # of several about one test, the last
    fresh = [one for one in examinations if now - one.ran.at <= FRESH]
    marks = tuple(_mark(project, test, fresh, said.get(test.id), now) for test in TESTS)
    return Readiness(project, now, marks)


def _mark(
    project: str, test: Test, examinations: Sequence[Examination], attested: Attestation | None, now: datetime
) -> Mark:
    found, ran = _newest_telling(test, examinations, now)
    objection = attested.objection(project, now.date()) if attested else "nobody has attested it"
    holds = attested if attested and not objection else None
    automatic = _worth(test, found, ran)
    worth = automatic
    if holds and found.state is not State.FAIL:
        worth = max(automatic, BY_HAND)
    missing = _tell_missing(test, found, worth, objection, ran)
    return Mark(test, found.state, worth, automatic, found.said, missing, found.evidence, found.numbers, ran, holds)


def _newest_telling(test: Test, examinations: Sequence[Examination], now: datetime) -> tuple[Found, Ran | None]:
    """Return the newest pass or fail, else the newest that could not tell; and the run that is worth most for it.

    A pass counts as run by itself where one like it did, within thirty days and with no failure since.
    """
    every = [(one.found[test.id], one.ran) for one in examinations if test.id in one.found]
    telling = [(found, ran) for found, ran in every if found.state is not State.CANNOT_TELL]
    if not telling:
        return every[-1] if every else (Found(State.CANNOT_TELL, _never(test)), None)
    found = telling[-1][0]
    run = []
    for earlier, ran in reversed(telling):
        if earlier.state is not found.state:
            break
        own = earlier.ran
        run.append(own if own is not None and own.itself and now - own.at <= FRESH else ran)
    return found, next((ran for ran in run if ran.itself), run[0])


def _never(test: Test) -> str:
    return "only a person can say" if test.kind == "attested" else "not checked within 30 days"


def _worth(test: Test, found: Found, ran: Ran | None) -> float:
    """Return what a test is worth without a person's word; one that needs it is worth nothing without."""
    if test.kind != "automatic" or found.state is not State.PASS or ran is None:
        return 0.0
    return ITSELF if ran.itself else BY_HAND


def _tell_missing(test: Test, found: Found, worth: float, objection: str, ran: Ran | None) -> str:
    if found.state is State.FAIL:
        return found.missing or "it failed"
    if worth == ITSELF:
        return found.missing
    lines = [found.missing] if found.missing else []
    if test.kind != "automatic" and objection:
        lines.append(f"a person has to attest {test.person}: {objection}")
    elif found.state is State.PASS and test.kind == "automatic" and (ran is None or not ran.itself):
        lines.append('run by hand: let the loop run it, [loop] drills = "7d"')
    elif found.state is State.CANNOT_TELL and not found.missing and test.kind != "attested":
        lines.append("trimtab audit --project DIR runs it")
    return "; ".join(lines)
