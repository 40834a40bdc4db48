"""The probability from which the answer is yes: the cheapest one on rows that the model did not learn from."""

import numpy as np

from trimtab.nouns.project import CostSpec


def choose_threshold(labels: np.ndarray, answers: np.ndarray, cost: CostSpec) -> float:
    """Return the threshold with the least cost of mistakes; a row is positive where its probability reaches it.

    `labels` are 0 or 1, `answers` probabilities. Of equally cheap thresholds it is the one nearest to
    false_positive / (false_positive + false_negative), which would be best if the probabilities were exact
    (Elkan 2001, "The foundations of cost-sensitive learning").
    """
    ideal = ideal_threshold(cost)
    edges = np.unique(np.concatenate(([0.0], answers, [1.0])))
    tried = np.concatenate(((edges[1:] + edges[:-1]) / 2.0, [0.0, ideal]))
    costs = mistake_costs(labels, answers, tried, cost)
    cheapest = tried[costs <= costs.min() * (1.0 + 1e-12)]
    return float(cheapest[np.argmin(np.abs(cheapest - ideal))])


def mistake_costs(labels: np.ndarray, answers: np.ndarray, thresholds: np.ndarray, cost: CostSpec) -> np.ndarray:
    """Return what the mistakes at each threshold cost together."""
    no, yes = np.sort(answers[labels == 0]), np.sort(answers[labels == 1])
    alarms = len(no) - np.searchsorted(no, thresholds, side="left")
    missed = np.searchsorted(yes, thresholds, side="left")
    total: np.ndarray = alarms * cost.false_positive + missed * cost.false_negative
    return total


def ideal_threshold(cost: CostSpec) -> float:
    """Return the best threshold for exact probabilities; one half where mistakes cost nothing."""
    both = cost.false_positive + cost.false_negative
    return cost.false_positive / both if both > 0 else 0.5
