"""A Parquet file as a stream of frames with plain column types."""

from collections.abc import Callable, Iterator, Mapping
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
FIRST_ROWS = 2_000
"""Rows that are read first, to see how much memory they take."""
AT_ONCE = 64 << 20
"""Bytes of rows, and bytes of a file, that are in memory at once; a single column of a row group may be more."""
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


def read_rows(path: Path, where: str, begin: int, *, at_once: int = AT_ONCE) -> Iterator[Portion]:
    """Yield the rows from number `begin` on, at most CHUNK_ROWS at a time; one empty portion where there are none.

    Memory is bounded, however wide the rows and however large the file's row groups are. Raises DataError as
    `read_schema` does, and for values that their plain type cannot hold.
    """
    read = _open(path, read_schema(path, where), at_once)
    first, rows = begin, FIRST_ROWS
    while True:
        try:
            frame = read(begin, rows)
        except PolarsError as error:
            reason = str(error).splitlines()[0][:200]
            raise DataError(f"row {begin + 1} or later cannot be read: {reason}", hint="write the file again") from None
        if not frame.height and begin > first:
            return
        for part in frame.iter_slices(CHUNK_ROWS) if frame.height else (frame,):
            yield Portion(part, np.arange(part.height), (), part.height)
        begin += frame.height
        if frame.height < rows:
            return
        rows = _next_rows(frame, at_once)


def _open(path: Path, schema: Mapping[str, pl.DataType], at_once: int) -> Callable[[int, int], pl.DataFrame]:
    """Return what reads some rows in their plain types.

    Polars takes a column's whole part of a row group into memory, even for a few of its rows, and a file may be one row
    group: so not all columns of a large file are read at once.
    """
    lazy = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    columns = [pl.col(name).cast(kind) for name, kind in schema.items()]
    each = max(1, len(columns) * at_once // max(path.stat().st_size, 1))
    groups = [lazy.select(columns[place : place + each]) for place in range(0, max(1, len(columns)), each)]

    def read(begin: int, rows: int) -> pl.DataFrame:
        return pl.concat([group.slice(begin, rows).collect() for group in groups], how="horizontal")

    return read


def _next_rows(frame: pl.DataFrame, at_once: int) -> int:
    """Return how many rows take so many bytes; many, since each look into a row group begins at its beginning."""
    fitting = int(frame.height * at_once / max(1, frame.estimated_size()))
    return max(1, min(fitting, frame.height * 8))
