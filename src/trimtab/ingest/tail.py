"""The end of a CSV file that somebody may still be writing."""

from typing import BinaryIO

from trimtab.ingest.delimited import HEAD, read_header
from trimtab.ingest.records import read_carefully
from trimtab.nouns.project import CsvForm

TAIL = 1 << 16
"""Bytes at the end that are looked at; a line that is longer counts as finished."""


def finished_size(file: BinaryIO, size: int, form: CsvForm, name: str) -> int:
    """Return how many bytes of an open file may be read: all, or all but a last line that is only begun.

    A last line is only begun where no line end follows it and it is no whole row. It is left for the next read, because
    half a row that was rejected would make the grown file look like another one. A line with a quote in it may be the
    end of a longer record, so it is never left.
    """
    file.seek(0)
    header = read_header(file.read(HEAD), form, name)
    begin = max(header.size, size - TAIL)
    begin -= (begin - header.size) % header.codec.unit
    file.seek(begin)
    data = file.read(size - begin)
    ends = header.codec.line_ends(data)
    if not len(ends) and begin > header.size:
        return size
    last = data[int(ends[-1]) :] if len(ends) else data
    text = header.codec.decode(last)
    if not text or (form.quote and form.quote in text):
        return size
    whole = read_carefully([text], header.names, form, last=True).frame.height
    return size if whole else size - len(last)
