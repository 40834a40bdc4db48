"""A table, view or query of a SQL database as a source: what changed since the last read.

Any database that SQLAlchemy reaches. Names come from the database's own catalogue and are quoted by its dialect,
values are bound, and the transaction is read-only where the dialect knows how to say so. Each chunk is read in a
transaction of its own, so that a slow reader never holds up the database's writers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select
from sqlalchemy.exc import SQLAlchemyError

from trimtab.errors import ConfigError, DataError
from trimtab.ingest import given
from trimtab.ingest.base import Chunk
from trimtab.ingest.connection import Door, open_door
from trimtab.ingest.database_rows import RowFrames, Values
from trimtab.ingest.given import Given, hash_text
from trimtab.ingest.table import TableForm, find_form
from trimtab.ingest.values import build_column
from trimtab.ingest.window import MOST, Place, Window, digest_row, encode
from trimtab.nouns import SourceSpec, canonical, fingerprint


class DatabaseSource:
    """The rows of one table, view or query, each state of a row once.

    With a cursor, a row is new where its cursor is beyond the highest one given, or where it lies within `overlap` of
    that one (or ties with it) and was not given before. Without one, the whole is read each time, at most
    `given.MOST` rows, and compared with what was given. Rows whose cursor (or key) is null are counted and told.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        what = f"table {self.spec.table}" if self.spec.table else "a query"
        how = f"by {self.spec.cursor}" if self.spec.cursor else "whole, by its key"
        return f"{what} of {open_door(self.spec).shown}, {how}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new since a position, in chunks of at most `chunk` rows.

        Raises ConfigError where url, table, query, cursor or key cannot be used, with every mistake; DataError where a
        table without cursor is too large; HostError where the database cannot be read: what was yielded before is
        right, and the next read goes on behind it.
        """
        _refuse_other_table(self.spec, since or {})
        door = open_door(self.spec)
        try:
            with _explained(self.spec, door):
                form = find_form(door, self.spec)
            reading = _ByCursor if self.spec.cursor else _Whole
            yield from reading(self.spec, door, form, since or {}).read()
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
        was = f"table {before[0]}" if before[0] else "a query"
        what = f"[sources.{spec.name}] was read from {was} by {before[1] or 'its key'}; now it names others."
        raise ConfigError(what, hint="give another table or cursor a source of its own, with a new name")


class _Reading:
    """One read: from where it has to begin to where there is nothing more."""

    def __init__(self, spec: SourceSpec, door: Door, form: TableForm, since: Mapping[str, Any]) -> None:
        self.spec = spec
        self.door = door
        self.form = form
        self.frames = RowFrames(form, spec.table or "query", int(since.get("next_row", 0)))
        self.left_out = int(since.get("left_out", 0))
        self.note = self._tell_new_query(since) or self._tell_left_out()

    def _tell_new_query(self, since: Mapping[str, Any]) -> str:
        if since.get("query", self._query_hash()) == self._query_hash():
            return ""
        return f"{self.spec.name}: the query has changed; it goes on where it was, earlier rows are not read again"

    def _query_hash(self) -> str:
        return fingerprint(self.spec.query) if self.spec.query else ""

    def _tell_left_out(self) -> str:
        """Count the rows that have no place in the order; return a sentence where their number has changed."""
        statement = self.form.count_left_out()
        if statement is None:
            return ""
        before, self.left_out = self.left_out, self._count(statement)
        lacking = self.spec.cursor or " or ".join(self.spec.key)
        told = f"{self.spec.name}: {self.left_out:,} without {lacking}; such rows are not read until they have one"
        return "" if self.left_out == before else told

    def _count(self, statement: Select[Any]) -> int:
        with _explained(self.spec, self.door), self.door.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def _stretches(self, begin: Place | None) -> Iterator[tuple[list[Values], bool]]:
        """Yield rows in their order, about `chunk` at a time, and whether they are the last ones.

        Each stretch begins with the row that the one before ended with: its ties are not skipped.
        """
        limit, done = self.spec.chunk, False
        while not done:
            with _explained(self.spec, self.door), self.door.read() as connection:
                rows = [tuple(row) for row in connection.execute(self.form.select_chunk(begin, limit))]
            done = len(rows) < limit
            yield rows, done
            if not done:
                reached = self._place(rows[-1])
                # A whole stretch of one place means: look further.
                limit = limit * 2 if reached == begin else self.spec.chunk + 1
                begin = reached

    def _place(self, row: Values) -> Place:
        raise NotImplementedError

    def _chunk(self, fresh: Sequence[Values], kept: Mapping[str, Any], *, last: bool) -> Iterator[Chunk]:
        """Yield a chunk, where it has rows or something to tell; a note waits for one."""
        frame, rejected = self.frames.build(fresh)
        if frame.height or rejected or (last and self.note):
            own = {"of": [self.spec.table, self.spec.cursor], "query": self._query_hash()}
            numbers = {"next_row": self.frames.next_row, "left_out": self.left_out}
            yield Chunk(frame, {**own, **numbers, **kept}, rejected, self.note)
            self.note = ""


class _ByCursor(_Reading):
    """A read of what lies behind the cursor's highest value, and of the overlap before it."""

    def __init__(self, spec: SourceSpec, door: Door, form: TableForm, since: Mapping[str, Any]) -> None:
        super().__init__(spec, door, form, since)
        self.cursor_at = tuple(form.kinds).index(form.cursor)
        self.window = Window(since, spec.overlap)

    def read(self) -> Iterator[Chunk]:
        for rows, last in self._stretches(self.window.begin):
            fresh = self._take(rows)
            if last:
                self.window.finish()
            yield from self._chunk(fresh, self.window.as_json(), last=last)

    def _take(self, rows: Sequence[Values]) -> list[Values]:
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
        if self.window.shortened and not shortened:
            where = "lie in the overlap; it is shortened to the newest of them"
            self.note = f"{self.spec.name}: more than {MOST:,} rows {where}"
        return fresh

    def _place(self, row: Values) -> Place:
        key = self.frames.key_of(row)
        return Place(row[self.cursor_at], None if None in key else key)


