"""The probability from which the answer is yes: the cheapest on rows that the model had not seen, or a target's."""

import numpy as np

from trimtab.errors import ConfigError, Mistake
from trimtab.nouns import Target
from trimtab.nouns.project import CostSpec
from trimtab.train.choice import CostPoint
from trimtab.train.labels import order_classes

POINTS = 101
"""Thresholds of a cost curve, evenly from 0 to 1."""


def choose_threshold(labels: np.ndarray, answers: np.ndarray, cost: CostSpec) -> float:
    """Return the threshold with the least cost of mistakes; a row is positive where its probability reaches it.

    `labels` are 0 or 1, `answers` probabilities. Of equally cheap thresholds it is the one nearest to
    false_positive / (false_positive + false_negative), which would be best if the probabilities were exact
    (Elkan 2001, "The foundations of cost-sensitive learning"). Where `cost.target` asks for a recall, it is the
    highest threshold that reaches it; for a precision, the one of the greatest recall among those that reach it, or
    of the greatest precision where none does.
    """
    ideal = ideal_threshold(cost)
    edges = np.unique(np.concatenate(([0.0], answers, [1.0])))
    middles = (edges[1:] + edges[:-1]) / 2.0
    if cost.target and labels.any():
        return _reach(labels, answers, np.concatenate(([0.0], middles)), cost)
    tried = np.concatenate((middles, [0.0, ideal]))
    costs = mistake_costs(labels, answers, tried, cost)
    cheapest = tried[costs <= costs.min() * (1.0 + 1e-12)]
    return float(cheapest[np.argmin(np.abs(cheapest - ideal))])


def mistake_costs(labels: np.ndarray, answers: np.ndarray, thresholds: np.ndarray, cost: CostSpec) -> np.ndarray:
    """Return what the mistakes at each threshold cost together."""
    alarms, missed = _count_mistakes(labels, answers, thresholds)
    total: np.ndarray = alarms * cost.false_positive + missed * cost.false_negative
    return total


def draw_costs(labels: np.ndarray, answers: np.ndarray, cost: CostSpec) -> tuple[CostPoint, ...]:
    """Return what mistakes cost per 1,000 rows at thresholds from 0 to 1; nothing where there are no rows."""
    if not len(labels):
        return ()
    grid = np.linspace(0.0, 1.0, POINTS)
    per_thousand = mistake_costs(labels, answers, grid, cost) * 1000.0 / len(labels)
    return tuple(CostPoint(*pair) for pair in zip(grid.tolist(), per_thousand.tolist(), strict=True))


def weigh_classes(cost: CostSpec, target: Target) -> tuple[float, ...]:
    """Return what mistaking a row of each class costs, by class index; nothing where all cost the same.

    Raises ConfigError where `[cost]` does not fit the target: all such mistakes at once.
    """
    classes = order_classes(target)
    mistakes = [
        Mistake(f"cost.by_class.{name}", f"is no class of '{target.column}'")
        for name in cost.by_class
        if name not in classes
    ]
    if cost.target and target.task != "binary":
        mistakes.append(Mistake("cost.target", f"needs two classes; the task is {target.task}"))
    if cost.by_class and target.task == "binary":
        mistakes.append(Mistake("cost.by_class", "is for three classes or more; use false_positive and false_negative"))
    if mistakes:
        raise ConfigError("[cost] does not fit the target.", mistakes=mistakes, hint="mend it in trimtab.toml")
    weights = tuple(float(cost.by_class.get(name, 1.0)) for name in classes)
    return weights if len(set(weights)) > 1 else ()


def _reach(labels: np.ndarray, answers: np.ndarray, thresholds: np.ndarray, cost: CostSpec) -> float:
    alarms, missed = _count_mistakes(labels, answers, thresholds)
    caught = int(labels.sum()) - missed
    if "recall" in cost.target:
        enough = caught >= cost.target["recall"] * labels.sum()
        return float(thresholds[enough].max())
    precision = np.where(caught > 0, caught / np.maximum(caught + alarms, 1), 0.0)
    enough = precision >= min(cost.target["precision"], float(precision.max()))
    return float(thresholds[enough].min())


def _count_mistakes(labels: np.ndarray, answers: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return false positives and false negatives at each threshold."""
    no, yes = np.sort(answers[labels == 0]), np.sort(answers[labels == 1])
    return len(no) - np.searchsorted(no, thresholds, side="left"), np.searchsorted(yes, thresholds, side="left")


def ideal_threshold(cost: CostSpec) -> float:
    """Return the best threshold for exact probabilities; one half where mistakes cost nothing."""
    both = cost.false_positive + cost.false_negative
    return cost.false_positive / both if both > 0 else 0.5
