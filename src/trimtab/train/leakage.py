"""What a random split would have claimed: the same recipe, measured once with the future mixed into what it learns."""

import numpy as np

from trimtab.metrics.compare import metric_interval
from trimtab.nouns import Interval
from trimtab.train.choice import Leakage
from trimtab.train.contest import Ground, Runner, check_finite
from trimtab.train.families.base import Family

MOST_ROWS = 20_000
"""Rows that are learnt from; the comparison needs no more, and stays a matter of seconds."""


def report_leakage(runner: Runner, family: Family, ground: Ground) -> Leakage | None:
    """Return a random split's claim beside the truth in time, both for as many rows; None where rows have no order."""
    if ground.contract.row.order == "none":
        return None
    train, test = _thin(ground.parts.train), _thin(ground.parts.test)
    mixed = np.random.default_rng(ground.project.train.seed).permutation(np.concatenate((train, test)))
    claimed = _measure(runner, family, ground, np.sort(mixed[: len(train)]), np.sort(mixed[len(train) :]))
    known = len(train) == len(ground.parts.train) and len(test) == len(ground.parts.test)
    seed, metric = ground.project.train.seed, ground.metric
    true = (
        metric_interval(metric, ground.labels[test], runner.raw, seed)
        if known
        else _measure(runner, family, ground, train, test)
    )
    return Leakage(metric.name, claimed, true, len(train))


def _measure(runner: Runner, family: Family, ground: Ground, learnt: np.ndarray, asked: np.ndarray) -> Interval:
    matrix, labels = ground.rows(family.form, asked)
    answers = ground.fit(family, runner.params, learnt).predict(matrix)
    check_finite(answers)
    return metric_interval(ground.metric, labels, answers, ground.project.train.seed)


def _thin(places: np.ndarray) -> np.ndarray:
    """Return at most so many places, evenly from all of them."""
    if len(places) <= MOST_ROWS:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_ROWS).astype(np.int64)]
