"""What rows looked like, column by column, in constant space: a reference is fitted, and windows are counted into it.

A number falls into one of at most 256 bins: up to 254 among the fitted rows, cut at their quantiles, with ten rows each
at least; one below and one above. A category falls on one of the most frequent values of the fitted rows, or on none
of them. What a window keeps is how many rows each bin got, so the profiles of two windows, merged, are the profile of
both together: equal in every count, exactly and in any order. Nothing in it tells a number that only one row has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from trimtab.metrics.base import Answers
from trimtab.metrics.bins import Counts, NumberBins, ValueBins
from trimtab.nouns import Task


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """One column of some rows: how many fall into each bin, and how many are null.

    Equal are two profiles over the same bins with the same counts and nulls.
    """

    bins: NumberBins | ValueBins
    counts: Counts
    nulls: int = 0

    @classmethod
    def fit(cls, column: Any) -> Self:
        """Return the profile of a Polars series over bins of its own."""
        bins = NumberBins.fit(column) if column.dtype.is_numeric() else ValueBins.fit(column)
        return cls(bins, np.zeros(bins.size, np.int64)).recount(column)

    def recount(self, column: Any) -> Self:
        """Return the profile of other rows over the same bins."""
        counts = self.bins.count(column)
        return replace(self, counts=counts, nulls=len(column) - int(counts.sum()))

    def blank(self, rows: int) -> Self:
        """Return the profile of so many rows that lack the column."""
        return replace(self, counts=np.zeros_like(self.counts), nulls=rows)

    def merge(self, other: Self) -> Self:
        """Return the profile of both rows together. ValueError where the bins differ."""
        if not self.bins.same_as(other.bins):
            raise ValueError("profiles over different bins cannot be merged")
        return replace(self, counts=self.counts + other.counts, nulls=self.nulls + other.nulls)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ColumnProfile)
            and self.bins.same_as(other.bins)
            and np.array_equal(self.counts, other.counts)
            and self.nulls == other.nulls
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
        """Whether all known rows fall into one bin; of numbers, one that is not beyond the fitted rows."""
        inner = self.counts[1:-1] if isinstance(self.bins, NumberBins) else self.counts
        return inner.size > 0 and int(inner.max()) == self.known

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
        return {"edges": self.bins.edges.tolist(), "origin": self.bins.origin, **told}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the profile that `to_plain` wrote."""
        bins: NumberBins | ValueBins
        if "values" in plain:
            bins = ValueBins(tuple(plain["values"]))
        else:
            bins = NumberBins(np.array(plain["edges"], np.float64), plain["origin"])
        return cls(bins, np.array(plain["counts"], np.int64), int(plain["nulls"]))


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
