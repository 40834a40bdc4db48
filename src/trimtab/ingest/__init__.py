"""Step 1: raw rows from where they are, unchanged, each with its place of origin.

base.py       the role Source: `read(since)`, `describe()`; Chunk and Rejected
files.py      files, folders and object stores: what is new, by content
heads.py      one file that nobody declared yet: its format, its first rows
drop.py       where files are dropped, and which of them are ready
remote.py     the same in an object store
packed.py     gzip and zstd, unpacked while they are read
reading.py    one file becomes chunks with row numbers, offsets and positions
blocks.py     a file of lines as portions in bounded memory
delimited.py  the header and the rows of a CSV file
plain.py      a CSV block at full speed, where its structure is provably regular
tail.py       the end of a CSV file that somebody may still be writing
records.py    lines into records, each a row or a reason
encoding.py   bytes into text
detect.py     how a CSV file is written
fitting.py    whether a file has the columns that are asked for
unclear.py    what is said where that is not certain
jsonl.py      JSON lines
parquet.py    a Parquet file
excel.py      a sheet of an Excel workbook
position.py   what a file source remembers
database.py   a table, view or query of a SQL database: what changed since
connection.py the way into it: read-only, limited, silent about passwords
table.py      what is selected there; query.py  the same for a text of the user's own
values.py     its values in columns of one type; database_rows.py  its rows as frames
window.py     what is remembered behind a cursor; given.py  where there is none
api.py        a listing over HTTP: every item once, and again when it changed
pages.py      how it is walked; replies.py  what a reply holds; items.py  items as columns
fetching.py   one polite and suspicious GET; addresses.py  whom it may ask
"""

from collections.abc import Collection

from trimtab.ingest.base import RESERVED, Chunk, Rejected, Source
from trimtab.ingest.detect import detect_csv
from trimtab.ingest.files import FileSource
from trimtab.ingest.heads import declare, read_head
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


def open_source(spec: SourceSpec, *, finished: bool = False, expected: Collection[str] = ()) -> Source:
    """Return the source that a `[sources.NAME]` table declares. Nothing is opened before `read`.

    `finished`: files will not grow, so a last line that is no whole row is rejected instead of waited for.
    `expected`: a file that has none of these columns is refused.
    """
    if spec.kind == "database":
        from trimtab.ingest.database import DatabaseSource

        return DatabaseSource(spec)
    if spec.kind == "api":
        from trimtab.ingest.api import ApiSource

        return ApiSource(spec)
    return FileSource(spec, finished=finished, expected=expected)
