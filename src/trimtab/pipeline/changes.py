"""Which candidate rows are new: compared by content, so that a pipeline may be run again over the same time."""

from collections.abc import Sequence

import polars as pl

from trimtab.errors import DataError, Mistake


def new_rows(candidates: pl.DataFrame, kept: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the candidates whose content in `columns` no row of `kept` has, in their order.

    Null equals null and NaN equals NaN; other floats are equal when their bits are, so 0.0 is not -0.0. Equal rows
    among the candidates are new together or not at all. A column that `kept` does not have yet counts as null there;
    one that it has in another type is compared in the candidates' type, and one that does not fit it equals nothing.

    Raises:
        DataError: the candidates lack columns; all of them are named.
    """
    lacking = [
        Mistake(name, "is not among the candidates' columns") for name in columns if name not in candidates.columns
    ]
    if lacking:
        raise DataError("rows cannot be compared by columns that they do not have:", mistakes=lacking)
    if not columns or not kept.height or not candidates.height:
        return candidates if columns or not kept.height else candidates.clear()
    schema = candidates.select(columns).schema
    known = _read_as(kept, schema)
    number = "number" + "_" * max(map(len, columns))  # a name that no column has
    wanted = _comparable(candidates.select(columns)).with_row_index(number)
    fresh = wanted.join(_comparable(known), on=list(columns), how="anti", nulls_equal=True, maintain_order="left")
    return candidates[fresh[number]]


def _read_as(kept: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return the kept rows in the candidates' types, without those that have a value no candidate can have."""
    has = [name for name in schema if name in kept.columns]
    known = kept.select(
        pl.col(name).cast(kind, strict=False) if name in has else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )
    changed = [name for name in has if kept.schema[name] != schema[name]]
    if not changed:
        return known
    fits = [known[name].is_null() == kept[name].is_null() for name in changed]
    return known.filter(
        pl.all_horizontal(pl.DataFrame([fit.alias(str(at)) for at, fit in enumerate(fits)]).get_columns())
    )


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with floats as their 64 bits; every NaN has the same ones."""
    return frame.with_columns(
        pl.col(name).cast(pl.Float64).fill_nan(float("nan")).reinterpret(dtype=pl.Int64)
        for name, kind in frame.schema.items()
        if kind.is_float()
    )
