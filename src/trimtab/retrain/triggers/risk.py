"""Trigger `risk`: the champion's loss on arriving outcomes has risen above what its hold-out promised.

An e-detector for the claim "the mean loss is still at most m", with m the upper end of the hold-out risk plus the
tolerance. Each batch multiplies a bet's wealth; one fresh unit joins before every batch, so that a change is seen
whenever it comes:

    E(bet) = product over the batch of 1 + bet (loss - m)          M <- E (M + 1)          alarm where mean M >= A

While the claim holds, the mean number of batches to a false alarm is at least A, without assuming independence: a row's
loss needs a mean of at most m given the rows before it. That holds under delayed labels when the delay does not depend
on the loss.

Sources: Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection (2024);
Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting (2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.betting import STEPS, from_log, log_growth, log_mean, risk_limit
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Evidence, Interval, Judgement, Project, State
from trimtab.retrain.triggers.base import SHARED_BY

Losses = NDArray[np.float64]

# A bet must stay under 1/m, where one row without loss would take all. Half of that is the most that is staked, because
# the four doubling steps below it (down to 1/32 of 1/m) then meet rises from a hundredth to about half of the risk.
LARGEST_BET = 0.5
# With a reference of zero and no tolerance every bet would be infinite.
SMALLEST_LIMIT = 1e-6


@dataclass(frozen=True, slots=True)
class Risk:
    """The e-detector with its settings.

    arl                  A: the least mean number of batches between false alarms
    tolerance_absolute   a rise of the mean loss up to this much is not worth a retrain
    tolerance_relative   the same as a share of the hold-out risk; the larger of the two counts
    min_labels           below so many losses in finished batches it cannot tell
    """

    name: ClassVar[str] = "risk"
    arl: float = 1000.0
    tolerance_absolute: float = 0.005
    tolerance_relative: float = 0.10
    min_labels: int = 100

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL where the evidence of a risk above the limit has reached A after the newest batch."""
        sizes = tuple(size for size in evidence.batches if size > 0)
        losses = np.asarray(evidence.losses, dtype=np.float64)[: sum(sizes)]
        reference = evidence.reference
        if reference is None or not isfinite(reference.high):
            return self._cannot_tell("the champion has no hold-out risk to compare with", losses)
        limit = max(risk_limit(reference, self.tolerance_absolute, self.tolerance_relative), SMALLEST_LIMIT)
        missing = self._missing(losses, limit, len(evidence.losses) - losses.size)
        if missing:
            return self._cannot_tell(missing, losses)
        return self._tell(reference, limit, losses, follow(losses, sizes, limit))

    def _missing(self, losses: Losses, limit: float, waiting: int) -> str:
        """Return why nothing can be said, or an empty text; `waiting` are the losses of the unfinished batch."""
        if losses.size < self.min_labels or losses.size == 0:
            begun = f"; {count(waiting, 'newer one')} in a batch that is not finished" if waiting else ""
            finished = f"{count(losses.size, 'outcome')} in finished batches since promotion"
            return f"{finished}, {self.min_labels:,} are needed{begun}"
        wrong = losses.size - int(((losses >= 0.0) & (losses <= 1.0)).sum())
        if wrong:
            return f"{wrong:,} of {losses.size:,} losses are not between 0 and 1"
        if limit >= 1.0:
            return f"the limit {figure(limit)} is the worst loss there is, so no rise could be seen"
        return ""

    def _tell(self, reference: Interval, limit: float, losses: Losses, path: Losses) -> Judgement:
        """Return the judgement of a followed path: its newest value against A."""
        mean, newest, alarm = float(losses.mean()), float(path[-1]), log(self.arl)
        fires = newest >= alarm
        said = (
            f"mean loss {figure(mean)} over {count(losses.size, 'outcome')} in {count(len(path), 'batch')} "
            f"since promotion; hold-out {figure(reference.value)}, limit {figure(limit)}; "
            f"evidence of a risk above the limit {figure(from_log(newest))}, alarm at {figure(self.arl)}"
        )
        reasons = (said, *self._history(path, fires=fires, alarm=alarm))
        numbers = {
            "m": limit,
            "A": self.arl,
            "M": from_log(newest),
            "batches": len(path),
            "mean_loss": mean,
            "labels": int(losses.size),
        }
        return Judgement(self.name, State.FAIL if fires else State.PASS, reasons, numbers)

    @staticmethod
    def _history(path: Losses, *, fires: bool, alarm: float) -> tuple[str, ...]:
        """Return when the alarm began, or that an earlier one has passed."""
        above = path >= alarm
        if fires:
            begun = len(path) - int(np.argmin(above[::-1])) if not above.all() else 0
            return (f"above the alarm since batch {begun + 1:,}",)
        return ("an earlier alarm has passed: the newest batches are within the limit again",) if above.any() else ()

    def _cannot_tell(self, reason: str, losses: Losses) -> Judgement:
        return Judgement(
            self.name, State.CANNOT_TELL, (f"cannot tell: {reason}",), {"A": self.arl, "labels": int(losses.size)}
        )


def follow(losses: Losses, sizes: Sequence[int], limit: float) -> Losses:
    """Return log M after every batch, averaged over the bets; oldest first, one per batch.

    `losses` in [0, 1] in order of arrival, `sizes` the rows of each batch, `limit` (m) above 0.
    """
    bets = tuple(LARGEST_BET * step / limit for step in STEPS)
    wealth, path = np.full(len(bets), -np.inf), []
    for growth in log_growth(losses - limit, bets, sizes):
        wealth = growth + np.logaddexp(wealth, 0.0)
        path.append(log_mean(wealth))
    return np.array(path)


def build(project: Project) -> Risk:
    """Return the trigger as `[triggers]` and `[monitor]` of the project set it."""
    spec = project.triggers
    return Risk(SHARED_BY * spec.arl, spec.tolerance_absolute, spec.tolerance_relative, project.monitor.min_labels)
