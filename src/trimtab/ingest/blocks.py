"""A file of lines as a stream of portions in bounded memory, each with the exact place in the file behind it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from trimtab.errors import DataError
from trimtab.ingest.encoding import Codec
from trimtab.ingest.records import Portion

CHUNK_ROWS = 50_000
MAX_BLOCK = 16 << 20
MAX_LINE = 16 << 20


@dataclass(slots=True)
class Cursor:
    """How far a file is read: at which byte, physical lines and rows, with the running SHA-256 of those bytes."""

    at: int = 0
    lines: int = 0
    rows: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def move(self, data: bytes, lines: int, rows: int) -> None:
        """Go on by some bytes that hold so many lines and rows."""
        self.at += len(data)
        self.lines += lines
        self.rows += rows
        self.digest.update(data)


class Unsettled(DataError):
    """A file changed while it was read; what was taken before is right, and the next read goes on from there."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} changed while it was read.", hint="run it again when the file stands still")


@dataclass(frozen=True, slots=True)
class Lines:
    """An open file of lines, its name, how it is decoded, and how many of its bytes are to be read."""

    file: BinaryIO
    end: int
    where: str
    codec: Codec


def read_blocks(
    text: Lines, cursor: Cursor, read_block: Callable[[bytes, bool], Portion], *, rows: int = CHUNK_ROWS
) -> Iterator[Portion]:
    """Yield the rows from `cursor` to the end; the cursor stands behind each portion when it is yielded.

    `read_block` gets whole lines, and whether they are the last of the file; the lines that it leaves undone come again
    with the next. Memory is bounded: a portion is about `rows` lines and at most MAX_BLOCK bytes. Raises DataError for
    a line beyond MAX_LINE.
    """
    size = min(1 << 20, rows * 20)
    carried = b""
    while cursor.at < text.end:
        text.file.seek(cursor.at + len(carried))
        fresh = text.file.read(min(size, text.end - cursor.at - len(carried)))
        if not fresh:
            raise Unsettled(text.where)
        data = carried + fresh
        last = cursor.at + len(data) >= text.end
        ends = text.codec.line_ends(data)
        if not len(ends) and not last:
            carried, size = data, size * 2
            _refuse_endless(data, text.where, cursor)
            continue
        block = data if last else data[: ends[-1]]
        portion = read_block(block, last)
        used = len(block)
        if portion.done <= len(ends):  # else the last line has no end
            used = int(ends[portion.done - 1]) if portion.done else 0
        if portion.done:
            cursor.move(block[:used], portion.done, portion.frame.height)
            yield portion
        carried = data[used:]
        size = _next_size(used, portion.done, size, rows)


def _refuse_endless(data: bytes, where: str, cursor: Cursor) -> None:
    if len(data) > MAX_LINE:
        what = f"{where}: line {cursor.lines + 1} is longer than {MAX_LINE >> 20} MB."
        raise DataError(what, hint="is it a text file of this format? Its lines must end somewhere")


def _next_size(used: int, lines: int, size: int, rows: int) -> int:
    """Return how many bytes to read so that they hold about `rows` lines; more where not even one record fitted."""
    return max(1, min(MAX_BLOCK, used * rows // lines if lines else size * 2))
