"""Trigger `risk`: the champion's loss on arriving outcomes has risen above what its hold-out promised.

An e-detector for the claim "the mean loss is still at most m", with m the upper end of the hold-out risk plus the
tolerance. Each batch multiplies a bet's wealth; one fresh unit joins before every batch, so that a change is seen
whenever it comes:

    E(bet) = product over the batch of 1 + bet (loss - m)          M <- E (M + 1)          alarm where mean M >= A

While the claim holds, the mean number of batches to a false alarm is at least A, without assuming independence: a row's
loss needs a mean of at most m given the rows before it. That holds under delayed labels when the delay does not depend
on the loss.

**Slices.** What goes wrong in a tenth of the rows is a tenth as large in the mean of all. So each of the K declared
slices of which the hold-out promised something has a detector of its own, against its own limit, and

    M = M(all rows) / 2 + sum of M(slice) / 2K

is what reaches A. Each M is an e-detector: at whatever batch one stops, its mean is at most the mean number of batches
until then, while its claim holds. A mean of e-detectors with fixed weights is then one too, however they depend on each
other, so A needs no correction for the number of slices. A batch without a row of a slice leaves its M as it was, and
no unit joins; one that has brought fewer than 30 outcomes counts as 0. Both only lower M.

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
from trimtab.metrics.slices import LEAST_ROWS
from trimtab.nouns import Evidence, Interval, Judgement, Project, PromisedSlice, State
from trimtab.retrain.triggers.base import SHARED_BY

Losses = NDArray[np.float64]

# A bet must stay under 1/m, where one row without loss would take all. Half of that is the most that is staked, because
# the four doubling steps below it (down to 1/32 of 1/m) then meet rises from a hundredth to about half of the risk.
LARGEST_BET = 0.5
# With a reference of zero and no tolerance every bet would be infinite.
SMALLEST_LIMIT = 1e-6


@dataclass(frozen=True, slots=True)
class _Track:
    """All rows (no name) or a slice of them: what was promised, what was lost, and log M after every batch."""

    name: str
    reference: Interval
    limit: float
    losses: Losses
    path: Losses

    @property
    def mean(self) -> float:
        return float(self.losses.mean())

    @property
    def sentence(self) -> str:
        """That this slice is what raises the alarm, with its numbers."""
        return (
            f"{self.name} carries the alarm: mean loss {figure(self.mean)} over {count(self.losses.size, 'outcome')}; "
            f"hold-out {figure(self.reference.value)}, limit {figure(self.limit)}; "
            f"evidence {figure(from_log(float(self.path[-1])))}"
        )

    @property
    def numbers(self) -> dict[str, float | int | str | None]:
        """The slice as the judgement's evidence has it."""
        return {
            "slice": self.name,
            "slice_m": self.limit,
            "slice_M": from_log(float(self.path[-1])),
            "slice_mean_loss": self.mean,
            "slice_labels": int(self.losses.size),
        }


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
        limit = self._limit(reference)
        missing = self._missing(losses, limit, len(evidence.losses) - losses.size)
        if missing:
            return self._cannot_tell(missing, losses)
        whole = _Track("", reference, limit, losses, follow(losses, sizes, limit))
        return self._tell(whole, [self._track(one, losses, sizes) for one in self._find_followed(evidence.promised)])

    def _limit(self, reference: Interval) -> float:
        return max(risk_limit(reference, self.tolerance_absolute, self.tolerance_relative), SMALLEST_LIMIT)

    def _find_followed(self, promised: Sequence[PromisedSlice]) -> list[PromisedSlice]:
        """Return the slices in which a rise could be seen; which they are does not depend on what comes."""
        return [one for one in promised if isfinite(one.reference.high) and self._limit(one.reference) < 1.0]

    def _track(self, one: PromisedSlice, losses: Losses, sizes: Sequence[int]) -> _Track:
        """Return what became of a slice's promise in the same batches."""
        ends, limit = np.cumsum(sizes), self._limit(one.reference)
        rows = np.asarray(one.rows, dtype=np.int64)
        counted = np.searchsorted(rows, ends)
        own = losses[rows[: counted[-1]]]
        path = follow(own, np.diff(counted, prepend=0).tolist(), limit)
        return _Track(one.name, one.reference, limit, own, np.where(counted < LEAST_ROWS, -np.inf, path))

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

    def _tell(self, whole: _Track, slices: Sequence[_Track]) -> Judgement:
        """Return the judgement of what was followed: the newest value of the mean against A."""
        path = _average(whole, slices)
        newest, alarm = float(path[-1]), log(self.arl)
        fires = newest >= alarm
        over = f", averaged with that of {count(len(slices), 'slice')}," if slices else ""
        said = (
            f"mean loss {figure(whole.mean)} over {count(whole.losses.size, 'outcome')} in "
            f"{count(len(path), 'batch')} since promotion; hold-out {figure(whole.reference.value)}, "
            f"limit {figure(whole.limit)}; evidence of a risk above the limit{over} {figure(from_log(newest))}, "
            f"alarm at {figure(self.arl)}"
        )
        carrier = _find_carrier(whole, slices)
        told = (carrier.sentence,) if carrier and fires else ()
        numbers = {
            "m": whole.limit,
            "A": self.arl,
            "M": from_log(newest),
            "batches": len(path),
            "mean_loss": whole.mean,
            "labels": int(whole.losses.size),
            **({"slices": len(slices)} if slices else {}),
            **(carrier.numbers if carrier else {}),
        }
        reasons = (said, *told, *self._history(path, fires=fires, alarm=alarm))
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


def _average(whole: _Track, slices: Sequence[_Track]) -> Losses:
    """Return log M of the mean: half of the weight on all rows, the other half shared evenly by the slices."""
    if not slices:
        return whole.path
    parts = [one.path - log(2.0 * len(slices)) for one in slices]
    path: Losses = np.logaddexp.reduce([whole.path - log(2.0), *parts])
    return path


def _find_carrier(whole: _Track, slices: Sequence[_Track]) -> _Track | None:
    """Return the slice that adds most to the mean after the newest batch; None where all rows do."""
    first = max(slices, key=lambda one: float(one.path[-1]), default=whole)
    return first if first.path[-1] > whole.path[-1] + log(max(len(slices), 1)) else None


def follow(losses: Losses, sizes: Sequence[int], limit: float) -> Losses:
    """Return log M after every batch, averaged over the bets; oldest first, one per batch.

    `losses` in [0, 1] in order of arrival, `sizes` the rows of each batch, `limit` (m) above 0. A batch without rows
    leaves M as it was, at first 0.
    """
    bets = tuple(LARGEST_BET * step / limit for step in STEPS)
    grown = iter(log_growth(losses - limit, bets, [size for size in sizes if size]))
    wealth, path = np.full(len(bets), -np.inf), []
    for size in sizes:
        wealth = next(grown) + np.logaddexp(wealth, 0.0) if size else wealth
        path.append(log_mean(wealth))
    return np.array(path)


def build(project: Project) -> Risk:
    """Return the trigger as `[triggers]` and `[monitor]` of the project set it."""
    spec = project.triggers
    return Risk(SHARED_BY * spec.arl, spec.tolerance_absolute, spec.tolerance_relative, project.monitor.min_labels)
