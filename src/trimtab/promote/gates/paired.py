"""Gate `paired`: on rows that neither model was fitted on, the challenger's losses are smaller than the champion's.

Evidence by betting against "the challenger is not better": E = mean over the bets of product(1 + bet d), with d = the
champion's loss minus the challenger's, row by row in [-1, 1]. If the claim holds, E reaches 20 with a chance of at most
1/20, also when the rows came in over time and were looked at after each one. The mirrored E speaks for "worse".

Source: Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting (2024).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.betting import STEPS, from_log, log_evidence
from trimtab.metrics.compare import mean_interval
from trimtab.metrics.figures import figure, spread
from trimtab.nouns import Evidence, Interval, Judgement, Project, State

MIN_ROWS = 30
# A difference of -1 takes 95 % of the largest bet's wealth, not all. Differences of losses are small against their
# range, so the best bet is often near 1: the doubling steps start there and go down to 0.06.
LARGEST_BET = 0.95
BETS = tuple(LARGEST_BET * step for step in STEPS)


@dataclass(frozen=True, slots=True)
class Paired:
    """Passes where the e-value for "better" reaches `evidence`; fails where the one for "worse" does."""

    name: ClassVar[str] = "paired"
    evidence: float = 20.0

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the comparison with rows, mean losses, difference and both e-values."""
        champion = np.asarray(evidence.champion_losses, dtype=np.float64)
        challenger = np.asarray(evidence.challenger_losses, dtype=np.float64)
        missing = _missing(champion, challenger)
        if missing:
            return Judgement(self.name, State.CANNOT_TELL, (f"cannot tell: {missing}",), {"rows": len(challenger)})
        return self._tell(champion, challenger)

    def _tell(self, champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> Judgement:
        gains = champion - challenger
        better, worse = from_log(log_evidence(gains, BETS)), from_log(log_evidence(-gains, BETS))
        state = State.PASS if better >= self.evidence else State.FAIL if worse >= self.evidence else State.CANNOT_TELL
        difference = mean_interval(gains)
        numbers = {
            "rows": len(gains),
            "champion_loss": float(champion.mean()),
            "challenger_loss": float(challenger.mean()),
            "difference": difference.value,
            "low": difference.low,
            "high": difference.high,
            "e_better": better,
            "e_worse": worse,
            "asked": self.evidence,
        }
        return Judgement(self.name, state, (self._sentence(state, difference, numbers),), numbers)

    def _sentence(self, state: State, difference: Interval, numbers: dict[str, float]) -> str:
        finding = {State.PASS: "better", State.FAIL: "worse", State.CANNOT_TELL: "neither clearly better nor worse"}
        evidence = numbers["e_worse"] if state is State.FAIL else numbers["e_better"]
        return (
            f"{finding[state]} on {difference.rows:,} rows that neither model had seen: mean loss "
            f"{figure(numbers['challenger_loss'])} against {figure(numbers['champion_loss'])}, difference "
            f"{spread(difference)}; evidence {figure(evidence)} (asked: {figure(self.evidence)})"
        )


def _missing(champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> str:
    """Return why the losses cannot be compared, or an empty text."""
    if len(champion) != len(challenger):
        return f"{len(champion):,} losses of the champion do not pair with {len(challenger):,} of the challenger"
    if len(champion) < MIN_ROWS:
        return f"{len(champion):,} rows that neither model had seen, {MIN_ROWS} are needed"
    both = np.concatenate((champion, challenger))
    wrong = both.size - int(((both >= 0.0) & (both <= 1.0)).sum())
    return f"{wrong:,} losses are not between 0 and 1" if wrong else ""


def build(project: Project) -> Paired:
    """Return the gate with `[gates] evidence` of the project."""
    return Paired(project.gates.evidence)
