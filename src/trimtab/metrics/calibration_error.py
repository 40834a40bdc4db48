"""Expected calibration error: how far the stated probabilities are from what happened, bin by bin."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.base import Answers, Labels, Losses, SmoothMetric, align
from trimtab.nouns import Task

BINS = 15


class ExpectedCalibrationError(SmoothMetric):
    """Mean distance of probability and frequency over 15 bins of equally many rows. 0 is perfect, smaller is better.

    Binary: the probability of the positive class. Multiclass: that of the likeliest class, against how often it was
    right (Guo et al. 2017). Bins of equal mass are the less biased ones (Roelofs et al. 2022); equal probabilities
    share a bin. What is left of the bias is upward: few rows make exact probabilities look a little wrong. Somebody who
    answers the base rate has no error at all, so it is no metric to compete or to be promoted by.

    >>> import numpy as np
    >>> round(ExpectedCalibrationError().score(np.array([1, 0, 1, 0]), np.array([0.8, 0.4, 0.8, 0.4])), 4)
    0.3
    """

    name: ClassVar[str] = "expected_calibration_error"
    bigger_is_better: ClassVar[bool] = False
    perfect: ClassVar[float] = 0.0
    works_with: ClassVar[frozenset[Task]] = frozenset({"binary", "multiclass"})

    def parts(self, labels: Labels, answers: Answers) -> Losses:
        """Return each row's gap with the sign of its bin's gap: their mean is the error, bins taken as given."""
        stated, happened = stated_and_happened(labels, answers)
        if not stated.size or not np.isfinite(stated).all():
            return np.full(stated.size, np.nan)
        bins = mass_bins(stated, BINS)
        gaps = stated - happened
        sums = np.bincount(bins, weights=gaps)
        parts: Losses = np.where(sums < 0.0, -1.0, 1.0)[bins] * gaps
        return parts


def stated_and_happened(labels: Labels, answers: Answers) -> tuple[Answers, Answers]:
    """Return each row's stated probability and whether it came true (0 or 1), of positive or the likeliest class."""
    rows, values = align(labels, answers)
    if values.ndim == 1:
        return values, (rows == 1).astype(np.float64)
    if not len(rows):
        return np.empty(0), np.empty(0)
    return values.max(axis=1), (values.argmax(axis=1) == rows).astype(np.float64)


def mass_bins(values: Answers, bins: int) -> NDArray[np.intp]:
    """Return each value's bin, from 0; bins hold about equally many values, and equal values share one."""
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="higher"))
    found = np.searchsorted(edges, values, side="right")
    return np.unique(found, return_inverse=True)[1]
