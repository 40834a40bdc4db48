"""The role of a metric: one number for how good answers were, with its direction and the tasks it fits.

labels    class indices as integers (binary: 1 is the positive class), or numbers for regression
answers   binary: (n,) probability of the positive class; multiclass: (n, k) probabilities; regression: (n,) numbers
"""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Task

Labels = NDArray[Any]
Answers = NDArray[np.float64]
Losses = NDArray[np.float64]


class Metric(Protocol):
    """A number for how good answers were; callers never ask for its direction, it knows."""

    name: ClassVar[str]
    bigger_is_better: ClassVar[bool]
    works_with: ClassVar[frozenset[Task]]

    def score(self, labels: Labels, answers: Answers) -> float:
        """Return the metric over all rows, NaN where it is undefined (no rows, or one class where two are needed)."""
        ...


@runtime_checkable
class SmoothMetric(Metric, Protocol):
    """A metric that can be split into one part per row, so that intervals and paired differences follow from the rows.

    A part says how much its row moves the score: the parts' mean is the score, and their spread over the root of the
    rows its standard error (the infinitesimal jackknife; Efron 1981). `perfect` is the best score there is: an interval
    ends there.
    """

    perfect: ClassVar[float]

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return one part per row, all NaN where the metric is undefined."""
        ...

    def score(self, labels: Labels, answers: Answers) -> float:
        """Return the mean of the parts; NaN without rows."""
        parts = self.parts(labels, answers)
        return float(parts.mean()) if parts.size else float("nan")


@runtime_checkable
class RowMetric(SmoothMetric, Protocol):
    """A metric that is exactly the mean of a loss per row.

    Where bigger is better (accuracy), `losses` are still losses and the score is one minus their mean.
    """

    def losses(self, labels: Labels, answers: Answers) -> Losses:
        """Return one loss per row; smaller is better."""
        ...

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return the losses, or one minus each of them where bigger is better."""
        losses = self.losses(labels, answers)
        return 1.0 - losses if self.bigger_is_better else losses


def align(labels: Labels, answers: Answers) -> tuple[Answers, Answers]:
    """Return both as float arrays; ValueError where rows do not match, before NumPy broadcasts them to nonsense."""
    rows, values = np.asarray(labels, dtype=np.float64), np.asarray(answers, dtype=np.float64)
    if rows.ndim != 1 or values.ndim not in {1, 2} or len(rows) != len(values):
        raise ValueError(f"labels of shape {rows.shape} do not fit answers of shape {values.shape}")
    return rows, values


def average_classes(parts: Callable[[Labels, Answers], Losses], labels: Labels, answers: Answers) -> Losses:
    """Return the mean over the classes of a binary metric's parts, each class against all others.

    A class for which the metric is undefined, such as one without rows, is left out; all NaN where each one is.
    """
    rows, values = align(labels, answers)
    if values.shape[1] < 2:
        raise ValueError(f"answers of shape {values.shape} are neither one probability per row nor one per class")
    each = [parts(rows == place, values[:, place]) for place in range(values.shape[1])]
    known = [one for one in each if not np.isnan(one).any()]
    mean: Losses = np.mean(known, axis=0) if known else np.full(len(rows), np.nan)
    return mean


def align_binary(labels: Labels, answers: Answers) -> tuple[NDArray[np.bool_], Answers]:
    """Return which rows are positive, and their probabilities; ValueError where answers are not one per row."""
    rows, values = align(labels, answers)
    if values.ndim != 1:
        raise ValueError(f"a binary metric needs one probability per row, got answers of shape {values.shape}")
    return rows == 1, values
