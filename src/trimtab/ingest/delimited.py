"""A CSV file: its header, and its rows as portions in bounded memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from trimtab.errors import DataError
from trimtab.ingest.base import check_names
from trimtab.ingest.blocks import CHUNK_ROWS, Cursor, Lines, read_blocks
from trimtab.ingest.encoding import UNREADABLE, Codec, open_codec
from trimtab.ingest.plain import read_plain
from trimtab.ingest.records import Portion, read_carefully, read_records
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns.project import CsvForm

HEAD = 1 << 18

_UNPACK = "unpack it: gzip and zstd are read as they are, other archives are not"
_NOT_TEXT = {
    b"PK\x03\x04": ("a zip archive or an Excel workbook", 'unzip it; for a workbook set format = "excel"'),
    b"BZh": ("bzip2", _UNPACK),
    b"\xfd7zXZ": ("xz", _UNPACK),
    b"7z\xbc\xaf": ("7z", _UNPACK),
    b"Rar!": ("rar", _UNPACK),
    b"\x1f\x8b": ("gzip inside of another packing", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("zstd inside of another packing", _UNPACK),
    b"\xd0\xcf\x11\xe0": ("an old or encrypted Excel workbook", "save it as .xlsx without a password"),
    b"PAR1": ("Parquet", 'set format = "parquet"'),
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


def refuse_packed(head: bytes, where: str, wanted: str = "CSV") -> None:
    """Raise DataError where the first bytes are those of an archive, a workbook or another binary format."""
    for magic, (name, hint) in _NOT_TEXT.items():
        if head.startswith(magic):
            raise DataError(f"{where} is {name}, not {wanted}.", hint=hint)


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
        if names and not any(name.strip() for name in names):
            raise DataError(
                f"{where} has no names in its first line.", hint="a CSV file begins with a line of column names"
            )
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
    """Yield the rows between `cursor` and byte `end`; the cursor stands behind each portion when it is yielded."""

    def read_block(block: bytes, last: bool) -> Portion:
        portion = read_plain(block, header.codec, header.names, form, last=last)
        if portion is None:
            return read_carefully(split_lines(header.codec.decode(block)), header.names, form, last=last)
        return portion

    return read_blocks(Lines(file, end, header.where, header.codec), cursor, read_block, rows=rows)
