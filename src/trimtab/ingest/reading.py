"""One file being read: portions become chunks, with row numbers, offsets and the position behind each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from trimtab.ingest.base import Chunk, Rejected
from trimtab.ingest.delimited import HEAD, Cursor, Header, Unsettled, read_header, read_portions
from trimtab.ingest.parquet import read_frames, read_schema
from trimtab.ingest.paths import inode_of
from trimtab.ingest.position import Content, Entry, Position
from trimtab.ingest.records import Portion
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm

MAX_SHOWN = 10_000
"""Characters of a rejected line that are kept."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One open file with content that is not read yet.

    `stood` says which file it was before it was hashed, of what size and time. `continues` is the former name and the
    entry of its beginning, where that was read; `known` says that its name was read before.
    """

    file: BinaryIO
    path: Path
    name: str
    stood: tuple[int, int, int] | None
    content: Content
    position: Position
    continues: tuple[str, Entry] | None
    known: bool

    @property
    def before(self) -> Entry | None:
        """How far this content was read already."""
        return self.continues[1] if self.continues else None

    def read(self, spec: SourceSpec) -> Iterator[Chunk]:
        """Yield the new rows; the first chunk says so where a known file is read whole again.

        Raises DataError where the file is not what `spec` says, Unsettled where it changes meanwhile.
        """
        if spec.format == "parquet":
            begin = self.before.rows if self.before and self.before.bytes == self.content.size else 0
            return self._tell(self._read_parquet(begin), again=not begin)
        header = self._read_header(spec.csv)
        cursor = self._resume(header)
        return self._tell(self._read_csv(spec.csv, header, cursor or self._begin(header)), again=not cursor)

    def _tell(self, chunks: Iterator[Chunk], *, again: bool) -> Iterator[Chunk]:
        repeats = self.known and again
        for chunk in chunks:
            note = f"{self.name} changed: it is read whole, as new content" if repeats else ""
            yield replace(chunk, note=note, again=repeats)
            repeats = False

    def _read_header(self, form: CsvForm) -> Header:
        self.file.seek(0)
        return read_header(self.file.read(HEAD), form, self.name)

    def _begin(self, header: Header) -> Cursor:
        self.file.seek(0)
        cursor = Cursor()
        cursor.move(self.file.read(header.size), header.lines, 0)
        return cursor

    def _resume(self, header: Header) -> Cursor | None:
        """Return the cursor behind `before`, or None where there is none or its last line was unfinished."""
        entry = self.before
        if not entry:
            return None
        cursor = Cursor(entry.bytes, entry.lines, entry.rows, self.content.marks[entry.bytes].copy())
        self.file.seek(entry.bytes - header.codec.unit)
        around = header.codec.decode(self.file.read(3 * header.codec.unit))
        if around.startswith("\n"):
            return cursor
        line_end = next((end for end in ("\n", "\r\n") if around[1:].startswith(end)), "")
        cursor.move(line_end.encode(header.codec.name), 0, 0)
        return cursor if line_end else None

    def _read_csv(self, form: CsvForm, header: Header, cursor: Cursor) -> Iterator[Chunk]:
        if cursor.at == self.content.size:
            nothing = pl.DataFrame(schema=dict.fromkeys(header.names, pl.String))
            yield self._take(Portion(nothing, np.empty(0, dtype=np.int64), (), 0), cursor)
        for portion in read_portions(self.file, self.content.size, header, form, cursor):
            yield self._take(portion, cursor)

    def _take(self, portion: Portion, cursor: Cursor) -> Chunk:
        first = cursor.lines - portion.done + 1
        rejected = tuple(
            Rejected(self._offset(first + bad.line), bad.text.rstrip("\r\n")[:MAX_SHOWN], bad.reason)
            for bad in portion.bad
        )
        entry = Entry(cursor.digest.hexdigest(), cursor.at, cursor.rows, cursor.lines)
        done = cursor.at == self.content.size
        if done and entry.sha256 != self.content.sha256:
            raise Unsettled(self.name)
        return self._chunk(portion.frame, portion.lines + first, entry, rejected, done=done)

    def _read_parquet(self, begin: int) -> Iterator[Chunk]:
        schema = read_schema(self.path, self.name)
        frames = read_frames(self.path, schema, begin)
        frame = self._next_frame(frames)
        frame = pl.DataFrame(schema=schema) if frame is None else frame
        done = False
        while not done:
            following = self._next_frame(frames)
            places = np.arange(begin, begin + frame.height) + 1
            begin += frame.height
            entry = Entry(self.content.sha256, self.content.size, begin, begin)
            done = following is None
            yield self._chunk(frame, places, entry, done=done)
            frame = frame if following is None else following

    def _next_frame(self, frames: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
        """Return the next frame of a file that stands still; one that was replaced may be unreadable, or worse, not."""
        try:
            return next(frames, None)
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
        return Chunk(frame, self.position.as_json(), rejected)

    def _offset(self, place: int | str) -> str:
        return f"{self.content.sha256[:12]}:{place}"
