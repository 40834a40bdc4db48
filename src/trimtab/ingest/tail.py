"""The end of a CSV file that somebody may still be writing."""

from collections.abc import Sequence
from typing import BinaryIO

from trimtab.ingest.delimited import HEAD, Header, read_header
from trimtab.ingest.encoding import UNREADABLE
from trimtab.ingest.records import NEVER_CLOSED, read_records
from trimtab.nouns.project import CsvForm

TAIL = 1 << 16
"""Bytes at the end that are looked at; a line that is longer counts as finished."""


def finished_size(file: BinaryIO, size: int, form: CsvForm, name: str) -> int:
    """Return how many bytes of an open file may be read: all, or all but a last record that is only begun.

    A last record is only begun where no line end follows it and it is no whole row. It is left for the next read,
    because half a row that was rejected would make the grown file look like another one. Half a header leaves nothing.
    """
    file.seek(0)
    header = read_header(file.read(HEAD), form, name)
    size -= (size - header.codec.mark) % header.codec.unit  # half a character of UTF-16
    pieces = _last_lines(file, size, header)
    lines = [header.codec.decode(piece) for piece in pieces]
    if not lines or lines[-1].endswith("\n"):
        return size
    if header.size == size:
        return 0
    return size - sum(map(len, pieces[_first_begun(lines, len(header.names), form) :]))


def _last_lines(file: BinaryIO, size: int, header: Header) -> list[bytes]:
    """Return the whole lines at the end of the file, with their ends; of a file without rows, the header itself."""
    first = header.size if header.size < size else header.codec.mark
    begin = max(first, size - TAIL)
    begin -= (begin - first) % header.codec.unit
    file.seek(begin)
    data = file.read(size - begin)
    cuts = [int(end) for end in header.codec.line_ends(data)]
    if not cuts or cuts[-1] < len(data):
        cuts.append(len(data))
    pieces = [data[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
    return pieces if begin == first else pieces[1:]


def _first_begun(lines: Sequence[str], width: int, form: CsvForm) -> int:
    """Return the line with which the last record begins, if that is no whole row; else how many lines there are.

    A quote that stays open until the end may begin a long value, unless a whole row follows its line.
    """
    opened = last = len(lines)
    for begin, end, values, reason in read_records(lines, form):
        last = begin
        if len(values) == width and UNREADABLE not in "".join(lines[begin:end]):
            opened = last = len(lines)
        elif reason == NEVER_CLOSED:
            opened = min(opened, begin)
    return min(opened, last)
