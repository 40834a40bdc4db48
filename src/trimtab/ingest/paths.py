"""Files and folders of strangers: looked at before they are opened, and opened so that nothing is waited for."""

import os
import stat
from pathlib import Path
from typing import BinaryIO, Literal

from trimtab.errors import DataError, UsageError, nearest

Kind = Literal["file", "folder", "other", "nothing"]


def kind_of(path: Path) -> Kind:
    """Return what stands at a path, links followed; "nothing" too where one may not look."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return "nothing"
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def existing(path: Path) -> Path:
    """Return the path of a file that is there and is a file; UsageError otherwise."""
    kind = kind_of(path)
    if kind == "folder":
        raise UsageError(f"{path} is a folder, not a file.", hint="name one file in it")
    if kind != "file":
        hint = "check the path; it is relative to where you stand"
        raise UsageError(f"there is no file {path}{_nearest_file(path)}", hint=hint)
    return path


def _nearest_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except (OSError, ValueError):
        return f" (nor a folder {path.parent})."
    return nearest(path.name, names) or "."


def open_plain(path: Path) -> BinaryIO:
    """Return an open file; a link put in its place is refused, and a pipe is never waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        what = f"{path.name} cannot be opened: {error.strerror}."
        raise DataError(what, hint="check the file and its rights") from None
    return os.fdopen(handle, "rb")


def inode_of(path: Path) -> tuple[int, int, int] | None:
    """Return which file stands at a path, its size and when it was written; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def refuse_large(size: int, limit: int, name: str) -> None:
    """Raise DataError where a file is larger than `max_bytes` allows."""
    if size > limit:
        hint = "split it, or raise max_bytes of this source in trimtab.toml"
        raise DataError(f"{name} holds {size:,} bytes; max_bytes is {limit:,}.", hint=hint)
