"""Files as a source: one file, or those of a folder or an object store; each content read once.

A file is known by the hash of its content, not by its name or time. One that grew at its end gives its new rows only, a
renamed or repeated one nothing, a changed one everything again. Every record ends as a row or as a `Rejected`.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from trimtab.errors import DataError
from trimtab.ingest.base import Chunk, Rejected
from trimtab.ingest.blocks import Unsettled
from trimtab.ingest.drop import Drop, Item, list_folder
from trimtab.ingest.fitting import StrangeFile
from trimtab.ingest.jsonl import finished_lines
from trimtab.ingest.packed import unpack
from trimtab.ingest.paths import inode_of, kind_of
from trimtab.ingest.position import Content, Entry, Position, hash_content
from trimtab.ingest.reading import Reading
from trimtab.ingest.remote import describe, list_remote, local_path
from trimtab.ingest.tail import finished_size
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns import SourceSpec, fingerprint

__all__ = ["FileSource"]

_NO_ROWS = pl.DataFrame(schema={"_row": pl.Int64, "_offset": pl.String})


class FileSource:
    """The rows of one file, or of the files in a folder in the order of their names.

    A last line that is only begun waits for the next read; a `finished` file has no next read, so there it is rejected.
    A file that has none of the `expected` columns is refused.
    """

    def __init__(self, spec: SourceSpec, *, finished: bool = False, expected: Collection[str] = ()) -> None:
        here = local_path(spec.url)
        self.spec = replace(spec, path=here, url="") if here else spec
        self._finished = finished
        self._expected = frozenset(expected)

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        many = self.spec.url or kind_of(self.spec.path) == "folder"
        pattern = f", pattern {self.spec.pattern}" if many else ""
        return f"{self.spec.format} files: {describe(self.spec.url) or self.spec.path}{pattern}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new since a position, in chunks of about 50,000 rows.

        Raises ConfigError where the path does not exist, DataError where the one declared file cannot be read,
        HostError where a store does not answer. In a folder a file that cannot be read is rejected as a whole, once for
        its content and the way in which it is declared, and the others are read.
        """
        position = Position(since)
        drop = self._list()
        for note in drop.notes:
            yield Chunk(_NO_ROWS, position.as_json(), note=note)
        present = {item.name for item in drop.items}
        for item in drop.items:
            if item.stamp and position.stamps.get(item.name) in self._marks(item.stamp):
                continue
            read = self._read_guarded if drop.is_folder else self._read_alone
            yield from read(item, position, present)

    def _list(self) -> Drop:
        return list_remote(self.spec) if self.spec.url else list_folder(self.spec, finished=self._finished)

    def _read_guarded(self, item: Item, position: Position, present: set[str]) -> Iterator[Chunk]:
        """Read one file of a folder; what makes it unreadable is told once and stops no other file."""
        reading = None
        try:
            with item.open(self.spec.max_bytes) as (file, path):
                reading = self._look(file, path, item, position, present)
                yield from reading.read(self.spec, self._expected) if reading else _pass_by(item, position)
        except Unsettled as error:
            yield Chunk(_NO_ROWS, position.as_json(), note=error.message)
        except DataError as error:
            if not item.is_there():  # taken away since the folder was listed
                return
            mark = reading.content.sha256 if reading else item.outer_mark()
            kind = 2 if isinstance(error, (StrangeFile, UnclearForm)) else 1
            position.note_stamp(item.name, self._marks(item.stamp)[kind] if item.stamp else "")
            yield from _reject(item.name, (mark, self._marks(mark)[kind]), error, position)

    def _marks(self, mark: str) -> tuple[str, str, str]:
        """Return the mark of a content that was read, refused in the form declared, refused for its columns.

        A refused one is tried again where the form is declared otherwise, or other columns are asked for.
        """
        spec = self.spec
        form = [mark, spec.format, asdict(spec.csv), spec.sheet, spec.max_bytes, spec.max_expansion]
        return mark, fingerprint(form, 64), fingerprint([*form, sorted(self._expected)], 64)

    def _read_alone(self, item: Item, position: Position, present: set[str]) -> Iterator[Chunk]:
        with item.open(self.spec.max_bytes) as (file, path):
            reading = self._look(file, path, item, position, present)
            yield from reading.read(self.spec, self._expected) if reading else _pass_by(item, position)

    def _look(self, packed: BinaryIO, path: Path, item: Item, position: Position, present: set[str]) -> Reading | None:
        """Return what to read of an open file; None where its content was read before, whatever it was called."""
        stood = inode_of(path)
        size = os.fstat(packed.fileno()).st_size
        file = self._unpack(packed, size, item.name)
        entries = position.candidates(item.name, present)
        may_grow = file is packed and size > 0 and not self._finished and not item.stamp
        end = self._finished_size(file, size, item.name) if may_grow else None
        if end == 0:
            return None
        content = hash_content(file, (entry.bytes for entry in entries.values()), end)
        if content.sha256 in position.seen:
            return None
        continued = _find_beginning(entries, content)
        continues = (continued, entries[continued]) if continued else None
        return Reading(file, path, item.name, stood, content, position, continues, item.name in entries, item.stamp)

    def _unpack(self, file: BinaryIO, size: int, name: str) -> BinaryIO:
        """Return the text in a packed file of lines; other formats are packed in themselves."""
        if self.spec.format not in {"csv", "jsonl"}:
            return file
        return unpack(file, size, name, max_bytes=self.spec.max_bytes, max_expansion=self.spec.max_expansion)

    def _finished_size(self, file: BinaryIO, size: int, name: str) -> int | None:
        if self.spec.format == "jsonl":
            return finished_lines(file, size, name)
        return finished_size(file, size, self.spec.csv, name) if self.spec.format == "csv" else None


def _pass_by(item: Item, position: Position) -> Iterator[Chunk]:
    """Yield a position that knows an object without new rows, so that it is not even fetched the next time."""
    if item.stamp:
        position.note_stamp(item.name, item.stamp)
        yield Chunk(_NO_ROWS, position.as_json())


def _find_beginning(entries: Mapping[str, Entry], content: Content) -> str:
    for name, entry in entries.items():
        mark = content.marks.get(entry.bytes)
        if mark is not None and mark.hexdigest() == entry.sha256:
            return name
    return ""


def _reject(name: str, marks: tuple[str, str], error: DataError, position: Position) -> Iterator[Chunk]:
    """Yield the rejection of a whole file, once; `marks` are that of its content, and that to remember it by."""
    content, refused = marks
    if refused in position.seen:
        return
    position.finish(refused)
    reason = " ".join([error.message, *map(str, error.mistakes)]).rstrip(".")
    rejected = Rejected(f"{content[:12]}:0", name, reason)
    hint = f". Next: {error.hint}" if error.hint else ""
    yield Chunk(_NO_ROWS, position.as_json(), (rejected,), f"rejected as a whole: {reason}{hint}")
