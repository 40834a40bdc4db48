"""Log loss: minus the logarithm of the probability that was given to what happened, in nats."""

from typing import ClassVar

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, RowMetric, align
from trimtab.nouns import Task

# A probability of exactly zero for what happened would cost infinitely much; this caps one row at 34.5 nats.
SMALLEST = 1e-15


class LogLoss(RowMetric):
    """Mean negative log-likelihood of the true class. 0 is perfect, smaller is better.

    >>> import numpy as np
    >>> round(LogLoss().score(np.array([1, 0]), np.array([0.8, 0.4])), 4)
    0.367
    """

    name: ClassVar[str] = "log_loss"
    bigger_is_better: ClassVar[bool] = False
    perfect: ClassVar[float] = 0.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def losses(self, labels: Labels, answers: Answers) -> Losses:
        """Return -log p(true class) per row, p clipped to [1e-15, 1 - 1e-15]."""
        rows, values = align(labels, answers)
        if values.ndim == 1:
            given = np.where(rows == 1, values, 1.0 - values)
        else:
            given = values[np.arange(len(rows)), rows.astype(np.intp)]
        losses: Losses = -np.log(np.clip(given, SMALLEST, 1.0 - SMALLEST))
        return losses
