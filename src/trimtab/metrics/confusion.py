"""Precision, recall and F1 of the decisions that a threshold makes from probabilities.

They belong to a threshold, not to a model, so they are functions and not metrics that families compete by.
A row is decided positive where its probability reaches the threshold. NaN means undefined: nothing was there to count.
"""

from trimtab.metrics.base import Answers, Labels, align_binary


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
