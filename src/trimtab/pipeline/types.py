"""What a result's types become in a frame, and which are refused: only plain values can be held to a Contract."""

from collections.abc import Sequence

import duckdb
import polars as pl

from trimtab.errors import ConfigError, Mistake

UTC = pl.Datetime("us", "UTC")
_SMALL = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"}
_LARGE = {"ubigint", "hugeint", "uhugeint", "bignum"}
_WORDS = {"varchar", "enum", "uuid", "null"}
_NAIVE = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"}
_PLAIN: dict[str, pl.DataType] = {
    **dict.fromkeys(_SMALL | _LARGE, pl.Int64()),
    **dict.fromkeys(("float", "double", "decimal"), pl.Float64()),
    **dict.fromkeys(_WORDS, pl.String()),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp with time zone": UTC,
}
_NOT_PLAIN = "is no plain value; take single values out of it, or leave it out"
_WAYS_OUT = {
    **dict.fromkeys(
        _NAIVE, "could mean any time zone; write timezone('UTC', {name}), or the zone that it was written in"
    ),
    "interval": "is no plain value; write extract(epoch from {name}) for seconds",
    "time": "is no plain value; write cast({name} as varchar), or seconds by extract(epoch from {name})",
    "time with time zone": "is no plain value; write cast({name} as varchar)",
    "blob": "is no plain value; write hex({name}), or leave it out",
    "bit": "is no plain value; write cast({name} as varchar)",
}
_POLARS_WAYS_OUT: dict[type[pl.DataType], str] = {
    pl.Datetime: "could mean any time zone; write .dt.replace_time_zone('UTC'), or the zone that it was written in",
    pl.Duration: "is no plain value; write .dt.total_seconds()",
    pl.Time: "is no plain value; write .cast(pl.String)",
    pl.Binary: "is no plain value; write .bin.encode('hex'), or leave it out",
}


def plain_schema(
    names: Sequence[str], types: Sequence[duckdb.sqltypes.DuckDBPyType], where: str
) -> dict[str, pl.DataType]:
    """Return the type of each column of a result.

    Raises ConfigError with every column that has no plain type, or whose name stands twice.

    Whole numbers are Int64, fractions and decimals Float64, text, enumerations and UUIDs String, times with a zone
    microseconds in UTC. Times without a zone, intervals and nested values are refused.
    """
    mistakes = [Mistake(f"column {name}", _refusal(name, kind)) for name, kind in zip(names, types, strict=True)]
    mistakes = [mistake for mistake in mistakes if mistake.what]
    repeated = sorted({name for name in names if names.count(name) > 1})
    mistakes += [Mistake(f"column {name}", "stands more than once in the result") for name in repeated]
    if mistakes:
        raise ConfigError(f"{where}: the result has columns that cannot be kept:", mistakes=mistakes)
    return {name: _PLAIN[kind.id] for name, kind in zip(names, types, strict=True)}


def plain_frame(found: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return a frame that a Python function made, in the types that a SELECT's result would have.

    Raises ConfigError with every column that has no plain type.
    """
    schema = {name: _plain_polars(kind) for name, kind in found.schema.items()}
    mistakes = [
        Mistake(f"column {name}", f"{str(kind)[:40]} {_POLARS_WAYS_OUT.get(type(kind), _NOT_PLAIN)}")
        for name, kind in found.schema.items()
        if schema[name] is None
    ]
    if mistakes:
        raise ConfigError(f"{where}: the result has columns that cannot be kept:", mistakes=mistakes)
    return fit_plain(found, {name: kind for name, kind in schema.items() if kind is not None}, where)


def _plain_polars(kind: pl.DataType) -> pl.DataType | None:
    if kind.is_integer():
        return pl.Int64()
    if kind.is_float() or isinstance(kind, pl.Decimal):
        return pl.Float64()
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        return pl.String()
    if isinstance(kind, pl.Datetime):
        return UTC if kind.time_zone else None
    return kind if isinstance(kind, (pl.Boolean, pl.Date)) else None


def _refusal(name: str, kind: duckdb.sqltypes.DuckDBPyType) -> str:
    if kind.id in _PLAIN:
        return ""
    return f"{str(kind)[:40]} {_WAYS_OUT.get(kind.id, _NOT_PLAIN).format(name=name)}"


def fit_plain(found: pl.DataFrame, schema: dict[str, pl.DataType], where: str) -> pl.DataFrame:
    """Return a result in its plain types. Raises ConfigError with every column of whole numbers beyond 64 bits."""
    columns = [found[name].cast(kind, strict=False) for name, kind in schema.items()]
    mistakes = [
        Mistake(f"column {column.name}", "holds whole numbers beyond 64 bits; write cast(... as double or varchar)")
        for column in columns
        if column.null_count() > found[column.name].null_count()
    ]
    if mistakes:
        raise ConfigError(f"{where}: the result has values that cannot be kept:", mistakes=mistakes)
    return pl.DataFrame(columns)
