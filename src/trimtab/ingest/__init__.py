"""Step 1: raw rows from where they are, unchanged, each with its place of origin.

base.py       the role Source: `read(since)`, `describe()`; Chunk and Rejected
files.py      files and folders: what is new, by content
reading.py    one file becomes chunks with row numbers, offsets and positions
delimited.py  a CSV file as portions in bounded memory
tail.py       the end of a CSV file that somebody may still be writing
records.py    lines into records, each a row or a reason
encoding.py   bytes into text
detect.py     how a CSV file is written
unclear.py    what is said where that is not certain
parquet.py    a Parquet file as frames
position.py   what a file source remembers
"""

from trimtab.ingest.base import RESERVED, Chunk, Rejected, Source
from trimtab.ingest.files import FileSource, declare, detect_csv, read_head
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns import SourceSpec

__all__ = [
    "RESERVED",
    "Chunk",
    "FileSource",
    "Rejected",
    "Source",
    "UnclearForm",
    "declare",
    "detect_csv",
    "open_source",
    "read_head",
]


def open_source(spec: SourceSpec, *, finished: bool = False) -> Source:
    """Return the source that a `[sources.NAME]` table declares. Nothing is opened before `read`.

    `finished`: files will not grow, so a last line that is no whole row is rejected instead of waited for.
    """
    if spec.kind == "database":
        from trimtab.ingest.database import DatabaseSource

        return DatabaseSource(spec)
    if spec.kind == "api":
        from trimtab.ingest.api import ApiSource

        return ApiSource(spec)
    return FileSource(spec, finished=finished)
