"""Which of the clients' own ids were answered, and with what: one SQLite file for all the workers of a folder.

A client that asks again under its id gets its first answer, byte for byte. The primary key is the referee between
requests that come at once, to one worker or to several. A claim is durable before its record goes into the spool, and
the reply leaves after both. So a claim without a record is of a request that is being answered now, or of one whose
worker died before it replied: `holder` tells which. Claims are kept for a day and then forgotten, a few at each commit.

The newest Outcome of each subject stands here as well, written after its record is in the spool: any worker can show
it, and tell a repeat from a correction, before the loop has moved it to the lake.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from trimtab import clock
from trimtab.errors import SpoolFull, StoreError
from trimtab.store.files import make_folder
from trimtab.store.sqlite import PATIENCE, use_wal

KEEP_SECONDS = 86_400.0
_GROUP = 500  # jobs in one commit
_FORGET = 4  # expired claims that go for each job
_TABLE = """
create table if not exists claim (
    client_id text primary key, question blob not null, prediction_id text not null, reply blob not null,
    holder text not null, at real not null
) without rowid;
create index if not exists claim_at on claim (at);
create index if not exists claim_prediction on claim (prediction_id);
create table if not exists outcome (subject text primary key, value text not null, at real not null) without rowid;
create index if not exists outcome_at on outcome (at);
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A client's id with the question asked under it, as a hash, and the reply that it gets."""

    client_id: str
    question: bytes
    prediction_id: str
    reply: bytes
    holder: str


_Work = Callable[[sqlite3.Connection], Any]
_Job = tuple[_Work, "Future[Any]"]


