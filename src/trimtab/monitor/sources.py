"""Whether the labels of one source can be believed, told by those of the others on answers of the same Trim.

Each label is held against what the model itself expected there, so that a source of harder rows is not taken for a
liar: y given the answer p should be 1 with chance p, and lose p (1 - p) of squared error. What a label deviates from
that, in loss and in balance (more or fewer of a class), should be about the same on average whoever tells it. A bettor
stakes on the contrary, pair by pair, one side of a pair a label of the source, the other the mean of as many others:

    d = deviation of the source - mean deviation of the others - tolerance
    E(bet) = product over a batch of 1 + bet d          M <- E (M + 1)          doubted where mean M >= A

As for the trigger `risk`, an honest source is doubted once in A batches at most, on average, whatever the order of rows
and whenever one looks. The mean runs over bets and over what may deviate.

Numbers say nothing of how hard a row is: there the tolerance of the loss is three times as wide.

Source: Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection (2024).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.betting import STEPS, log_mean
from trimtab.nouns import Task

Numbers = NDArray[np.float64]
Batch = Mapping[str, Numbers]
"""By source the deviations of its labels in the order in which they came, shape (labels, kinds)."""
TOLERANCE = 0.05
"""What a source's mean deviation may exceed that of the others by: sources cover different rows, some better known."""
MOST = 0.6
"""A source that gives a larger share of all labels is believed: then it is the others that disagree."""
_BETS = tuple(0.95 * step for step in STEPS)


@dataclass(frozen=True, slots=True)
class Compared:
    """One source against the others: labels compared, the log of the greatest M, and when and in what it deviated.

    `kind` is the column that deviates most surely, `since` the number of the batch that this began with, `by` the mean
    difference from the others since then, `own` the mean deviation of the source itself.
    """

    labels: int = 0
    evidence: float = -np.inf
    kind: int = 0
    since: int = 0
    by: float = 0.0
    own: float = 0.0


def measure_deviations(task: Task, labels: Numbers, answers: Numbers, scale: float) -> Numbers:
    """Return what each label deviates from what its answer expected, shape (n, kinds), each kind within [-1, 1].

    Kinds: the loss; then more and fewer of the positive class, or of each class; of numbers higher and lower ones.
    """
    if task == "regression":
        rest = np.clip((labels - answers) / scale, -1.0, 1.0)
        return np.column_stack([np.abs(rest) / 3.0, rest, -rest])
    if task == "binary":
        rest = labels - answers
        return np.column_stack([rest**2 - answers * (1.0 - answers), rest, -rest])
    rest = np.eye(answers.shape[1])[labels.astype(np.int64)] - answers
    excess = ((rest**2).sum(axis=1) - (1.0 - (answers**2).sum(axis=1))) / 2.0
    return np.column_stack([excess, rest, -rest])


def compare_source(source: str, batches: Sequence[Batch], *, kind: int | None = None) -> Compared:
    """Return how sure it is that a source deviates more than the others do.

    With `kind`, how sure it is that in this kind it deviates no more: by less than twice the tolerance.
    """
    growth, told = [], Compared()
    wealth = np.full((), -np.inf)
    labels = 0
    for number, batch in enumerate(batches):
        pairs = _pair(source, batch)
        gains = pairs - TOLERANCE if kind is None else 2.0 * TOLERANCE - pairs[:, [kind]]
        growth.append(_grow(gains))
        labels += len(pairs)
        if not len(pairs):
            continue
        wealth = growth[-1] + np.logaddexp(wealth, 0.0)
        if (newest := log_mean(wealth.ravel())) > told.evidence:
            best = np.unravel_index(int(wealth.argmax()), wealth.shape)
            since = _find_begin(np.array([one[best] for one in growth]))
            told = Compared(0, newest, int(best[0]), since, *_mean_since(source, batches[since : number + 1], best[0]))
    return Compared(labels, told.evidence, told.kind, told.since, told.by, told.own)


def _pair(source: str, batch: Batch) -> Numbers:
    """Return the differences of as many pairs as the smaller side has labels; the other side's are means of several."""
    own = batch.get(source)
    others = [one for name, one in batch.items() if name != source and len(one)]
    kinds = next(iter(batch.values())).shape[1] if batch else 0
    if own is None or not len(own) or not others:
        return np.empty((0, kinds))
    rest = np.concatenate(others)
    # Where others are several their rows stand one source behind the other: spread them, so that a pair sees each.
    rest = rest[np.argsort(np.concatenate([np.linspace(0.0, 1.0, len(one)) for one in others]), kind="stable")]
    pairs = min(len(own), len(rest))
    return _means(own, pairs) - _means(rest, pairs)


def _means(rows: Numbers, parts: int) -> Numbers:
    """Return the means of so many stretches of rows, all about as long."""
    edges = np.linspace(0, len(rows), parts + 1).astype(int)
    sums: Numbers = np.add.reduceat(rows, edges[:-1], axis=0)
    return sums / np.diff(edges)[:, None]


def _grow(gains: Numbers) -> Numbers:
    """Return the log of each bet's growth over a batch, shape (kinds, bets); no bet can lose all.

    The loss differs by less than 1.2, a residual by less than 2.2.
    """
    if not len(gains):
        return np.zeros((gains.shape[1], len(_BETS)))
    widest = np.full(gains.shape[1], 2.2)
    if gains.shape[1] > 1:
        widest[0] = 1.2
    bets = np.array(_BETS) / widest[:, None]
    grown: Numbers = np.log1p(gains[:, :, None] * bets).sum(axis=0)
    return grown


def _find_begin(growth: Numbers) -> int:
    """Return the batch from which on a bet grew most."""
    before = np.concatenate([[0.0], np.cumsum(growth)])[:-1]
    return int(before.argmin())


def _mean_since(source: str, batches: Sequence[Batch], kind: np.intp) -> tuple[float, float]:
    pairs = np.concatenate([_pair(source, one) for one in batches])
    own = np.concatenate([one[source] for one in batches if source in one])
    return float(pairs[:, kind].mean()), float(own[:, kind].mean())
