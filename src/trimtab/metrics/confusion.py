"""Precision, recall and F1 of the decisions that are made from probabilities, and the confusion matrix.

They belong to a threshold, not to a model, so they are functions and not metrics that families compete by.
A row is decided positive where its probability reaches the threshold. NaN means undefined: nothing was there to count.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses, align_binary
from trimtab.metrics.compare import NORMAL_975, mean_interval
from trimtab.nouns import Interval


def precision(labels: Labels, answers: Answers, threshold: float) -> float:
    """Return the share of truly positive rows among those decided positive."""
    hits, false_alarms, _ = count_decisions(labels, answers, threshold)
    return _share(hits, hits + false_alarms)


def recall(labels: Labels, answers: Answers, threshold: float) -> float:
    """Return the share of the positive rows that were decided positive."""
    hits, _, misses = count_decisions(labels, answers, threshold)
    return _share(hits, hits + misses)


def f1(labels: Labels, answers: Answers, threshold: float) -> float:
    """Return the harmonic mean of precision and recall."""
    hits, false_alarms, misses = count_decisions(labels, answers, threshold)
    return _share(2 * hits, 2 * hits + false_alarms + misses)


def count_decisions(labels: Labels, answers: Answers, threshold: float) -> tuple[int, int, int]:
    """Return how many rows are hits (true positives), false alarms and misses at the threshold."""
    positive, values = align_binary(labels, answers)
    decided = values >= threshold
    return int((decided & positive).sum()), int((decided & ~positive).sum()), int((~decided & positive).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def count_confusion(labels: Labels, decided: Labels, classes: int) -> tuple[tuple[int, ...], ...]:
    """Return the confusion matrix: a row for each true class, in it how often each class was decided."""
    cells = np.bincount(np.asarray(labels, np.intp) * classes + np.asarray(decided, np.intp), minlength=classes**2)
    return tuple(tuple(map(int, row)) for row in cells.reshape(classes, classes))


def decision_intervals(labels: Labels, decided: Labels, classes: int) -> dict[str, Interval]:
    """Return accuracy, precision, recall and F1 of decisions, with 95 % intervals; undefined ones are left out.

    `labels` and `decided` are class indexes. Two classes: of the positive one (index 1). More: the mean over the
    classes that are defined (macro). Shares of counted rows have Wilson's interval (1927), which holds at 0 and 1 and
    for few rows; means and F1 that of the infinitesimal jackknife.
    """
    truth, given = np.asarray(labels, np.intp), np.asarray(decided, np.intp)
    found = {"accuracy": share_interval(int((truth == given).sum()), len(truth))}
    if classes == 2:
        hits = int(((truth == 1) & (given == 1)).sum())
        found["precision"] = share_interval(hits, int((given == 1).sum()))
        found["recall"] = share_interval(hits, int((truth == 1).sum()))
        found["f1"] = _mean_ratio(truth, given, (1,), _f1_counts)
    else:
        every = range(classes)
        found["precision"] = _mean_ratio(truth, given, every, lambda right, _, said: (right, said))
        found["recall"] = _mean_ratio(truth, given, every, lambda right, is_one, _: (right, is_one))
        found["f1"] = _mean_ratio(truth, given, every, _f1_counts)
    return {name: interval for name, interval in found.items() if np.isfinite(interval.value)}


def share_interval(hits: int, rows: int) -> Interval:
    """Return a share of rows with Wilson's 95 % interval; NaN of no rows.

    >>> share_interval(9, 10)
    Interval(value=0.9, low=0.595..., high=0.982..., rows=10)
    """
    if not rows:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    share, square = hits / rows, NORMAL_975**2
    centre = (share + square / (2 * rows)) / (1 + square / rows)
    reach = NORMAL_975 * np.sqrt(share * (1 - share) / rows + square / (4 * rows**2)) / (1 + square / rows)
    return Interval(share, float(max(centre - reach, 0.0)), float(min(centre + reach, 1.0)), rows)


Counts = Callable[[Losses, Losses, Losses], tuple[Losses, Losses]]


def _f1_counts(right: Losses, is_one: Losses, said: Losses) -> tuple[Losses, Losses]:
    return 2 * right, is_one + said


def _mean_ratio(truth: Labels, given: Labels, classes: Iterable[int], counts: Counts) -> Interval:
    """Return the mean over classes of a ratio of sums over rows, by the part that each row has in it."""
    parts = []
    for one in classes:
        is_one, said = (truth == one).astype(np.float64), (given == one).astype(np.float64)
        above, below = counts(is_one * said, is_one, said)
        if below.sum():
            ratio = above.sum() / below.sum()
            parts.append(ratio + (above - ratio * below) / below.mean())
    if not parts:
        return Interval(float("nan"), float("nan"), float("nan"), len(truth))
    found = mean_interval(np.mean(parts, axis=0))
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
