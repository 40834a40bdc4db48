"""Rows of `clean` that a pipeline has withdrawn: a further row names each, so the table only ever grows.

A row that arrived at one moment and was withdrawn at a later one still stands for every moment between them.
"""

import polars as pl

from trimtab import clock

WITHDRAWS = "_withdraws"
"""The column with the `_row` that a row takes back; null in every other row."""


def withdrawals(numbers: pl.Series, first: int) -> pl.DataFrame:
    """Return the rows that take back those of the given `_row`; their own numbers begin with `first`."""
    return pl.DataFrame({WITHDRAWS: numbers}, schema={WITHDRAWS: pl.Int64}).with_columns(
        pl.int_range(first, first + numbers.len(), dtype=pl.Int64).alias("_row"),
        pl.lit(clock.now(), pl.Datetime("us", "UTC")).alias("_arrived_at"),
    )


def standing(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of `clean` that no other of them takes back: of all rows, or of those arrived by a moment."""
    if WITHDRAWS not in rows.collect_schema().names():
        return rows
    taken = rows.filter(pl.col(WITHDRAWS).is_not_null()).select(pl.col(WITHDRAWS).alias("_row"))
    return arrivals(rows).join(taken, on="_row", how="anti", maintain_order="left")


def arrivals(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of `clean` that ever arrived, also those that were taken back."""
    return rows.filter(pl.col(WITHDRAWS).is_null()) if WITHDRAWS in rows.collect_schema().names() else rows
