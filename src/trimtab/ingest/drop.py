"""Where files are dropped: one file, or a folder of them, on this machine; what is in it, ready to be opened."""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from trimtab import clock
from trimtab.errors import ConfigError, DataError
from trimtab.ingest.paths import kind_of, open_plain, refuse_large
from trimtab.nouns import SourceSpec, fingerprint

_UNFINISHED = (".tmp", ".part", ".crdownload", "~")


class Item(Protocol):
    """One file of a drop. Its `stamp` changes with its content; empty where only reading tells."""

    @property
    def name(self) -> str:
        """Its name in the drop."""
        ...

    @property
    def stamp(self) -> str:
        """What tells without reading that it is as it was, or an empty string."""
        ...

    def open(self, max_bytes: int) -> AbstractContextManager[tuple[BinaryIO, Path]]:
        """Open it for reading; DataError where it is too large or no file."""
        ...

    def is_there(self) -> bool:
        """Whether it still stands where it was listed."""
        ...

    def outer_mark(self) -> str:
        """Return what it is remembered by where it cannot be opened."""
        ...


@dataclass(frozen=True, slots=True)
class Drop:
    """The files of a source in the order of their names. In a folder, a bad one stops no other."""

    items: Sequence[Item]
    is_folder: bool
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LocalItem:
    """A file on this machine; `folder` is the one it may not leave by a link."""

    path: Path
    folder: Path | None = None
    stamp: str = ""  # size and time are no proof of sameness; here a file is cheap to hash

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self.path.name

    @contextmanager
    def open(self, max_bytes: int) -> Iterator[tuple[BinaryIO, Path]]:
        """Open the file itself: a link out of the folder, a pipe or a device is refused."""
        path = self.path.resolve()
        if self.folder and not path.is_relative_to(self.folder.resolve()):
            raise DataError(f"{self.name} is a link that leaves the folder.", hint="put the file itself there")
        if self.folder and kind_of(path) != "file":
            raise DataError(f"{self.name} is no regular file.", hint="put a file there")
        with open_plain(path) as file:
            refuse_large(os.fstat(file.fileno()).st_size, max_bytes, self.name)
            yield file, path

    def is_there(self) -> bool:
        """Whether anything of this name is there."""
        return os.path.lexists(self.path)

    def outer_mark(self) -> str:
        """Return a mark of name, target, size and time."""
        found = self.path.lstat()
        return fingerprint([self.name, str(self.path.resolve()), found.st_mode, found.st_size, found.st_mtime_ns], 64)


def list_folder(spec: SourceSpec, *, finished: bool) -> Drop:
    """Return the files at a source's path. One that changed less than `settle` ago waits, unless files are `finished`.

    Raises ConfigError where there is neither a file nor a folder.
    """
    path, kind = spec.path, kind_of(spec.path)
    where = f"[sources.{spec.name}] path"
    hint = f"correct {where} in trimtab.toml, or put the file there"
    if kind == "nothing":
        raise ConfigError(f"{where}: there is no file or folder {path}.", hint=hint)
    if kind == "other":
        raise ConfigError(f"{where}: {path} is neither a file nor a folder.", hint=hint)
    try:
        found = [LocalItem(path)] if kind == "file" else _entries(spec)
    except OSError as error:
        raise ConfigError(f"{where}: {path} cannot be listed: {error.strerror}.", hint=hint) from None
    fresh = [] if finished or not spec.settle else [item for item in found if _is_fresh(item.path, spec.settle)]
    notes = [f"{item.name} changed less than {spec.settle.total_seconds():g} s ago and is waited for" for item in fresh]
    return Drop([item for item in found if item not in fresh], kind == "folder", notes)


def is_wanted(name: str, pattern: str) -> bool:
    """Whether a name fits the pattern and is neither hidden nor that of a file somebody is still writing."""
    return not name.startswith(".") and not name.endswith(_UNFINISHED) and fnmatch.fnmatchcase(name, pattern)


def _entries(spec: SourceSpec) -> list[LocalItem]:
    wanted = (entry for entry in spec.path.iterdir() if is_wanted(entry.name, spec.pattern))
    return [LocalItem(entry, spec.path) for entry in sorted(wanted) if entry.is_symlink() or kind_of(entry) != "folder"]


def _is_fresh(path: Path, settle: timedelta) -> bool:
    """Whether a file was written so short a time ago; a time in the future, beyond that, is a clock that is wrong."""
    try:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return False
    return abs(clock.now() - written) < settle