class _Whole(_Reading):
    """A read of everything, in the order of the key, compared with what was given."""

    def __init__(self, spec: SourceSpec, door: Door, form: TableForm, since: Mapping[str, Any]) -> None:
        super().__init__(spec, door, form, since)
        self.given = Given.load(since.get("given", ""))

    def read(self) -> Iterator[Chunk]:
        if self._count(self.form.count()) > given.MOST:
            hint = "name a column that grows with every change: cursor = ..."
            raise DataError(
                f"[sources.{self.spec.name}] has more than {given.MOST:,} rows, too many to compare each time.",
                hint=hint,
            )
        met: set[bytes] = set()
        for rows, last in self._stretches(None):
            states = self._hash(rows)
            met |= states.keys()
            fresh = [row for key, (content, row) in states.items() if not self.given.holds(key, content)]
            for key, (content, _) in states.items():
                self.given.put(key, content)
            if last:
                self.given.keep_only(met)
            yield from self._chunk(fresh, {"given": self.given.as_text()}, last=last)

    def _hash(self, rows: Sequence[Values]) -> dict[bytes, tuple[bytes, Values]]:
        """Return the rows by the hash of their key, each with that of its content."""
        found: dict[bytes, tuple[bytes, Values]] = {}
        for row in rows:
            key = hash_text(canonical([encode(part) for part in self.frames.key_of(row)]), b"key")
            content = digest_row(row)[: given.SHORT]
            if found.setdefault(key, (content, row))[0] != content:
                what = f"[sources.{self.spec.name}] has rows with one key and different content."
                raise ConfigError(what, hint=f"name what tells rows apart: key = {list(self.spec.key)} does not")
        return found

    def _place(self, row: Values) -> Place:
        return Place(None, self.frames.key_of(row))
