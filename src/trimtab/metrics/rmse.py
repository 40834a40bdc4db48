"""Root mean squared error: the typical size of an error, large errors counting more."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, SmoothMetric, align
from trimtab.nouns import Task


class RootMeanSquaredError(SmoothMetric):
    """Root of the mean squared error, in the target's unit. Smaller is better.

    >>> import numpy as np
    >>> RootMeanSquaredError().score(np.array([1.0, 2.0]), np.array([4.0, 6.0]))
    3.5355339059327378
    """

    name: ClassVar[str] = "rmse"
    bigger_is_better: ClassVar[bool] = False
    perfect: ClassVar[float] = 0.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"regression"})

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return the root, moved by half of what each row's squared error has beyond the mean, per root."""
        rows, values = align(labels, answers)
        squares: Losses = np.square(values - rows)
        root = np.sqrt(squares.mean()) if squares.size else 0.0
        return root + (squares - root**2) / (2.0 * root) if root > 0.0 else squares
