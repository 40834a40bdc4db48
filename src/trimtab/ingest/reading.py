"""One file being read: portions become chunks, with row numbers, offsets and the position behind each."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from trimtab.ingest.base import Chunk, Rejected
from trimtab.ingest.blocks import Cursor, Lines, Unsettled
from trimtab.ingest.delimited import HEAD, Header, read_header, read_portions
from trimtab.ingest.encoding import UNREADABLE, Codec
from trimtab.ingest.excel import read_sheet
from trimtab.ingest.fitting import refuse_misread, refuse_strange
from trimtab.ingest.items import build_frame
from trimtab.ingest.jsonl import find_types, read_jsonl, read_mark
from trimtab.ingest.parquet import read_rows
from trimtab.ingest.paths import inode_of
from trimtab.ingest.position import Content, Entry, Position
from trimtab.ingest.records import Portion
from trimtab.nouns import SourceSpec

LOOK = 1 << 16
MAX_SHOWN = 10_000
"""Characters of a rejected line that are kept."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One open file with content that is not read yet.

    `stood` says which file it was before it was hashed, of what size and time. `continues` is the former name and the
    entry of its beginning, where that was read; `known` says that its name was read before; `stamp` is its store's.
    """

    file: BinaryIO
    path: Path
    name: str
    stood: tuple[int, int, int] | None
    content: Content
    position: Position
    continues: tuple[str, Entry] | None
    known: bool
    stamp: str = ""

    @property
    def before(self) -> Entry | None:
        """How far this content was read already."""
        return self.continues[1] if self.continues else None

    def read(self, spec: SourceSpec, expected: Collection[str] = ()) -> Iterator[Chunk]:
        """Yield the new rows; the first chunk says so where a known file is read whole again.

        Raises DataError where the file is not what `spec` says or has none of the `expected` columns, Unsettled where
        it changes meanwhile.
        """
        if spec.format in {"csv", "jsonl"}:
            return self._read_lines(spec, expected)
        begin = self.before.lines if self.before and self.before.bytes == self.content.size else 0
        portions = (
            read_sheet(self.path, self.name, spec, begin)
            if spec.format == "excel"
            else read_rows(self.path, self.name, begin)
        )
        return self._tell(self._read_whole(portions, begin, expected), again=not begin)

    def _tell(self, chunks: Iterator[Chunk], *, again: bool) -> Iterator[Chunk]:
        repeats = self.known and again
        for chunk in chunks:
            note = f"{self.name} changed: it is read whole, as new content" if repeats else ""
            yield replace(chunk, note=note, again=repeats)
            repeats = False

    def _read_lines(self, spec: SourceSpec, expected: Collection[str]) -> Iterator[Chunk]:
        self.file.seek(0)
        size = self.content.size
        if spec.format == "csv":
            head = self.file.read(HEAD)
            header = read_header(head, spec.csv, self.name)
            refuse_misread(header.names, _first_lines(head, header), expected, spec.csv.delimiter, self.name)
            refuse_strange(header.names, expected, self.name)
            resumed = self._resume(header.codec)
            cursor = resumed or self._begin(header.size, header.lines)
            schema = pl.Schema(dict.fromkeys(header.names, pl.String))
            portions = read_portions(self.file, size, header, spec.csv, cursor)
        else:
            codec = read_mark(self.file, self.name)
            resumed = self._resume(codec)
            cursor = resumed or self._begin(codec.mark, 0)
            text = Lines(self.file, size, self.name, codec)
            sorts, names = find_types(text, cursor, self.position.sorts, spec.key)
            refuse_strange(names, expected if names else (), self.name)
            self.position.sorts = sorts
            schema = build_frame([], sorts).schema
            portions = read_jsonl(text, cursor, sorts)
        return self._tell(self._take_all(portions, cursor, schema), again=not resumed)

    def _begin(self, size: int, lines: int) -> Cursor:
        self.file.seek(0)
        cursor = Cursor()
        cursor.move(self.file.read(size), lines, 0)
        return cursor

    def _resume(self, codec: Codec) -> Cursor | None:
        """Return the cursor behind `before`, or None where there is none or its last line was unfinished."""
        entry = self.before
        if not entry:
            return None
        cursor = Cursor(entry.bytes, entry.lines, entry.rows, self.content.marks[entry.bytes].copy())
        if entry.bytes <= codec.mark:
            return cursor if entry.bytes == codec.mark else None
        self.file.seek(entry.bytes - codec.unit)
        around = codec.decode(self.file.read(3 * codec.unit))
        if around.startswith("\n"):
            return cursor
        line_end = next((end for end in ("\n", "\r\n") if around[1:].startswith(end)), "")
        cursor.move(line_end.encode(codec.name), 0, 0)
        return cursor if line_end else None

    def _take_all(self, portions: Iterator[Portion], cursor: Cursor, schema: pl.Schema) -> Iterator[Chunk]:
        if cursor.at == self.content.size:
            yield self._take(Portion(pl.DataFrame(schema=schema), np.empty(0, dtype=np.int64), (), 0), cursor)
        for portion in portions:
            yield self._take(portion, cursor)

    def _take(self, portion: Portion, cursor: Cursor) -> Chunk:
        first = cursor.lines - portion.done + 1
        rejected = self._rejected(portion, first)
        entry = Entry(cursor.digest.hexdigest(), cursor.at, cursor.rows, cursor.lines)
        done = cursor.at == self.content.size
        if done and entry.sha256 != self.content.sha256:
            raise Unsettled(self.name)
        return self._chunk(portion.frame, portion.lines + first, entry, rejected, done=done)

    def _read_whole(self, portions: Iterator[Portion], begin: int, expected: Collection[str]) -> Iterator[Chunk]:
        """Yield the rows of a file that is read as a whole or not at all; `begin` rows come before the portions."""
        rows = self.before.rows if self.before and begin else 0
        portion = self._next_portion(portions)
        refuse_strange(portion.frame.columns if portion else (), expected if portion else (), self.name)
        while portion:
            following = self._next_portion(portions)
            rejected = self._rejected(portion, begin + 1)
            places = portion.lines + begin + 1
            begin += portion.done
            rows += portion.frame.height
            entry = Entry(self.content.sha256, self.content.size, rows, begin)
            yield self._chunk(portion.frame, places, entry, rejected, done=following is None)
            portion = following

    def _next_portion(self, portions: Iterator[Portion]) -> Portion | None:
        """Return the next rows of a file that stands still; one that was replaced may be unreadable, or worse, not."""
        try:
            return next(portions, None)
        finally:
            if inode_of(self.path) != self.stood:
                raise Unsettled(self.name)

    def _chunk(
        self, frame: pl.DataFrame, places: np.ndarray, entry: Entry, rejected: tuple[Rejected, ...] = (), *, done: bool
    ) -> Chunk:
        numbers = pl.Series("_row", np.arange(frame.height) + self.position.next_row, dtype=pl.Int64)
        places_text = pl.Series("_offset", places, dtype=pl.Int64).cast(pl.String)
        frame = frame.with_columns(numbers, _offset=pl.concat_str(pl.lit(self._offset("")), places_text))
        self.position.next_row += frame.height
        if self.continues:
            self.position.files.pop(self.continues[0], None)
        self.position.files[self.name] = entry
        if done:
            self.position.finish(self.content.sha256, self.before.sha256 if self.before else "")
            self.position.note_stamp(self.name, self.stamp)
        return Chunk(frame, self.position.as_json(), rejected)

    def _rejected(self, portion: Portion, first: int) -> tuple[Rejected, ...]:
        return tuple(Rejected(self._offset(first + bad.line), _show(bad.text), bad.reason) for bad in portion.bad)

    def _offset(self, place: int | str) -> str:
        return f"{self.content.sha256[:12]}:{place}"


def _first_lines(head: bytes, header: Header) -> tuple[str, ...]:
    """Return the line that ends a CSV file's header, and the next one where there is one."""
    own = header.codec.decode(head[header.codec.mark : header.size]).splitlines()[-1]
    following = header.codec.decode(head[header.size : header.size + LOOK]).splitlines()
    return own, *following[:1]


def _show(text: str) -> str:
    """Return the beginning of a bad record; what is no text in it is shown as the sign for that."""
    return text[:MAX_SHOWN].rstrip("\r\n").replace(UNREADABLE, "\ufffd")
