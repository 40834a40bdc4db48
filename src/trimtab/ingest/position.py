"""What a file source remembers: which contents it has read, and how far it is in each file."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from trimtab.ingest.items import Sort

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """How far one file was read: the SHA-256 of its first `bytes` bytes, and the rows and lines in them."""

    sha256: str
    bytes: int
    rows: int
    lines: int


class Position:
    """The position as it grows during one read; `as_json` is what is kept with the rows.

    `sorts`: the types of the columns of JSON lines; `stamps`: what a store listed of each object that was read.
    """

    def __init__(self, since: Mapping[str, Any] | None) -> None:
        kept = since or {}
        self.files = {name: Entry(**entry) for name, entry in kept.get("files", {}).items()}
        self.next_row = int(kept.get("next_row", 0))
        self.seen = list(kept.get("seen", ()))
        self.sorts: dict[str, Sort] = dict(kept.get("sorts", {}))
        self.stamps: dict[str, str] = dict(kept.get("stamps", {}))

    def as_json(self) -> dict[str, Any]:
        """Return a copy in plain JSON values; `sorts` and `stamps` only where there are any."""
        files = {name: asdict(entry) for name, entry in self.files.items()}
        more = {"sorts": dict(self.sorts), "stamps": dict(self.stamps)}
        there = {name: value for name, value in more.items() if value}
        return {"files": files, "next_row": self.next_row, "seen": list(self.seen), **there}

    def candidates(self, name: str, present: Iterable[str]) -> dict[str, Entry]:
        """Return the entries that `name` may be a continuation of: its own, and those of files that went away."""
        gone = self.files.keys() - set(present) - {name}
        names = ([name] if name in self.files else []) + sorted(gone)
        return {one: self.files[one] for one in names}

    def note_stamp(self, name: str, stamp: str) -> None:
        """Remember what a store says of an object that is done with, so that it need not be fetched again."""
        if stamp:
            self.stamps[name] = stamp

    def finish(self, sha256: str, before: str = "") -> None:
        """Remember a content as read wholly; a shorter state of the same file is forgotten."""
        self.seen = [*(one for one in self.seen if one not in {before, sha256}), sha256]


@dataclass(frozen=True, slots=True)
class Content:
    """A file's whole content by hash, and the running hash at each asked length."""

    sha256: str
    size: int
    marks: Mapping[int, "hashlib._Hash"]


def hash_content(file: BinaryIO, lengths: Iterable[int], end: int | None = None) -> Content:
    """Return the hash of an open file (its first `end` bytes), and on the way the hash of its first `lengths` bytes."""
    digest = hashlib.sha256()
    marks: dict[int, hashlib._Hash] = {}
    size = 0
    file.seek(0)
    for length in sorted({length for length in lengths if end is None or length <= end}):
        size += _feed(file, digest, length - size)
        if size < length:
            return Content(digest.hexdigest(), size, marks)
        marks[length] = digest.copy()
    size += _feed(file, digest, None if end is None else end - size)
    return Content(digest.hexdigest(), size, marks)


def _feed(file: BinaryIO, digest: "hashlib._Hash", length: int | None) -> int:
    done = 0
    while length is None or done < length:
        data = file.read(_BLOCK if length is None else min(_BLOCK, length - done))
        if not data:
            break
        digest.update(data)
        done += len(data)
    return done
