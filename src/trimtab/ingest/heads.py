"""One file that nobody declared yet: its format and form by its content, and its first rows."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Literal

import polars as pl

from trimtab.errors import DataError
from trimtab.ingest.delimited import HEAD
from trimtab.ingest.detect import detect_csv
from trimtab.ingest.excel import is_workbook
from trimtab.ingest.files import FileSource
from trimtab.ingest.jsonl import read_object
from trimtab.ingest.packed import NO_LIMITS, unpack
from trimtab.ingest.paths import existing, open_plain
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns import SourceSpec


def declare(
    path: Path, *, known: Iterable[SourceSpec] = (), form: Mapping[str, str] = MappingProxyType({})
) -> SourceSpec:
    """Return the `[sources.rows]` of one file: its format by content, a CSV file's form detected where not given.

    `form` holds delimiter, encoding or quote. Where a file does not tell its form for certain, that of the first
    `known` source of CSV files is taken. Raises UsageError where there is no such file, DataError where it is none of
    CSV, JSON lines, Parquet and Excel for certain.
    """
    with open_plain(existing(path).resolve()) as file:
        found_format = "csv" if form else _find_format(file, path.name)
    if found_format != "csv":
        return SourceSpec("rows", "files", path, format=found_format)
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise DataError(f"{path.name} is called Parquet, but its content is not.", hint="write it again, or rename it")
    try:
        found = detect_csv(path, **form)
    except UnclearForm:
        pinned = [one.csv for one in known if one.kind == "files" and one.format == "csv"]
        if not pinned:
            raise
        found = pinned[0]
    return SourceSpec("rows", "files", path, csv=found)


def _find_format(file: BinaryIO, where: str) -> Literal["csv", "parquet", "jsonl", "excel"]:
    """Return the format that the content itself tells; what tells nothing is CSV."""
    if file.read(4) == b"PAR1":
        return "parquet"
    if is_workbook(file):
        return "excel"
    size = os.fstat(file.fileno()).st_size
    head = unpack(file, size, where, **NO_LIMITS).read(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    line, end, _ = head.partition(b"\n")
    is_object = line.startswith(b"{") and (isinstance(read_object(line), dict) or not end)
    return "jsonl" if is_object else "csv"


def read_head(path: Path, rows: int, spec: SourceSpec | None = None) -> pl.DataFrame:
    """Return the first rows of a file without trimtab's own columns: all text for CSV and Excel, else typed.

    It is read as `spec` says, or as `declare` finds. Raises UsageError and DataError as `declare` does; DataError where
    there is no row, or fewer rows than bad lines.
    """
    spec = replace(spec or declare(path), path=path.resolve(), url="")
    frames: list[pl.DataFrame] = []
    taken = bad = 0
    for chunk in FileSource(spec, finished=True).read(None):
        frames.append(chunk.frame)
        taken += chunk.frame.height
        bad += len(chunk.rejected)
        if taken >= rows:
            break
    if bad > taken:
        raise UnclearForm(f"{path.name}: {bad:,} of the first {bad + taken:,} lines cannot be read.")
    if not taken:
        raise DataError(f"{path.name} has a header and no rows.", hint="name a file with rows")
    return pl.concat(frames).drop("_row", "_offset").head(rows)
