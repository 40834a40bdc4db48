"""A Parquet file as a stream of frames with plain column types."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from trimtab.errors import DataError, Mistake
from trimtab.ingest.base import check_names
from trimtab.ingest.blocks import CHUNK_ROWS
from trimtab.ingest.records import Portion

_WHOLE = (pl.Int8, pl.Int16, pl.UInt8, pl.UInt16, pl.UInt32, pl.Int32, pl.UInt64)
_WORDS = (pl.Categorical, pl.Enum)
_AS_IT_IS = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date)


def read_schema(path: Path, where: str) -> dict[str, pl.DataType]:
    """Return the column types a file is read as. Raises DataError with every column that has no plain type."""
    try:
        found = pl.read_parquet_schema(path)
    except (PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{where} is no readable Parquet file: {reason}", hint="write the file again") from None
    check_names(tuple(found), where)
    plain = {name: plain_type(kind) for name, kind in found.items()}
    mistakes = [Mistake(f"column '{name[:64]}'", f"is {found[name]}") for name, kind in plain.items() if kind is None]
    if mistakes:
        hint = "leave them out, or turn them into numbers, text, booleans or times"
        raise DataError(f"{where} has columns that are no plain values:", hint=hint, mistakes=mistakes)
    return {name: kind for name, kind in plain.items() if kind is not None}


def plain_type(kind: pl.DataType) -> pl.DataType | None:
    """Return the type that values of `kind` are kept in, the same value for value; None for nested and raw ones.

    Whole numbers become Int64, fractions and decimals Float64, categories String, times microseconds.
    """
    if isinstance(kind, _AS_IT_IS):
        return kind
    if isinstance(kind, _WHOLE):
        return pl.Int64()
    if isinstance(kind, (pl.Float32, pl.Decimal)):
        return pl.Float64()
    if isinstance(kind, _WORDS):
        return pl.String()
    if isinstance(kind, pl.Datetime):
        return pl.Datetime("us", kind.time_zone)
    return pl.String() if isinstance(kind, pl.Null) else None


def read_rows(path: Path, where: str, begin: int) -> Iterator[Portion]:
    """Yield the rows from number `begin` on, at most CHUNK_ROWS at a time; one empty portion where there are none.

    Raises DataError as `read_schema` does, and for values that their plain type cannot hold.
    """
    schema = read_schema(path, where)
    lazy = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(
        pl.col(name).cast(kind) for name, kind in schema.items()
    )
    first = begin
    while True:
        try:
            frame = lazy.slice(begin, CHUNK_ROWS).collect()
        except PolarsError as error:
            reason = str(error).splitlines()[0][:200]
            raise DataError(f"row {begin + 1} or later cannot be read: {reason}", hint="write the file again") from None
        if frame.height or begin == first:
            yield Portion(frame, np.arange(frame.height), (), frame.height)
        if not frame.height:
            return
        begin += frame.height
