"""Acknowledged Predictions and Outcomes that are not in the lake yet: one folder per serving worker.

A record is acknowledged when the future that `put` returned is resolved, which happens after the commit that holds it
was synced to the disk. One thread collects everything that waits, commits it once, and resolves the futures: the busier
the worker, the larger the groups.

    spool/<worker>/lock           held by the living worker; the kernel lets go when it dies
                   numbering      incarnation of this folder and the last segment number that was used
                   NUMBER-INCARNATION.open, .segment
                   seal           the loop asks for what is there; the worker removes the file when it has sealed
"""

import re
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from os import close as close_descriptor
from os import getpid
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from uuid import uuid4

from trimtab import clock
from trimtab.errors import Busy, SpoolFull, StoreError, UsageError
from trimtab.store.files import make_folder, write_whole
from trimtab.store.locks import hold, is_held, take
from trimtab.store.segment import (
    DAMAGED,
    OPEN,
    SEALED,
    Draft,
    Record,
    Segment,
    list_sealed,
    look_up,
    measure,
    seal_leftovers,
)

__all__ = ["Record", "Segment", "Spool", "ask_to_seal", "find_spooled", "segments"]

_GROUP = 1000  # puts in one commit
_LOOK = 0.1  # seconds between two looks at the seal file
_PATIENCE = 2.0  # seconds that the loop may need to seal what a killed predecessor left
_LOOK_AT_DISK = "free disk space, or see to the disk and its permissions"
_WORKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

_Job = tuple[Sequence[Record], "Future[None]"]


