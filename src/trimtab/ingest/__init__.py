"""Step 1: raw rows from where they are, unchanged, each with its place of origin.

base.py       the role Source: `read(since)`, `describe()`; Chunk and Rejected
files.py      files and folders: what is new, by content
reading.py    one file becomes chunks with row numbers, offsets and positions
delimited.py  a CSV file as portions in bounded memory
records.py    lines into records, each a row or a reason
encoding.py   bytes into text
detect.py     how a CSV file is written
parquet.py    a Parquet file as frames
position.py   what a file source remembers
"""

from trimtab.ingest.base import RESERVED, Chunk, Rejected, Source
from trimtab.ingest.files import FileSource, declare, detect_csv, read_head
from trimtab.nouns import SourceSpec

__all__ = [
    "RESERVED",
    "Chunk",
    "FileSource",
    "Rejected",
    "Source",
    "declare",
    "detect_csv",
    "open_source",
    "read_head",
]


def open_source(spec: SourceSpec) -> Source:
    """Return the source that a `[sources.NAME]` table declares. Nothing is opened before `read`."""
    if spec.kind == "database":
        from trimtab.ingest.database import DatabaseSource

        return DatabaseSource(spec)
    if spec.kind == "api":
        from trimtab.ingest.api import ApiSource

        return ApiSource(spec)
    return FileSource(spec)
