"""Accuracy: the share of rows whose most probable class is the true one."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, RowMetric, align
from trimtab.nouns import Task


class Accuracy(RowMetric):
    """Share of right classes. 1 is perfect, bigger is better.

    Binary answers count as positive from 0.5 on, whatever threshold a Version decides by: costs move that one.

    >>> import numpy as np
    >>> Accuracy().score(np.array([1, 0, 1, 0]), np.array([0.8, 0.4, 0.5, 0.6]))
    0.75
    """

    name: ClassVar[str] = "accuracy"
    bigger_is_better: ClassVar[bool] = True
    perfect: ClassVar[float] = 1.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def losses(self, labels: Labels, answers: Answers) -> Losses:
        """Return 1.0 for a wrong row and 0.0 for a right one."""
        rows, values = align(labels, answers)
        chosen = values >= 0.5 if values.ndim == 1 else values.argmax(axis=1)
        wrong: Losses = np.not_equal(chosen, rows).astype(np.float64)
        return wrong
