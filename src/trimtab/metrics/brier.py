"""Brier score: squared distance between the probabilities and what happened (Brier 1950)."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, RowMetric, align
from trimtab.nouns import Task


class Brier(RowMetric):
    """Mean squared error of the probabilities, in [0, 1]. 0 is perfect, smaller is better.

    Binary: (p - y)^2. Multiclass: the sum over the classes, halved, so that two classes give the binary value.

    >>> import numpy as np
    >>> round(Brier().score(np.array([1, 0]), np.array([0.8, 0.4])), 4)
    0.1
    """

    name: ClassVar[str] = "brier"
    bigger_is_better: ClassVar[bool] = False
    perfect: ClassVar[float] = 0.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def losses(self, labels: Labels, answers: Answers) -> Losses:
        """Return the squared distance per row, in [0, 1]."""
        rows, values = align(labels, answers)
        if values.ndim == 1:
            losses: Losses = np.square(values - (rows == 1))
            return losses
        happened = rows[:, None] == np.arange(values.shape[1])
        halves: Losses = np.square(values - happened).sum(axis=1) / 2.0
        return halves
