"""ROC AUC: how often a positive row gets a higher probability than a negative one."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, SmoothMetric, align_binary, average_classes
from trimtab.nouns import Task


class RocAuc(SmoothMetric):
    """Chance that a random positive row is ranked above a random negative one; ties count half. Bigger is better.

    0.5 is guessing. Multiclass: the mean over the classes, each against all others. NaN where only one class is present
    or a probability is not finite: then there is nothing to rank.
    It is the Mann-Whitney statistic divided by the number of pairs, computed exactly.

    >>> import numpy as np
    >>> RocAuc().score(np.array([1, 0, 1, 0]), np.array([0.8, 0.4, 0.4, 0.1]))
    0.875
    """

    name: ClassVar[str] = "roc_auc"
    bigger_is_better: ClassVar[bool] = True
    perfect: ClassVar[float] = 1.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return the area, moved by how much more often each row ranks rightly than its class does on average.

        Source: DeLong, DeLong & Clarke-Pearson (1988), the structural components of the area.
        """
        if answers.ndim == 2:
            return average_classes(self.parts, labels, answers)
        positive, values = align_binary(labels, answers)
        wins = int(positive.sum())
        losses = len(positive) - wins
        if wins == 0 or losses == 0 or not np.isfinite(values).all():
            return np.full(len(positive), np.nan)
        right = np.empty(len(positive))
        right[positive] = _place(values[positive], values[~positive])
        right[~positive] = 1.0 - _place(values[~positive], values[positive])
        area = right[positive].mean()
        parts: Losses = area + (right - area) * np.where(positive, len(positive) / wins, len(positive) / losses)
        return parts


def _place(values: Answers, others: Answers) -> Losses:
    """Return for each value the share of the others below it, ties counted half."""
    ordered = np.sort(others)
    below, up_to = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    share: Losses = (below + up_to) / (2.0 * len(ordered))
    return share