class Claims:
    """The claims in one file; opened, and its thread begun, by the first use. Any thread may call.

    All jobs that wait are written in one commit. A future raises SpoolFull where the disk does not take it.
    """

    def __init__(self, path: Path, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self.path = path
        self._keep_seconds = keep_seconds
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = Lock()
        self._thread: Thread | None = None
        self._connection: sqlite3.Connection | None = None

    def put(self, claims: Sequence[Claim]) -> "Future[list[Claim]]":
        """Return, once durable, the claim that stands for each id: this one, or an earlier one of the same id."""
        return self._hand_over(lambda connection: [self._insert(connection, claim) for claim in claims])

    def replace(self, stale: Claim, fresh: Claim) -> "Future[list[Claim]]":
        """Return, once durable, what stands instead of a claim whose worker died: `fresh`, or a faster one's."""

        def work(connection: sqlite3.Connection) -> list[Claim]:
            _delete(connection, [stale])
            return [self._insert(connection, fresh)]

        return self._hand_over(work)

    def release(self, claims: Sequence[Claim]) -> None:
        """Forget claims whose answers are not given."""
        self._hand_over(lambda connection: _delete(connection, claims))

    def note_outcomes(self, values: Sequence[tuple[str, str]]) -> "Future[None]":
        """Remember, durably, the newest Outcomes by subject."""
        rows = [(subject, value, clock.now().timestamp()) for subject, value in values]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("insert or replace into outcome values (?, ?, ?)", rows)

        return self._hand_over(work)

    def forget_outcomes(self, subjects: Iterable[str], before: float) -> None:
        """Forget Outcomes noted until a moment: newer ones came by another way, and the index has them."""
        wanted = [(subject, before) for subject in subjects]
        if not wanted or not self.path.exists():
            return

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("delete from outcome where subject = ? and at <= ?", wanted)

        self._hand_over(work).result()

    def find_outcomes(self, subjects: Iterable[str]) -> "Future[dict[str, str]]":
        """Return the newest values by subject, of those that are known."""
        wanted = list(subjects)
        if not self.path.exists():
            nothing: Future[dict[str, str]] = Future()
            nothing.set_result({})
            return nothing

        def work(connection: sqlite3.Connection) -> dict[str, str]:
            query = "select subject, value from outcome where subject = ?"
            found = (connection.execute(query, (subject,)).fetchone() for subject in wanted)
            return dict(row for row in found if row is not None)

        return self._hand_over(work)

    def subjects(self) -> list[str]:
        """Return the subjects of all Outcomes."""
        if not self.path.exists():
            return []

        def work(connection: sqlite3.Connection) -> list[str]:
            return [str(row[0]) for row in connection.execute("select subject from outcome")]

        found: list[str] = self._hand_over(work).result()
        return found

    def remove(self, predictions: Iterable[str], subjects: Iterable[str] = ()) -> None:
        """Forget some Predictions and subjects for good: no page of the file, nor of its log, holds them any more."""
        if not self.path.exists():
            return
        try:
            with closing(_connect(self.path)) as connection:
                connection.execute("pragma secure_delete = on")
                connection.execute("begin immediate")
                connection.executemany("delete from claim where prediction_id = ?", ((one,) for one in predictions))
                connection.executemany("delete from outcome where subject = ?", ((one,) for one in subjects))
                connection.execute("commit")
                connection.execute("vacuum")
                busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
            if busy:
                raise sqlite3.OperationalError("somebody reads it, so its log cannot be emptied")
        except sqlite3.Error as error:
            raise StoreError(f"the claims {self.path} cannot be changed: {error}.", hint="try again") from error

    def close(self) -> None:
        """Finish what waits and close the file."""
        with self._gate:
            thread, self._thread = self._thread, None
            self._queue.put(None)
        if thread is not None:
            thread.join()

    def _hand_over(self, work: _Work) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # who stops waiting must not cancel what is being written
        with self._gate:
            if self._thread is None:
                self._queue = SimpleQueue()
                self._thread = Thread(target=self._run, args=(self._queue,), name="claims", daemon=True)
                self._thread.start()
            self._queue.put((work, future))
        return future

    # --- the writer thread --------------------------------------------------------------------------------------------

    def _run(self, queue: "SimpleQueue[_Job | None]") -> None:
        job = queue.get()
        while job is not None:
            jobs = [job]
            with suppress(Empty):
                while len(jobs) < _GROUP and (job := queue.get_nowait()) is not None:
                    jobs.append(job)
            self._commit(jobs)
            job = None if job is None else queue.get()
        self._close()

    def _commit(self, jobs: Sequence[_Job]) -> None:
        try:
            results = self._write(jobs)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one group, this thread must go on
            self._close()
            for _, future in jobs:
                future.set_exception(_refusal(self.path, error))
        else:
            for (_, future), result in zip(jobs, results, strict=True):
                future.set_result(result)

    def _write(self, jobs: Sequence[_Job]) -> list[Any]:
        if self._connection is None:
            make_folder(self.path.parent)
            self._connection = _connect(self.path)
        connection = self._connection
        connection.execute("begin immediate")
        try:
            results = [work(connection) for work, _ in jobs]
            for table, key in (("claim", "client_id"), ("outcome", "subject")):
                connection.execute(
                    f"delete from {table} where {key} in (select {key} from {table} where at < ? limit ?)",
                    (clock.now().timestamp() - self._keep_seconds, _FORGET * len(jobs)),
                )
            connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("rollback")
            raise
        return results

    def _insert(self, connection: sqlite3.Connection, claim: Claim) -> Claim:
        at = clock.now().timestamp()
        expired = (claim.client_id, at - self._keep_seconds)
        connection.execute("delete from claim where client_id = ? and at < ?", expired)
        row = (claim.client_id, claim.question, claim.prediction_id, claim.reply, claim.holder, at)
        if connection.execute("insert or ignore into claim values (?, ?, ?, ?, ?, ?)", row).rowcount:
            return claim
        query = "select client_id, question, prediction_id, reply, holder from claim where client_id = ?"
        return Claim(*connection.execute(query, (claim.client_id,)).fetchone())

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _delete(connection: sqlite3.Connection, claims: Sequence[Claim]) -> None:
    connection.executemany(
        "delete from claim where client_id = ? and prediction_id = ?",
        ((claim.client_id, claim.prediction_id) for claim in claims),
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        use_wal(connection)
        connection.execute("pragma synchronous = full")
        connection.executescript(_TABLE)
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(path: Path, error: Exception) -> SpoolFull:
    refusal = SpoolFull(f"the claims {path} cannot be kept: {error}.", hint="free disk space, or see to the disk")
    refusal.__cause__ = error
    return refusal
