"""Which Predictions and Outcomes are in the lake already, so that a serving worker can tell without opening it."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from threading import Lock

from trimtab.errors import StoreError
from trimtab.store.files import make_folder
from trimtab.store.sqlite import PATIENCE, use_wal

_TABLES = """
create table if not exists prediction (id text primary key) without rowid;
create table if not exists batch (first text primary key, last text not null) without rowid;
create table if not exists outcome (subject text primary key, value text not null) without rowid;
"""


class Index:
    """Ids of logged Predictions (those of a batch as its first and last) and the newest Outcomes, in one SQLite file.

    A few writers, the loop before all; any number of readers. A subject is a prediction id, or "key:" and a row's key.
    An index that does not exist yet knows nothing. One object may be used by many threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()

    def add(
        self,
        predictions: Iterable[str] = (),
        outcomes: Iterable[tuple[str, str]] = (),
        batches: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Remember forwarded Predictions by id and Outcomes by (subject, value), durably; a repeat changes nothing.

        `batches` are the first and the last id of Predictions that were numbered without a gap (`clock.uuid7_stem`).
        """
        with self._lock:
            try:
                self._write(predictions, outcomes, batches)
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def knows_prediction(self, id: str) -> bool:  # noqa: A002 (the nouns call it id, too)
        """Return whether this Prediction was forwarded."""
        if self._find("select 1 from prediction where id = ?", id) is not None:
            return True
        return (self._find("select last from batch where first <= ? order by first desc limit 1", id) or "") >= id

    def last_outcome(self, subject: str) -> str | None:
        """Return the value of the newest forwarded Outcome of a subject, or None."""
        return self._find("select value from outcome where subject = ?", subject)

    def subjects(self) -> list[str]:
        """Return the subjects of all forwarded Outcomes."""
        with self._lock:
            try:
                if self._connection is None and not self._open():
                    return []
                assert self._connection is not None  # noqa: S101 (said to the type checker)
                return [str(row[0]) for row in self._connection.execute("select subject from outcome")]
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def remove(self, predictions: Iterable[str], subjects: Iterable[str]) -> None:
        """Forget some Predictions and subjects for good: no page of the file, nor of its log, names them any more."""
        with self._lock:
            try:
                if self.path.exists():
                    self._remove(predictions, subjects)
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _write(
        self,
        predictions: Iterable[str],
        outcomes: Iterable[tuple[str, str]],
        batches: Iterable[tuple[str, str]],
    ) -> None:
        make_folder(self.path.parent)
        # A connection for this call only: the one of the readers is read-only.
        with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as connection:
            use_wal(connection)
            connection.execute("pragma synchronous = full")
            connection.executescript(_TABLES)
            connection.execute("begin immediate")
            connection.executemany("insert or ignore into prediction values (?)", ((id_,) for id_ in predictions))
            connection.executemany("insert or replace into outcome values (?, ?)", outcomes)
            connection.executemany("insert or ignore into batch values (?, ?)", batches)
            connection.execute("commit")

    def _remove(self, predictions: Iterable[str], subjects: Iterable[str]) -> None:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            connection.executescript(_TABLES)
            connection.execute("begin immediate")
            for id_ in predictions:
                connection.execute("delete from prediction where id = ?", (id_,))
                _take_out(connection, id_)
            connection.executemany("delete from outcome where subject = ?", ((subject,) for subject in subjects))
            connection.execute("commit")
            connection.execute("vacuum")
            busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        if busy:
            raise sqlite3.OperationalError("somebody reads it, so its log cannot be emptied; try again")

    def _find(self, query: str, value: str) -> str | None:
        with self._lock:
            try:
                if self._connection is None and not self._open():
                    return None
                assert self._connection is not None  # noqa: S101 (said to the type checker)
                row = self._connection.execute(query, (value,)).fetchone()
            except sqlite3.Error as error:
                raise self._failed(error) from error
        return None if row is None else str(row[0])

    def _open(self) -> bool:
        if not self.path.exists():
            return False
        connection = sqlite3.connect(self.path, timeout=10, check_same_thread=False, isolation_level=None)
        connection.execute("pragma query_only = on")
        if (
            connection.execute("select count(*) from sqlite_master where name in ('outcome', 'batch')").fetchone()[0]
            < 2
        ):
            connection.close()  # the loop is about to make its tables
            return False
        self._connection = connection
        return True

    def _failed(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"the index {self.path} cannot be used: {error}.",
            hint="see to disk space and permissions; if the file is damaged, remove it: the loop writes a new one",
        )


def _take_out(connection: sqlite3.Connection, identifier: str) -> None:
    """Split the batch that holds an id into what comes before it and what comes behind it."""
    query = "select first, last from batch where first <= ? order by first desc limit 1"
    first, last = connection.execute(query, (identifier,)).fetchone() or ("", "")
    if not first <= identifier <= last:
        return
    connection.execute("delete from batch where first = ?", (first,))
    parts = [(first, _neighbour(identifier, -1))] if first < identifier else []
    parts += [(_neighbour(identifier, 1), last)] if identifier < last else []
    connection.executemany("insert into batch values (?, ?)", parts)


def _neighbour(identifier: str, step: int) -> str:
    """Return the id so many numbers behind another one of its batch."""
    return f"{identifier[:-6]}{int(identifier[-6:], 16) + step:06x}"
