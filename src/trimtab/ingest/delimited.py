"""One CSV file as a stream of portions in bounded memory, each with the exact place in the file behind it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from trimtab.errors import DataError
from trimtab.ingest.base import check_names
from trimtab.ingest.encoding import UNREADABLE, Codec, open_codec
from trimtab.ingest.records import Portion, read_carefully, read_plain, read_records
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns.project import CsvForm

HEAD = 1 << 18
CHUNK_ROWS = 50_000
MAX_BLOCK = 16 << 20
MAX_LINE = 16 << 20

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "Parquet",
}
_EXCEL_HINT = re.compile(r'"?sep=.?"?\s*')


@dataclass(frozen=True, slots=True)
class Header:
    """What the top of a CSV file says: the columns' names, and how many bytes and lines it takes."""

    where: str
    names: tuple[str, ...]
    codec: Codec
    size: int
    lines: int


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


def refuse_packed(head: bytes, where: str) -> None:
    """Raise DataError where the first bytes are those of an archive, a workbook or another binary format."""
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise DataError(f"{where} is {name}, not CSV.", hint="unpack it, or save it as CSV or Parquet")


def read_header(head: bytes, form: CsvForm, where: str) -> Header:
    """Return the header of a file that begins with `head`. Raises DataError where there is none to rely on."""
    refuse_packed(head, where)
    codec = open_codec(head, form.encoding, where)
    lines = split_lines(codec.decode(head[codec.mark :]))
    skipped = 1 if lines and _EXCEL_HINT.fullmatch(lines[0]) else 0
    names, used = _first_names(lines, skipped, form, where)
    check_names(names, where)
    size = codec.mark + len("".join(lines[:used]).encode(codec.name))
    return Header(where, tuple(names), codec, size, used)


def _first_names(lines: list[str], skipped: int, form: CsvForm, where: str) -> tuple[list[str], int]:
    for _, end, names, reason in read_records(lines[skipped:], form):
        wrong = reason or ("it holds bytes that are no text" if UNREADABLE in "".join(names) else "")
        if wrong:
            raise UnclearForm(f"{where}: the header cannot be read: {wrong}.")
        if names:
            _refuse_numbers(names, where)
            return _name_blanks([name.strip() for name in names]), skipped + end
    raise DataError(f"{where} is empty.", hint="a CSV file begins with a line of column names")


def _refuse_numbers(found: list[str], where: str) -> None:
    if all(re.fullmatch(r"\s*[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?\s*", name) for name in found):
        shown = ", ".join(found)[:60]
        raise DataError(f"{where} has no header: line 1 holds numbers ({shown}).", hint="put a line of names on top")


def _name_blanks(names: list[str]) -> list[str]:
    return [name or f"column_{position}" for position, name in enumerate(names, start=1)]


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text with their ends; only `\n` ends a line (`\r\n` does so too, by its `\n`)."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def read_portions(
    file: BinaryIO, end: int, header: Header, form: CsvForm, cursor: Cursor, *, rows: int = CHUNK_ROWS
) -> Iterator[Portion]:
    """Yield the rows between `cursor` and byte `end`; the cursor stands behind each portion when it is yielded.

    Memory is bounded: a portion is about `rows` lines and at most MAX_BLOCK bytes. Raises DataError for a line beyond
    MAX_LINE.
    """
    size = min(1 << 20, rows * 20)
    carried = b""
    while cursor.at < end:
        file.seek(cursor.at + len(carried))
        fresh = file.read(min(size, end - cursor.at - len(carried)))
        if not fresh:
            raise Unsettled(header.where)
        data = carried + fresh
        last = cursor.at + len(data) >= end
        ends = header.codec.line_ends(data)
        if not len(ends) and not last:
            carried, size = data, size * 2
            _refuse_endless(data, header, cursor)
            continue
        block = data if last else data[: ends[-1]]
        portion, used = _read_block(block, ends, header, form, last=last)
        if portion.done:
            cursor.move(block[:used], portion.done, portion.frame.height)
            yield portion
        carried = data[used:]
        size = _next_size(used, portion.done, size, rows)


def _read_block(block: bytes, ends: np.ndarray, header: Header, form: CsvForm, *, last: bool) -> tuple[Portion, int]:
    """Return the rows of a block of whole lines, and how many of its bytes they took."""
    text = header.codec.decode(block)
    plain = read_plain(text, header.names, form)
    if plain is not None:
        return plain, len(block)
    lines = split_lines(text)
    portion = read_carefully(lines, header.names, form, last=last)
    if portion.done == len(lines):
        return portion, len(block)
    return portion, int(ends[portion.done - 1]) if portion.done else 0


def _refuse_endless(data: bytes, header: Header, cursor: Cursor) -> None:
    if len(data) > MAX_LINE:
        what = f"{header.where}: line {cursor.lines + 1} is longer than {MAX_LINE >> 20} MB."
        raise DataError(what, hint="is it a CSV file? Its lines must end somewhere")


def _next_size(used: int, lines: int, size: int, rows: int) -> int:
    """Return how many bytes to read so that they hold about `rows` lines; more where not even one record fitted."""
    return max(1, min(MAX_BLOCK, used * rows // lines if lines else size * 2))
