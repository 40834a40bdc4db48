"""What a result changes in the rows that are kept, compared by content: so a pipeline may run again over the same time.

Rows are counted, not only recognised: a row that the result has twice and the record once is new once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trimtab.errors import DataError, Mistake


@dataclass(frozen=True, slots=True)
class Changes:
    """`new` are rows of the result that are not kept, `gone` are kept rows that the result no longer has."""

    new: pl.DataFrame
    gone: pl.DataFrame


def find_changes(result: pl.DataFrame, kept: pl.DataFrame, columns: Sequence[str]) -> Changes:
    """Return what must be added to `kept`, and what taken from it, until it has the result's content in `columns`.

    Null equals null and NaN equals NaN; other floats are equal when their bits are, so 0.0 is not -0.0. Of equal rows
    the first ones are the same, the surplus is new or gone. A column that `kept` does not have yet counts as null
    there; one that it has in another type is compared in the result's type, and one that does not fit it equals
    nothing. Both frames come back in their order.

    Raises:
        DataError: the result lacks columns; all of them are named.
    """
    lacking = [Mistake(name, "is not among the result's columns") for name in columns if name not in result.columns]
    if lacking:
        raise DataError("rows cannot be compared by columns that they do not have:", mistakes=lacking)
    ours = _number_equals(result.select(columns).with_row_index(place := "place" + "_" * max(map(len, columns))), place)
    theirs = _number_equals(_read_as(kept.with_row_index(place), result.select(columns).schema, place), place)
    by = [name for name in ours.columns if name != place]
    new = ours.join(theirs, on=by, how="anti", nulls_equal=True)[place]
    same = theirs.join(ours, on=by, how="semi", nulls_equal=True)[place]
    gone = pl.Series(place, range(kept.height), pl.UInt32).to_frame().join(same.to_frame(), on=place, how="anti")
    return Changes(result[new.sort()], kept[gone[place].sort()])


def _number_equals(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the rows with floats as their 64 bits, every NaN with the same ones, and equal rows numbered."""
    columns = [name for name in frame.columns if name != place]
    bits = frame.with_columns(
        pl.col(name).cast(pl.Float64).fill_nan(float("nan")).reinterpret(dtype=pl.Int64)
        for name in columns
        if frame.schema[name].is_float()
    )
    return bits.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(columns).alias(f"{place}_"))


def _read_as(kept: pl.DataFrame, schema: pl.Schema, place: str) -> pl.DataFrame:
    """Return the kept rows in the result's types, without those that have a value which no row of it can have."""
    has = [name for name in schema if name in kept.columns]
    known = kept.select(
        place,
        *(
            pl.col(name).cast(kind, strict=False) if name in has else pl.lit(None, kind).alias(name)
            for name, kind in schema.items()
        ),
    )
    changed = [name for name in has if kept.schema[name] != schema[name]]
    if not changed:
        return known
    fits = [(known[name].is_null() == kept[name].is_null()).alias(str(at)) for at, name in enumerate(changed)]
    return known.filter(pl.DataFrame(fits).select(pl.all_horizontal(pl.all())).to_series())
