"""Locks that a killed process cannot keep: `flock` on a file, which the kernel lets go of with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trimtab import clock
from trimtab.errors import Busy

_PAUSE = 0.02


@contextmanager
def hold(path: Path, what: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock on `path` while the block runs.

    `what` names the thing in the message; `patience` is how many seconds to try before giving up. Two holders in one
    process exclude each other as two processes do. The file stays behind: a lock on an unlinked file protects nothing.

    Raises:
        Busy: another process, named by its id, holds the lock.
    """
    descriptor = take(path, what, patience=patience)
    try:
        yield
    finally:
        os.close(descriptor)


def take(path: Path, what: str, *, patience: float = 0.0) -> int:
    """Return the descriptor that holds the lock on `path`; closing it lets go. `hold` is the same as a block.

    Raises:
        Busy: another process, named by its id, holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait(descriptor, path, what, patience)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock on `path`."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            return not _try(descriptor)
        finally:
            os.close(descriptor)
    return False


def _wait(descriptor: int, path: Path, what: str, patience: float) -> None:
    deadline = clock.monotonic_ns() + int(patience * 1e9)
    while not _try(descriptor):
        if clock.monotonic_ns() >= deadline:
            raise Busy(
                f"{what} is in use by process {_owner(path)} (lock {path}).",
                hint="wait until that process is done, or stop it; a lock never outlives its process",
            )
        clock.sleep(_PAUSE)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(path: Path) -> str:
    return path.read_text(errors="replace").strip()[:20] or "unknown"
