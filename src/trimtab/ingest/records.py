r"""Lines of a CSV file into records, each of them accounted for: a row, or a reason why it is none.

`read_carefully` takes every block that `plain` leaves to it, record by record. A record that cannot be read costs its
first line only: reading goes on at the next line.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from trimtab.ingest.encoding import UNREADABLE
from trimtab.nouns.project import CsvForm

MAX_RECORD_LINES = 1000
MAX_RECORD = 1_000_000
"""Lines and characters of one record; beyond them a quote was opened and never closed."""

MAX_VALUE = 131_072
"""Characters of one value; the csv module's own limit."""

NEVER_CLOSED = "a quote is opened and never closed"
_REASONS = (
    ("unexpected end of data", NEVER_CLOSED),
    ("expected after", "text follows a closing quote"),
    ("new-line character", "a carriage return stands inside a value that is not quoted"),
    ("field larger", f"a value is longer than {MAX_VALUE:,} characters, or a quote is never closed"),
)


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that is no row: the line it begins on (from 0 in its block), its text and the reason."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Portion:
    """What one block gave: rows (all text) with the line each begins on, bad records, and how many lines are done."""

    frame: pl.DataFrame
    lines: np.ndarray
    bad: tuple[Bad, ...]
    done: int


def read_carefully(lines: Sequence[str], names: Sequence[str], form: CsvForm, *, last: bool) -> Portion:
    """Return the rows and the bad records among `lines` (each with its line end).

    Where the lines end inside a record and are not the `last` of the file, that record is left for the next block.
    """
    rows: list[list[str]] = []
    begins: list[int] = []
    bad: list[Bad] = []
    done = len(lines)
    doubtful = any(UNREADABLE in line or "\0" in line for line in lines)
    for begin, end, values, reason in read_records(lines, form):
        if reason == NEVER_CLOSED and not last and _may_go_on(lines, begin):
            done = begin
            break
        wrong = reason or _what_is_wrong(values, len(names), lines[begin:end] if doubtful else ())
        if wrong:
            bad.append(Bad(begin, "".join(lines[begin:end]), wrong))
        elif values:
            rows.append(values)
            begins.append(begin)
    return Portion(_text_frame(rows, names), np.array(begins, dtype=np.int64), tuple(bad), done)


def read_records(lines: Sequence[str], form: CsvForm) -> Iterator[tuple[int, int, list[str], str]]:
    """Yield (first line, line behind it, values, reason) of each record; a reason says why there are no values.

    A blank line is a record without values and without a reason.
    """
    feed = _Feed(lines)
    reader = _open_reader(feed, form)
    while True:
        begin = feed.next
        feed.begin_record(begin)
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            feed.begin_record(begin + 1)
            reader = _open_reader(feed, form)
            yield begin, begin + 1, [], _say(error)
        else:
            yield begin, feed.next, values, ""


class _Feed:
    """Hands lines to the csv reader and lets it start again elsewhere; ends a record that goes on for too long."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.begin_record(0)

    def begin_record(self, line: int) -> None:
        """Say that the next line handed out is this one, the first of a record."""
        self.begin = self.next = line
        self.taken = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.next >= len(self.lines) or self.taken >= MAX_RECORD or self.next - self.begin >= MAX_RECORD_LINES:
            raise StopIteration
        line = self.lines[self.next]
        self.next += 1
        self.taken += len(line)
        return line


def _open_reader(feed: _Feed, form: CsvForm) -> Iterator[list[str]]:
    if not form.quote:
        return csv.reader(feed, delimiter=form.delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(feed, delimiter=form.delimiter, quotechar=form.quote, strict=True)


def _may_go_on(lines: Sequence[str], begin: int) -> bool:
    rest = lines[begin : begin + MAX_RECORD_LINES]
    return len(rest) < MAX_RECORD_LINES and sum(map(len, rest)) < MAX_RECORD


def _say(error: csv.Error) -> str:
    said = str(error)
    return next((reason for sign, reason in _REASONS if sign in said), said)


def _what_is_wrong(values: list[str], width: int, lines: Sequence[str]) -> str:
    if not values:
        return ""
    if len(values) != width:
        return f"{len(values)} values where the header has {width}"
    if any(UNREADABLE in line for line in lines):
        return "bytes that are not text in the declared encoding"
    if any("\0" in line for line in lines):
        return "a NUL character"
    return ""


def _text_frame(rows: Sequence[Sequence[str]], names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
