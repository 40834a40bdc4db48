"""Files as a source: one file or a folder of them, CSV or Parquet, each content read once.

A file is known by the hash of its content, not by its name or time. One that grew at its end gives its new rows only, a
renamed or repeated one nothing, a changed one everything again. Every record ends as a row or as a `Rejected`.
"""

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import polars as pl

from trimtab.errors import ConfigError, DataError
from trimtab.ingest.base import Chunk, Rejected
from trimtab.ingest.delimited import HEAD, Cursor, Unsettled, read_header, read_portions
from trimtab.ingest.detect import detect_csv
from trimtab.ingest.parquet import read_frames, read_schema
from trimtab.ingest.paths import existing, inode_of, kind_of, open_plain
from trimtab.ingest.position import Content, Entry, Position, hash_content
from trimtab.ingest.reading import Reading
from trimtab.ingest.tail import finished_size
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns import SourceSpec, fingerprint
from trimtab.nouns.project import CsvForm

__all__ = ["FileSource", "declare", "detect_csv", "read_head"]

_UNFINISHED = (".tmp", ".part", ".crdownload", "~")
_NO_ROWS = pl.DataFrame(schema={"_row": pl.Int64, "_offset": pl.String})


class FileSource:
    """The rows of one file, or of the files in a folder in the order of their names.

    A last line that is only begun waits for the next read; a `finished` file has no next read, so there it is rejected.
    """

    def __init__(self, spec: SourceSpec, *, finished: bool = False) -> None:
        self.spec = spec
        self._finished = finished

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        pattern = f", pattern {self.spec.pattern}" if kind_of(self.spec.path) == "folder" else ""
        return f"{self.spec.format} files: {self.spec.path}{pattern}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new since a position, in chunks of about 50,000 rows.

        Raises ConfigError where the path does not exist, DataError where the one declared file cannot be read. In a
        folder such a file is rejected as a whole, once for its content, and the others are read.
        """
        position = Position(since)
        paths = self._list_paths()
        present = {path.name for path in paths}
        guarded = kind_of(self.spec.path) == "folder"
        for path in paths:
            chunks = (
                self._read_guarded(path, position, present) if guarded else self._read_file(path, position, present)
            )
            yield from chunks

    def _list_paths(self) -> list[Path]:
        path, kind = self.spec.path, kind_of(self.spec.path)
        where = f"[sources.{self.spec.name}] path"
        hint = f"correct {where} in trimtab.toml, or put the file there"
        if kind == "nothing":
            raise ConfigError(f"{where}: there is no file or folder {path}.", hint=hint)
        if kind == "other":
            raise ConfigError(f"{where}: {path} is neither a file nor a folder.", hint=hint)
        if kind == "file":
            return [path]
        try:
            return sorted(entry for entry in path.iterdir() if self._is_wanted(entry))
        except OSError as error:
            raise ConfigError(f"{where}: {path} cannot be listed: {error.strerror}.", hint=hint) from None

    def _is_wanted(self, entry: Path) -> bool:
        name = entry.name
        if name.startswith(".") or name.endswith(_UNFINISHED) or not fnmatch.fnmatchcase(name, self.spec.pattern):
            return False
        return entry.is_symlink() or kind_of(entry) != "folder"

    def _read_guarded(self, path: Path, position: Position, present: set[str]) -> Iterator[Chunk]:
        """Read one file of a folder; what makes it unreadable is told once and stops no other file."""
        reading = None
        try:
            _refuse_strange(path, self.spec.path)
            with open_plain(path.resolve()) as file:
                reading = self._look(file, path, position, present)
                yield from reading.read(self.spec) if reading else ()
        except Unsettled as error:
            yield Chunk(_NO_ROWS, position.as_json(), note=error.message)
        except DataError as error:
            if not os.path.lexists(path):  # taken away since the folder was listed
                return
            mark = reading.content.sha256 if reading else _outer_mark(path)
            yield from _reject(path.name, mark, " ".join([error.message, *map(str, error.mistakes)]), position)

    def _read_file(self, path: Path, position: Position, present: set[str]) -> Iterator[Chunk]:
        with open_plain(path.resolve()) as file:
            reading = self._look(file, path, position, present)
            yield from reading.read(self.spec) if reading else ()

    def _look(self, file: BinaryIO, path: Path, position: Position, present: set[str]) -> Reading | None:
        """Return what to read of an open file; None where its content was read before, whatever it was called."""
        stood = inode_of(path.resolve())
        size = os.fstat(file.fileno()).st_size
        _refuse_large(size, self.spec.max_bytes, path.name)
        entries = position.candidates(path.name, present)
        may_grow = self.spec.format == "csv" and size > 0 and not self._finished
        end = finished_size(file, size, self.spec.csv, path.name) if may_grow else None
        if end == 0:
            return None
        content = hash_content(file, (entry.bytes for entry in entries.values()), end)
        if content.sha256 in position.seen:
            return None
        continued = _find_beginning(entries, content)
        continues = (continued, entries[continued]) if continued else None
        return Reading(file, path.resolve(), path.name, stood, content, position, continues, path.name in entries)


def declare(
    path: Path, *, known: Iterable[SourceSpec] = (), form: Mapping[str, str] = MappingProxyType({})
) -> SourceSpec:
    """Return the `[sources.rows]` of one file: its format by content, a CSV file's form detected where not given.

    `form` holds delimiter, encoding or quote. Where a file does not tell its form for certain, that of the first
    `known` source of CSV files is taken. Raises UsageError where there is no such file, DataError where it is neither
    CSV nor Parquet for certain.
    """
    with open_plain(existing(path).resolve()) as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        return SourceSpec("rows", "files", path, format="parquet")
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise DataError(f"{path.name} is called Parquet, but its content is not.", hint="write it again, or rename it")
    try:
        found = detect_csv(path, **form)
    except UnclearForm:
        pinned = [one.csv for one in known if one.is_text]
        if not pinned:
            raise
        found = pinned[0]
    return SourceSpec("rows", "files", path, csv=found)


def read_head(path: Path, rows: int, spec: SourceSpec | None = None) -> pl.DataFrame:
    """Return the first rows of a file: all text for CSV, typed for Parquet, without trimtab's own columns.

    It is read as `spec` says, or as `declare` finds. Raises UsageError and DataError as `declare` does; DataError where
    there is no row, or fewer rows than bad lines.
    """
    spec = spec or declare(path)
    path = path.resolve()
    frame = _parquet_head(path, rows) if spec.format == "parquet" else _csv_head(path, spec.csv, rows)
    if not frame.height:
        raise DataError(f"{path.name} has a header and no rows.", hint="name a file with rows")
    return frame


def _parquet_head(path: Path, rows: int) -> pl.DataFrame:
    schema = read_schema(path, path.name)
    frames = [pl.DataFrame(schema=schema)]
    for frame in read_frames(path, schema, 0):
        frames.append(frame)
        if sum(one.height for one in frames) >= rows:
            break
    return pl.concat(frames).head(rows)


def _csv_head(path: Path, form: CsvForm, rows: int) -> pl.DataFrame:
    with open_plain(path) as file:
        head = file.read(HEAD)
        header = read_header(head, form, path.name)
        cursor = Cursor(header.size, header.lines)
        frames = [pl.DataFrame(schema=dict.fromkeys(header.names, pl.String))]
        bad = 0
        for portion in read_portions(file, os.fstat(file.fileno()).st_size, header, form, cursor):
            frames.append(portion.frame)
            bad += len(portion.bad)
            if cursor.rows >= rows:
                break
    if bad > cursor.rows:
        raise UnclearForm(f"{path.name}: {bad:,} of the first {bad + cursor.rows:,} lines cannot be read.")
    return pl.concat(frames).head(rows)


def _find_beginning(entries: Mapping[str, Entry], content: Content) -> str:
    for name, entry in entries.items():
        mark = content.marks.get(entry.bytes)
        if mark is not None and mark.hexdigest() == entry.sha256:
            return name
    return ""


def _refuse_large(size: int, limit: int, name: str) -> None:
    if size > limit:
        hint = "split it, or raise max_bytes of this source in trimtab.toml"
        raise DataError(f"{name} holds {size:,} bytes; max_bytes is {limit:,}.", hint=hint)


def _refuse_strange(path: Path, folder: Path) -> None:
    target = path.resolve()
    if not target.is_relative_to(folder.resolve()):
        raise DataError(f"{path.name} is a link that leaves the folder.", hint="put the file itself there")
    if kind_of(target) != "file":
        raise DataError(f"{path.name} is no regular file.", hint="put a file there")


def _outer_mark(path: Path) -> str:
    """Return what a file that could not be opened or was too large is remembered by."""
    found = path.lstat()
    return fingerprint([path.name, str(path.resolve()), found.st_mode, found.st_size, found.st_mtime_ns], 64)


def _reject(name: str, mark: str, reason: str, position: Position) -> Iterator[Chunk]:
    if mark in position.seen:
        return
    position.finish(mark)
    rejected = Rejected(f"{mark[:12]}:0", name, reason)
    yield Chunk(_NO_ROWS, position.as_json(), (rejected,), f"{name} is rejected as a whole: {reason}")
