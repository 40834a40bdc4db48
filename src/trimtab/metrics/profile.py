"""What rows looked like, column by column, in constant space: a reference is fitted, and windows are counted into it.

A number falls into one of 256 bins: 254 between the least and the greatest number of the fitted rows, cut at their
quantiles, one below and one above. A category falls on one of the most frequent values of the fitted rows, or on none
of them. What a window keeps is how many rows each bin got, so the profiles of two windows, merged, are the profile of
both together: equal in every count, in the least and in the greatest value, exactly and in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Self

import numpy as np

from trimtab.metrics.base import Answers
from trimtab.metrics.bins import Counts, NumberBins, ValueBins, numbers_of
from trimtab.nouns import Task


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """One column of some rows: how many fall into each bin, how many are null, the least and the greatest number.

    Equal are two profiles over the same bins with the same counts, nulls, least and greatest number.
    """

    bins: NumberBins | ValueBins
    counts: Counts
    nulls: int = 0
    low: float = inf
    high: float = -inf

    @classmethod
    def fit(cls, column: Any) -> Self:
        """Return the profile of a Polars series over bins of its own."""
        bins = NumberBins.fit(column) if column.dtype.is_numeric() else ValueBins.fit(column)
        return cls(bins, np.zeros(bins.size, np.int64)).recount(column)

    def recount(self, column: Any) -> Self:
        """Return the profile of other rows over the same bins."""
        low, high = inf, -inf
        if isinstance(self.bins, NumberBins):
            values = numbers_of(column)
            counts = self.bins.count_values(values)
            low, high = (float(values.min()), float(values.max())) if values.size else (inf, -inf)
        else:
            counts = self.bins.count(column)
        return replace(self, counts=counts, nulls=len(column) - int(counts.sum()), low=low, high=high)

    def blank(self, rows: int) -> Self:
        """Return the profile of so many rows that lack the column."""
        return replace(self, counts=np.zeros_like(self.counts), nulls=rows, low=inf, high=-inf)

    def merge(self, other: Self) -> Self:
        """Return the profile of both rows together. ValueError where the bins differ."""
        if not self.bins.same_as(other.bins):
            raise ValueError("profiles over different bins cannot be merged")
        low, high = min(self.low, other.low), max(self.high, other.high)
        return replace(self, counts=self.counts + other.counts, nulls=self.nulls + other.nulls, low=low, high=high)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ColumnProfile)
            and self.bins.same_as(other.bins)
            and np.array_equal(self.counts, other.counts)
            and (self.nulls, self.low, self.high) == (other.nulls, other.low, other.high)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def known(self) -> int:
        """Rows that are not null."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.known + self.nulls

    @property
    def is_constant(self) -> bool:
        """Whether all known rows hold the same value; of a category, one that has a bin or none that has."""
        return self.low == self.high if isinstance(self.bins, NumberBins) else int(self.counts.max()) == self.known

    @property
    def null_share(self) -> float:
        """Share of the rows that are null; 0 without rows."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def unlisted_share(self) -> float:
        """Share of a category's known rows on no value that has a bin; 0 for numbers."""
        return float(self.counts[-1]) / self.known if isinstance(self.bins, ValueBins) and self.known else 0.0

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        told = {"counts": self.counts.tolist(), "nulls": self.nulls}
        if isinstance(self.bins, ValueBins):
            return {"values": list(self.bins.values), **told}
        ends = {"low": self.low, "high": self.high} if self.known else {}
        return {"edges": self.bins.edges.tolist(), "origin": self.bins.origin, **ends, **told}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the profile that `to_plain` wrote."""
        bins: NumberBins | ValueBins
        if "values" in plain:
            bins = ValueBins(tuple(plain["values"]))
        else:
            bins = NumberBins(np.array(plain["edges"], np.float64), plain["origin"])
        ends = plain.get("low", inf), plain.get("high", -inf)
        return cls(bins, np.array(plain["counts"], np.int64), int(plain["nulls"]), *ends)


@dataclass(frozen=True, slots=True)
class Profile:
    """The profiles of some rows by column, and how many rows there are."""

    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)

    @classmethod
    def fit(cls, frame: Any, columns: Sequence[str]) -> Self:
        """Return the profile of a frame's columns, over bins of their own."""
        return cls(len(frame), {name: ColumnProfile.fit(frame.get_column(name)) for name in columns})

    def recount(self, frame: Any) -> Self:
        """Return the profile of another frame over the same bins; a column that it lacks is null throughout."""
        found = {
            name: one.recount(frame.get_column(name)) if name in frame.columns else one.blank(len(frame))
            for name, one in self.columns.items()
        }
        return replace(self, rows=len(frame), columns=found)

    def merge(self, other: Self) -> Self:
        """Return the profile of both rows together."""
        merged = {name: one.merge(other.columns[name]) for name, one in self.columns.items()}
        return replace(self, rows=self.rows + other.rows, columns=merged)

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"rows": self.rows, "columns": {name: one.to_plain() for name, one in self.columns.items()}}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the profile that `to_plain` wrote."""
        return cls(plain["rows"], {name: ColumnProfile.from_plain(one) for name, one in plain["columns"].items()})


def answer_columns(task: Task, answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """Return a model's answers as columns to profile: the number, or the likeliest class and its probability."""
    if task != "multiclass":
        return {"answer": answers}
    best = answers.argmax(axis=1) if len(answers) else np.empty(0, np.int64)
    likeliest = answers.max(axis=1) if len(answers) else np.empty(0)
    return {"answer": [classes[place] for place in best.tolist()], "confidence": likeliest}
