"""What DuckDB's types become in a frame, and which are refused: only plain values can be held to a Contract."""

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


def _refusal(name: str, kind: duckdb.sqltypes.DuckDBPyType) -> str:
    if kind.id in _PLAIN:
        return ""
    way = _WAYS_OUT.get(kind.id, "is no plain value; take single values out of it, or leave it out")
    return f"{str(kind)[:40]} {way.format(name=name)}"


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
