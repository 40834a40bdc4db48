"""A table or view of a SQL database as a source: what changed since the last read, by a cursor column.

Any database that SQLAlchemy reaches. Names come from the database's own catalogue and are quoted by its dialect,
values are bound, and the transaction is read-only where the dialect knows how to say so. Each chunk is read in a
transaction of its own, so that a slow reader never holds up the database's writers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from trimtab.errors import ConfigError
from trimtab.ingest.base import Chunk, Rejected
from trimtab.ingest.connection import Door, open_door
from trimtab.ingest.table import TableForm, find_table
from trimtab.ingest.values import build_column, show_row
from trimtab.ingest.window import MOST, Place, Window, digest_row
from trimtab.nouns import SourceSpec

MAX_OFFSET = 200
MAX_SHOWN = 1000

Values = tuple[Any, ...]


class DatabaseSource:
    """The rows of one table or view, each state of a row once, in the order of the cursor.

    A row is new where its cursor is beyond the highest one given, or where it lies within `overlap` of that one (or
    ties with it) and was not given before. Rows whose cursor is null are counted and told, not read.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        return f"table {self.spec.table} of {open_door(self.spec).shown}, by {self.spec.cursor}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new since a position, in chunks of at most `chunk` rows.

        Raises ConfigError where url, table, cursor or key cannot be used, with every mistake; HostError where the
        database cannot be read: what was yielded before is right, and the next read goes on behind it.
        """
        _refuse_other_table(self.spec, since or {})
        door = open_door(self.spec)
        try:
            with _explained(self.spec, door):
                form = find_table(door, self.spec)
            yield from _Reading(self.spec, door, form, since or {}).read()
        finally:
            door.close()


@contextmanager
def _explained(spec: SourceSpec, door: Door) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise door.explain(error, f"[sources.{spec.name}]") from None


def _refuse_other_table(spec: SourceSpec, since: Mapping[str, Any]) -> None:
    """Raise where the position is that of another table or cursor: it means nothing here."""
    before = since.get("of", [spec.table, spec.cursor])
    if before != [spec.table, spec.cursor]:
        what = f"[sources.{spec.name}] was read from table {before[0]} by {before[1]}; now it names others."
        raise ConfigError(what, hint="give another table or cursor a source of its own, with a new name")


class _Reading:
    """One read of a table: from where the window begins to where there is nothing more."""

    def __init__(self, spec: SourceSpec, door: Door, form: TableForm, since: Mapping[str, Any]) -> None:
        self.spec = spec
        self.door = door
        self.form = form
        self.names = tuple(form.kinds)
        self.cursor_at = self.names.index(form.cursor)
        self.key_at = [self.names.index(name) for name in form.key]
        self.window = Window(since, spec.overlap)
        self.next_row = int(since.get("next_row", 0))
        self.without_cursor = int(since.get("without_cursor", 0))

    def read(self) -> Iterator[Chunk]:
        note = self._count_without_cursor()
        begin, limit, done = self.window.begin, self.spec.chunk, False
        while not done:
            rows = self._fetch(begin, limit)
            done = len(rows) < limit
            chunk = self._take(rows, note, last=done)
            if chunk.frame.height or chunk.rejected or (done and chunk.note):
                yield chunk
                note = ""
            if not done:
                reached = self._place(rows[-1])
                # The next chunk begins with the row that was reached; a whole chunk of one place means: look further.
                limit = limit * 2 if reached == begin else self.spec.chunk + 1
                begin = reached

    def _fetch(self, begin: Place | None, limit: int) -> list[Values]:
        with _explained(self.spec, self.door), self.door.read() as connection:
            return [tuple(row) for row in connection.execute(self.form.select_chunk(begin, limit))]

    def _count_without_cursor(self) -> str:
        """Count the rows that cannot be read for want of a cursor; return a sentence where their number has changed."""
        statement = self.form.count_without_cursor()
        if statement is None:
            return ""
        with _explained(self.spec, self.door), self.door.read() as connection:
            count = int(connection.execute(statement).scalar_one())
        before, self.without_cursor = self.without_cursor, count
        told = f"{self.spec.name}: {count:,} without {self.form.cursor}; such rows are not read until they have one"
        return "" if count == before else told

    def _take(self, rows: Sequence[Values], note: str, *, last: bool) -> Chunk:
        """Return the new ones among some rows, and remember them all."""
        cursors = [row[self.cursor_at] for row in rows]
        _, odd = build_column(self.form.cursor, cursors, self.form.kinds[self.form.cursor])
        beyond = [number not in odd and self.window.is_beyond(cursor) for number, cursor in enumerate(cursors)]
        fresh = [row for row, new in zip(rows, beyond, strict=True) if new or not self.window.is_given(digest_row(row))]
        high = next((cursors[number] for number in reversed(range(len(rows))) if beyond[number]), None)
        shortened = self.window.shortened
        if high is not None:
            self.window.move(high)
        self.window.remember(rows, self._place)
        if last:
            self.window.finish()
        if self.window.shortened and not shortened:
            note = (
                f"{self.spec.name}: more than {MOST:,} rows lie in the overlap; it is shortened to the newest of them"
            )
        return self._chunk(fresh, note)

    def _place(self, row: Values) -> Place:
        key = tuple(row[at] for at in self.key_at)
        return Place(row[self.cursor_at], None if None in key else key)

    def _chunk(self, rows: Sequence[Values], note: str) -> Chunk:
        frame, reasons = self._build(rows)
        offsets = pl.Series("_offset", [self._offset(row) for row in rows], dtype=pl.String)
        rejected = tuple(
            Rejected(offsets[number], show_row(self.names, rows[number])[:MAX_SHOWN], reason)
            for number, reason in sorted(reasons.items())
        )
        good = [number for number in range(len(rows)) if number not in reasons]
        frame = frame.with_columns(offsets)[good] if reasons else frame.with_columns(offsets)
        numbers = pl.Series("_row", range(self.next_row, self.next_row + frame.height), dtype=pl.Int64)
        frame = frame.insert_column(frame.width - 1, numbers)
        self.next_row += frame.height
        return Chunk(frame, self._position(), rejected, note)

    def _build(self, rows: Sequence[Values]) -> tuple[pl.DataFrame, dict[int, str]]:
        """Return all rows as a frame, and the first reason against each row that cannot be kept."""
        reasons: dict[int, str] = {}
        columns = []
        for name, values in zip(self.names, zip(*rows, strict=True) if rows else [()] * len(self.names), strict=True):
            column, wrong = build_column(name, values, self.form.kinds[name])
            if name in self.form.key:
                wrong = {
                    **wrong,
                    **{at: f"column {name}: the key is missing" for at, one in enumerate(values) if one is None},
                }
            columns.append(column)
            reasons = {**wrong, **reasons}
        return pl.DataFrame(columns), reasons

    def _offset(self, row: Values) -> str:
        key = "|".join("" if row[at] is None else str(row[at]) for at in self.key_at)
        return f"{self.spec.table}:{key}"[:MAX_OFFSET]

    def _position(self) -> dict[str, Any]:
        own = {"of": [self.spec.table, self.spec.cursor], "next_row": self.next_row}
        return {**own, "without_cursor": self.without_cursor, **self.window.as_json()}
