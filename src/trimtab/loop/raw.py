"""The raw rows of a source that a table does not know yet, a slice at a time."""

from collections.abc import Iterator

import polars as pl

from trimtab.loop.state import Wheel
from trimtab.nouns import SourceSpec

MOST_ROWS, MOST_VALUES = 200_000, 10_000_000
"""Rows, and values in them, that are worked on at a time, so that memory stays bounded."""


def slices(
    wheel: Wheel, spec: SourceSpec, table: str, app: str, *, most_values: int = MOST_VALUES
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield the raw rows beyond what `app` has committed to a table, and the number that commits them."""
    raw, number = wheel.lake.read(f"raw/{spec.name}"), pl.col("_row")
    most = max(1, min(MOST_ROWS, most_values // len(raw.collect_schema())))
    while True:
        first = wheel.lake.committed(table, app) or 0
        lowest = raw.filter(number >= first).select(number.min()).collect().item()
        if lowest is None:
            return
        # By bounds, not `head`: files beyond them are not read, where a sort would read all that is left of the table.
        rows = raw.filter(number.is_between(lowest, lowest + most - 1)).sort("_row").collect()
        yield rows.with_columns(pl.lit(spec.name).alias("_source")), rows["_row"][-1] + 1
