"""The bins that a column is counted into: of numbers by quantiles, of words by value. Fitted once, then fixed.

Imports NumPy only. Columns are Polars series; only their methods are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

BINS = 256
MOST_VALUES = 256
MOST_BYTES = 3_500
"""Room for the text of a category's values; those that do not fit are counted as one."""
MOST_SORTED = 200_000
"""Rows, evenly from all, that the quantiles are taken from; the counts are of all rows."""
ROWS_OF_A_BIN = 10
"""Fitted rows that an inner bin stands for at least: what is kept must tell no single person's number."""
DIGITS = 6
COARSE = 2
TINY = 1e-300
"""Numbers nearer to zero than this are as good as zero, and have no digits to round."""
CHUNK = 32_768
"""Numbers that are sorted into bins at a time: what is touched stays in the cache of a core."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NumberBins:
    """Bin k holds edges[k-1] < value - origin <= edges[k]; the first bin lies below all fitted rows, the last above.

    No edge tells a number that only one row has: an inner one lies between two rows, with six significant digits, and
    the outer two are rounded outwards to two. `origin` is 0 unless the numbers lie so far from it that six digits
    would not tell them apart.
    """

    edges: Floats
    origin: float = 0.0

    @classmethod
    def fit(cls, column: Any) -> Self:
        """Return the bins of a column's quantiles: 256 where so many values differ."""
        values = numbers_of(column)
        if not values.size:
            return cls(np.empty(0))
        sample = np.sort(values[:: -(-values.size // MOST_SORTED)])
        low, high = float(values.min()), float(values.max())
        origin = _origin(low, high)
        first = float(np.nextafter(round_outwards(low - origin, up=False), -inf))
        last = round_outwards(high - origin, up=True)
        shares = np.linspace(0.0, 1.0, 1 + min(BINS - 2, sample.size // ROWS_OF_A_BIN))[1:-1]
        ranks = np.ceil(shares * (sample.size - 1)).astype(np.int64)
        inner = (sample[ranks - 1] + sample[ranks]) / 2.0 - origin
        rounded = np.unique([round_digits(edge) for edge in inner.tolist()])
        return cls(np.array([first, *rounded[(rounded > first) & (rounded < last)], last]), origin)

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1

    def count(self, column: Any) -> Counts:
        """Return how many numbers of a column fall into each bin."""
        return self.count_values(numbers_of(column))

    def count_values(self, values: Floats) -> Counts:
        """Return how many numbers fall into each bin."""
        tree, counts = _grow_tree(self.edges), np.zeros(BINS, np.int64)
        for start in range(0, values.size, CHUNK):
            chunk = values[start : start + CHUNK]
            counts += _descend(tree, chunk - self.origin if self.origin else chunk)
        return counts[: self.size]

    def same_as(self, other: object) -> bool:
        """Return whether counts over these and over the other bins may be added."""
        if not isinstance(other, NumberBins):
            return False
        return self.origin == other.origin and np.array_equal(self.edges, other.edges)


@dataclass(frozen=True, slots=True, eq=False)
class ValueBins:
    """One bin for each of the most frequent values, the most frequent first, and the last one for all others."""

    values: tuple[str, ...]

    @classmethod
    def fit(cls, column: Any) -> Self:
        """Return the bins of a column's values: at most 256, and no more than find room."""
        counts = values_of(column)
        often = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_VALUES]
        room = np.cumsum([len(value.encode()) + 3 for value in often])
        return cls(tuple(often[: int(np.searchsorted(room, MOST_BYTES, side="right"))]))

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.values) + 1

    def count(self, column: Any) -> Counts:
        """Return how many rows of a column fall into each bin."""
        counts = values_of(column)
        listed = [counts.get(value, 0) for value in self.values]
        return np.array([*listed, sum(counts.values()) - sum(listed)], dtype=np.int64)

    def same_as(self, other: object) -> bool:
        """Return whether counts over these and over the other bins may be added."""
        return isinstance(other, ValueBins) and self.values == other.values


def _grow_tree(edges: Floats) -> Floats:
    """Return sorted edges level by level, as a binary search meets them: children of node i are 2i and 2i + 1."""
    whole = np.full(BINS - 1, inf)
    whole[: edges.size] = edges
    levels = (whole[2**step - 1 :: 2 ** (step + 1)] for step in reversed(range(BINS.bit_length() - 1)))
    return np.concatenate([[inf], *levels])


def _descend(tree: Floats, values: Floats) -> Counts:
    """Return how many values lie in each bin; all go down the tree together, four times as fast as one by one."""
    nodes = np.ones(values.size, np.int32)
    for _ in range(BINS.bit_length() - 1):
        above = values > tree.take(nodes)
        nodes += nodes
        nodes += above
    return np.bincount(nodes - BINS, minlength=BINS)


def numbers_of(column: Any) -> Floats:
    """Return the finite numbers of a column, nulls left out."""
    numbers: Floats = column.drop_nulls().cast(float).to_numpy()
    finite = np.isfinite(numbers)
    return numbers if finite.all() else numbers[finite]


def values_of(column: Any) -> Mapping[str, int]:
    """Return how often each value of a column occurs, nulls left out.

    A moment counts by its hour, a date by its day of the week: the calendar itself only ever goes on.
    """
    known = column.drop_nulls()
    if known.dtype.is_temporal():
        known = known.dt.hour() if hasattr(known.dtype, "time_unit") else known.dt.weekday()
    told = known.cast(str).alias("value").value_counts(name="rows")
    return dict(zip(told.get_column("value").to_list(), told.get_column("rows").to_list(), strict=True))


def _origin(low: float, high: float) -> float:
    """Return a round number near numbers that lie close together far from zero, else 0; of equal ones their value."""
    width = high - low
    if width >= 1e-3 * max(abs(low), abs(high)):
        return 0.0
    if not width:
        return low
    step = 10.0 ** floor(log10(width))
    return floor(low / step) * step


def round_outwards(value: float, *, up: bool) -> float:
    """Return a number with two significant digits that is not below (`up`) or not above the value.

    >>> round_outwards(3.27, up=True), round_outwards(3.27, up=False), round_outwards(-999.0, up=False)
    (3.3, 3.2, -1000.0)
    """
    if abs(value) < TINY:
        return TINY * ((value > 0) if up else -(value < 0))
    digits = COARSE - 1 - floor(log10(abs(value)))
    step = 10.0**-digits
    found = round((ceil if up else floor)(value / step) * step, digits)
    if found < value if up else found > value:
        found += step if up else -step
    return found


def round_digits(value: float) -> float:
    """Return a number with six significant digits.

    >>> round_digits(1234.56789), round_digits(-0.000123456789)
    (1234.57, -0.000123457)
    """
    return round(value, DIGITS - 1 - floor(log10(abs(value)))) if value else 0.0
