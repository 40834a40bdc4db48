"""Permutation importance: how much worse the answers get when a column's values are given to other rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.metrics.base import Answers, Labels, Losses
from trimtab.metrics.compare import mean_interval
from trimtab.nouns import Interval

MOST_ROWS = 1000
MOST_REPEATS = 5
ROUNDING = 1e-12
MOST_ASKED = 200_000
"""Rows answered in all: fewer repeats for many columns, so that a wide table takes seconds too."""


@dataclass(frozen=True, slots=True)
class Importance:
    """A column and how much the mean row loses without it. What two columns both tell counts for neither."""

    column: str
    loss: Interval


def measure_importance(
    predict: Callable[[np.ndarray], Answers],
    losses: Callable[[Labels, Answers], Losses],
    rows: tuple[np.ndarray, Labels],
    columns: Mapping[str, Sequence[int]],
    *,
    seed: int,
) -> tuple[Importance, ...]:
    """Return the importance of each column, the greatest first (Breiman 2001; Fisher, Rudin & Dominici 2019).

    `rows` are a matrix that the model had not seen and its labels; `columns` say which slots of the matrix belong
    together and are permuted together. At most 1,000 rows, evenly from all of them, up to five times each. The interval
    is that of the mean over rows. Same arguments, same numbers.
    """
    matrix, labels = _thin(rows)
    chance = np.random.default_rng(seed)
    repeats = max(1, min(MOST_REPEATS, MOST_ASKED // max(1, len(matrix) * len(columns))))
    plain, found = losses(labels, predict(matrix)), []
    for column, slots in columns.items():
        asked = np.tile(matrix, (repeats, 1))
        for repeat in range(repeats):
            block = slice(repeat * len(matrix), (repeat + 1) * len(matrix))
            asked[block, list(slots)] = matrix[chance.permutation(len(matrix))][:, list(slots)]
        worse = losses(np.tile(labels, repeats), predict(asked)).reshape(repeats, -1).mean(axis=0) - plain
        worse[np.abs(worse) < ROUNDING] = 0.0  # a mean of equal numbers is not always that number
        found.append(Importance(column, mean_interval(worse)))
    return tuple(sorted(found, key=lambda one: -one.loss.value))


def _thin(rows: tuple[np.ndarray, Labels]) -> tuple[np.ndarray, Labels]:
    matrix, labels = rows
    if len(matrix) <= MOST_ROWS:
        return matrix, labels
    places = np.linspace(0, len(matrix) - 1, MOST_ROWS).astype(np.int64)
    return matrix[places], labels[places]
