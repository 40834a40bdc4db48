"""Average precision: precision at each positive row, going down from the highest probability, averaged."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, SmoothMetric, align_binary, average_classes
from trimtab.nouns import Task


class AveragePrecision(SmoothMetric):
    """Area under the precision-recall curve as a step function, without interpolation. Bigger is better.

    Guessing gives the share of positives. Multiclass: the mean over the classes, each against all others. Rows with
    equal probability enter together. NaN without a positive row or where a probability is not finite.

    >>> import numpy as np
    >>> round(AveragePrecision().score(np.array([1, 0, 1, 0]), np.array([0.8, 0.4, 0.3, 0.1])), 4)
    0.8333
    """

    name: ClassVar[str] = "average_precision"
    bigger_is_better: ClassVar[bool] = True
    perfect: ClassVar[float] = 1.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return the average, moved by the derivative of the average to each row's weight, times the rows.

        A positive row adds its precision and lifts that of all positive rows at or below it; every row dilutes them.
        """
        if answers.ndim == 2:
            return average_classes(self.parts, labels, answers)
        positive, values = align_binary(labels, answers)
        total = int(positive.sum())
        if total == 0 or not np.isfinite(values).all():
            return np.full(len(positive), np.nan)
        # Groups of equal probabilities, the highest first; `upon` is how many rows stand in a group or above it.
        _, group, sizes = np.unique(-values, return_inverse=True, return_counts=True)
        hits = np.bincount(group, weights=positive, minlength=len(sizes))
        found, upon = np.cumsum(hits), np.cumsum(sizes)
        precision = found / upon
        average = float((hits * precision).sum()) / total
        lifts, dilutes = _sum_below(hits / upon), _sum_below(hits * precision / upon)
        slopes = positive * (precision[group] + lifts[group] - average) - dilutes[group]
        parts: Losses = average + slopes * len(positive) / total
        return parts


def _sum_below(values: Losses) -> Losses:
    """Return for each group the sum over itself and all lower ones."""
    sums: Losses = np.cumsum(values[::-1])[::-1]
    return sums
