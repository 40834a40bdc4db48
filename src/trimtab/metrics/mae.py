"""Mean absolute error: the average size of an error."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, RowMetric, align
from trimtab.nouns import Task


class MeanAbsoluteError(RowMetric):
    """Mean absolute error, in the target's unit. Smaller is better.

    >>> import numpy as np
    >>> MeanAbsoluteError().score(np.array([1.0, 2.0]), np.array([4.0, 6.0]))
    3.5
    """

    name: ClassVar[str] = "mae"
    bigger_is_better: ClassVar[bool] = False
    perfect: ClassVar[float] = 0.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"regression"})

    def losses(self, labels: Labels, answers: Answers) -> Losses:
        """Return |answer - label| per row."""
        rows, values = align(labels, answers)
        return np.abs(values - rows)