class Spool:
    """The spool of one living worker. `put` may be called from any thread; the order of one caller's puts is kept.

    A segment is sealed when it holds `segment_bytes` or is `segment_seconds` old, and when the loop asks. Within one
    segment the same (kind, id) is kept once, the first body.

    Raises:
        Busy: another living process spools into this worker's folder.
        StoreError: the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        *,
        synchronous: str = "FULL",
        segment_bytes: int = 16_000_000,
        segment_seconds: float = 600.0,
    ) -> None:
        if not _WORKER.fullmatch(worker):
            raise UsageError(f"'{worker}' cannot name a worker.", hint="use letters, digits, '-', '_' and '.'")
        self.folder = folder / worker
        self._synchronous, self._segment_bytes, self._segment_seconds = synchronous, segment_bytes, segment_seconds
        self._lock_file = self._claim()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = Lock()  # nothing is queued behind the last job
        self._closed = False
        self._draft: Draft | None = None
        self._left_over = not seal_leftovers(self.folder)
        self._sizes: dict[str, tuple[int, float]] = {}
        self._numbering = _read_numbering(self.folder)
        self._thread = Thread(target=self._run, name=f"spool-{worker}", daemon=True)
        self._thread.start()

    def _claim(self) -> int:
        try:
            make_folder(self.folder)
            return take(self.folder / "lock", f"the spool of worker {self.folder.name}", patience=_PATIENCE)
        except OSError as error:
            raise StoreError(f"the spool {self.folder} cannot be used: {error}.", hint=_LOOK_AT_DISK) from error

    def put(self, records: Sequence[Record]) -> "Future[None]":
        """Return a future that is resolved when all these records survive a power cut.

        Raises:
            SpoolFull: through the future: the disk is full or broken, or the spool is closed; none of them was kept.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # a caller that stops waiting must not cancel what is being written
        with self._gate:
            if not self._closed:
                self._queue.put((records, future))
                return future
        future.set_exception(SpoolFull(f"the spool {self.folder} is closed.", hint="the worker is shutting down"))
        return future

    @property
    def holder(self) -> str:
        """This worker in its present life: `is_living` tells others whether it still goes on."""
        return f"{self.folder.name}:{getpid()}"

    def find(self, kind: str, id: str) -> bytes | None:  # noqa: A002 (the nouns call it id, too)
        """Return the body of an acknowledged record of this worker that was not dropped yet, or None."""
        return _find_in(self.folder, kind, id)

    def depth(self) -> tuple[int, float]:
        """Return how many acknowledged records wait for the lake, and how many seconds the oldest has waited."""
        self._sizes = {path.name: self._size(path) for path in self.folder.glob(f"*{SEALED}")}
        draft = self._draft
        growing = [(draft.records, draft.first_at)] if draft is not None else []
        waiting = [size for size in (*self._sizes.values(), *growing) if size[0]]
        oldest = min((first for _, first in waiting), default=None)
        age = 0.0 if oldest is None else max(0.0, clock.now().timestamp() - oldest)
        return sum(count for count, _ in waiting), age

    def close(self) -> None:
        """Commit what was put, seal it, and let go of the folder. A second call does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        close_descriptor(self._lock_file)

    def _size(self, path: Path) -> tuple[int, float]:
        with suppress(sqlite3.Error):  # dropped a moment ago
            return self._sizes.get(path.name) or measure(path)
        return 0, 0.0

    # --- the writer thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        going = True
        while going:
            jobs, going = self._collect()
            if jobs:
                self._commit(jobs)
            if not going or self._is_full():
                self._finish_draft()
            self._answer_asker()

    def _collect(self) -> tuple[list[_Job], bool]:
        """Return all jobs that wait now, at least one unless there is none for a while, and whether more may come."""
        jobs: list[_Job] = []
        with suppress(Empty):
            job = self._queue.get(timeout=_LOOK)
            while job is not None:
                jobs.append(job)
                if len(jobs) == _GROUP:
                    break
                job = self._queue.get_nowait()
            else:
                return jobs, False
        return jobs, True

    def _commit(self, jobs: list[_Job]) -> None:
        """Write all jobs in one commit, then resolve their futures; if one spoils the group, each goes alone."""
        try:
            self._write([record for records, _ in jobs for record in records])
        except (sqlite3.OperationalError, OSError) as error:
            self._give_up(error)
            _refuse(jobs, error, self.folder)
        except Exception as error:  # noqa: BLE001 (whatever a record is made of, this thread must go on)
            if len(jobs) == 1:
                _refuse(jobs, error, self.folder)
                return
            for job in jobs:
                self._commit([job])
        else:
            for _, future in jobs:
                future.set_result(None)

    def _write(self, records: Sequence[Record]) -> None:
        if self._draft is None:
            self._draft = self._new_draft()
        self._draft.write(records)

    def _new_draft(self) -> Draft:
        incarnation, last = self._numbering
        # Written first: a number that was used and forgotten would make the lake take new records for old ones.
        write_whole(self.folder / "numbering", f"{incarnation} {last + 1}\n")
        self._numbering = (incarnation, last + 1)
        return Draft(self.folder / f"{last + 1:010d}-{incarnation}{OPEN}", self._synchronous)

    def _give_up(self, error: Exception) -> None:
        """Go on with a new file, except where the disk is just full: after a failed sync this one cannot be trusted."""
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
            self._finish_draft()

    def _is_full(self) -> bool:
        draft = self._draft
        if draft is None or not draft.records:
            return False
        age = clock.now().timestamp() - draft.first_at
        return draft.bytes >= self._segment_bytes or age >= self._segment_seconds

    def _finish_draft(self) -> None:
        if self._draft is not None:
            with suppress(sqlite3.Error):
                self._draft.close()
            self._draft = None
            self._left_over = True
        if self._left_over:
            self._left_over = not seal_leftovers(self.folder)

    def _answer_asker(self) -> None:
        asked = self.folder / "seal"
        if not asked.exists():
            return
        self._finish_draft()
        if not self._left_over:
            with suppress(OSError):
                asked.unlink(missing_ok=True)


def segments(folder: Path) -> list[Segment]:
    """Return all sealed segments under a spool folder, by worker and number, those of dead workers sealed first."""
    found: list[Segment] = []
    for worker in _workers(folder):
        with suppress(Busy), hold(worker / "lock", f"the spool of worker {worker.name}"):
            seal_leftovers(worker)
        found.extend(list_sealed(worker))
    return found


def ask_to_seal(folder: Path, seconds: float) -> None:
    """Wait until every living worker has sealed what it had acknowledged when this was called, `seconds` at most.

    What could not be sealed in time is simply not among `segments` yet.
    """
    asked = [worker for worker in _workers(folder) if is_held(worker / "lock")]
    for worker in asked:
        (worker / "seal").touch()
    deadline = clock.monotonic_ns() + int(seconds * 1e9)
    while asked and clock.monotonic_ns() < deadline:
        clock.sleep(_LOOK / 10)
        asked = [worker for worker in asked if (worker / "seal").exists() and is_held(worker / "lock")]


def find_spooled(folder: Path, kind: str, id: str) -> bytes | None:  # noqa: A002 (the nouns call it id, too)
    """Return the body of an acknowledged record of any worker that was not dropped yet, or None; nothing is changed."""
    for worker in _workers(folder):
        body = _find_in(worker, kind, id)
        if body is not None:
            return body
    return None


def is_living(folder: Path, holder: str) -> bool:
    """Return whether the worker that a `Spool.holder` names is still the same living process."""
    worker, _, process = holder.rpartition(":")
    lock = folder / worker / "lock"
    return is_held(lock) and lock.read_text(errors="replace") == process


def count_spooled(folder: Path) -> int:
    """Return how many acknowledged records of all workers wait for the lake; nothing is changed."""
    count = 0
    for path in (
        path for worker in _workers(folder) for path in (*worker.glob(f"*{OPEN}"), *worker.glob(f"*{SEALED}"))
    ):
        with suppress(sqlite3.Error):  # renamed, dropped, or still empty
            count += measure(path)[0]
    return count


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Return the files of all workers that could not be read and were put aside, by their paths under the folder."""
    return tuple(str(path.relative_to(folder)) for worker in _workers(folder) for path in worker.glob(f"*{DAMAGED}*"))


def _workers(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(worker for worker in folder.iterdir() if (worker / "lock").exists())


def _find_in(worker: Path, kind: str, id: str) -> bytes | None:  # noqa: A002 (as above)
    # Open files first: one that is sealed meanwhile is met again among the sealed ones.
    for suffix in (OPEN, SEALED):
        for path in sorted(worker.glob(f"*{suffix}"), reverse=True):
            with suppress(sqlite3.Error):  # renamed or dropped between the list and the look, still empty, or damaged
                body = look_up(path, kind, id)
                if body is not None:
                    return body
    return None


def _read_numbering(worker: Path) -> tuple[str, int]:
    with suppress(OSError, ValueError):
        incarnation, last = (worker / "numbering").read_text(encoding="utf-8").split()
        return incarnation, int(last)
    return uuid4().hex[:12], 0


def _refuse(jobs: list[_Job], error: Exception, folder: Path) -> None:
    for _, future in jobs:
        refusal = SpoolFull(
            f"the record cannot be kept in {folder}: {error}.",
            hint="free disk space, or see to the disk and its permissions",
        )
        refusal.__cause__ = error
        future.set_exception(refusal)
