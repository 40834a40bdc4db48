"""Which types a lake table can hold, and which schema a table has before its first row."""

from collections.abc import Mapping

import polars as pl

from trimtab.errors import Mistake, StoreError

_TIME = pl.Datetime("us", "UTC")
_META = {"_row": pl.Int64(), "_offset": pl.String(), "_arrived_at": _TIME}
_KNOWN: Mapping[str, Mapping[str, pl.DataType]] = {
    "raw": _META,
    "clean": {
        "_label": pl.String(),
        "_event_at": _TIME,
        "_row": pl.Int64(),
        "_source": pl.String(),
        "_arrived_at": _TIME,
        "_warnings": pl.List(pl.String()),
    },
    "quarantine": {
        "_row": pl.Int64(),
        "_source": pl.String(),
        "_offset": pl.String(),
        "_arrived_at": _TIME,
        "raw": pl.String(),
        "reasons": pl.List(pl.String()),
        "_contract": pl.String(),
        "_judged_at": _TIME,
    },
    "predictions": {
        "id": pl.String(),
        "_event_at": _TIME,
        "_arrived_at": _TIME,
        "key": pl.String(),
        "client_id": pl.String(),
        "key_id": pl.String(),
        "raw": pl.String(),
        "features": pl.String(),
        "prediction": pl.String(),
        "probability": pl.Float64(),
        "output": pl.String(),
        "version": pl.String(),
        "epoch": pl.Int64(),
        "contract": pl.String(),
        "warnings": pl.List(pl.String()),
        "latency_us": pl.String(),
        "fallback": pl.String(),
        "worker": pl.String(),
    },
    "outcomes": {
        "id": pl.String(),
        "prediction_id": pl.String(),
        "key": pl.String(),
        "value": pl.String(),
        "known_at": _TIME,
        "_arrived_at": _TIME,
        "source": pl.String(),
    },
}


def known_schema(table: str) -> pl.Schema:
    """Return the columns that a table is known to have before its first row; a source's own are not among them."""
    return pl.Schema(_KNOWN.get(table.partition("/")[0], {}))


def fit_frame(frame: pl.DataFrame, table: str, known: pl.Schema) -> pl.DataFrame:
    """Return the rows in types that the table holds; no value changes, except that nanoseconds are dropped.

    A table keeps whole numbers as Int64 (as text where they are too large), other numbers as Float64, times in UTC
    microseconds (naive ones stay naive), categories and times of day as text, durations as Int64 microseconds. A column
    of nothing but nulls takes the table's type, or text.

    Raises:
        StoreError: columns whose values the table's type cannot hold, all of them at once.
    """
    mistakes: list[Mistake] = []
    columns = [_fit(column, known, table, mistakes) for column in frame]
    if mistakes:
        raise StoreError(
            f"table {table} cannot hold the new rows:",
            mistakes=mistakes,
            hint="a column keeps the type of its first rows: give the changed column a new name, or convert the values",
        )
    return pl.DataFrame(columns)


def _fit(column: pl.Series, known: pl.Schema, table: str, mistakes: list[Mistake]) -> pl.Series:
    target = known.get(column.name)
    if isinstance(column.dtype, pl.Null):
        return column.cast(target if target is not None else pl.String)
    stored = _store(column)
    if target is None or stored.dtype == target:
        return stored
    fitted = _cast_exactly(stored, target)
    if fitted is None:
        mistakes.append(Mistake(column.name, f"is {column.dtype} now, and {target} in {table}"))
    return stored if fitted is None else fitted


def _store(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Duration):
        column = column.dt.cast_time_unit("us")
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone not in {None, "UTC"}:
        column = column.dt.convert_time_zone("UTC")
    target = _storable(column.dtype)
    fitted = column if target == column.dtype else _cast_exactly(column, target)
    return column.cast(pl.String) if fitted is None else fitted  # a number beyond Int64


def _storable(dtype: pl.DataType) -> pl.DataType:
    """Return the type that a lake table keeps for a type."""
    if dtype.is_integer() or isinstance(dtype, pl.Duration):
        return pl.Int64()
    if dtype.is_float():
        return pl.Float64()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", dtype.time_zone and "UTC")
    if isinstance(dtype, (pl.Categorical, pl.Enum, pl.Time, pl.Null)):
        return pl.String()
    return _storable_nested(dtype)


def _storable_nested(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, (pl.List, pl.Array)):
        return pl.List(_storable(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _storable(_instance(field.dtype)) for field in dtype.fields})
    return dtype


def _instance(dtype: object) -> pl.DataType:
    """Return a type as an object; inside of lists and structs Polars allows the class, too."""
    made = dtype() if isinstance(dtype, type) else dtype
    if not isinstance(made, pl.DataType):
        raise TypeError(f"{dtype!r} is no type of Polars")
    return made


def _cast_exactly(column: pl.Series, target: pl.DataType) -> pl.Series | None:
    """Return the column in another type, or None where that would change a value."""
    if not _is_alike(column.dtype, target):
        return None
    if not (column.dtype.is_numeric() and target.is_numeric()):
        return column.cast(target)
    cast = column.cast(target, strict=False)
    same = cast.null_count() == column.null_count() and cast.cast(column.dtype, strict=False).eq_missing(column).all()
    return cast if same else None


def _is_alike(found: pl.DataType, target: pl.DataType) -> bool:
    return (found.is_numeric() and target.is_numeric()) or _storable(found) == target
