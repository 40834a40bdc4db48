"""One file of the spool: a small SQLite database that is written by one worker, sealed once, and then only read.

While it grows it is called `NUMBER-INCARNATION.open` and is in WAL mode. Sealing moves all its records into the one
main file and renames that to `NUMBER-INCARNATION.segment`; from then on nobody writes it, and it is removed as a whole
when its records are in the lake. (Deleting rows instead starves a busy writer.) Format 1; another gets another suffix.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trimtab import clock
from trimtab.errors import StoreError
from trimtab.store.files import sync

Record = tuple[str, str, bytes]
"""Kind ("prediction" or "outcome"), id, and the body in JSON."""

OPEN, SEALED, DAMAGED = ".open", ".segment", ".damaged"

_TOGETHER = 64
"""Records of one statement: few enough that the statements of all sizes stay compiled."""

_MAGIC = b"SQLite format 3\x00"

_TABLE = """
create table record (
    seq integer primary key, kind text not null, id text not null, body blob not null, at real not null,
    unique (kind, id)
)"""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A sealed file: its records were acknowledged, and no more will come.

    `app` and `number` are its transaction id in the lake: numbers go up for ever within an app, and none is used twice.
    """

    app: str
    number: int
    path: Path

    def records(self) -> Iterator[Record]:
        """Return the records in the order in which they were acknowledged.

        Raises:
            StoreError: the file is gone or damaged.
        """
        try:
            with closing(_connect_sealed(self.path)) as connection:
                yield from connection.execute("select kind, id, body from record order by seq")
        except sqlite3.Error as error:
            raise StoreError(
                f"the spool file {self.path} cannot be read: {error}.",
                hint=f"rename it to {self.path.with_suffix(DAMAGED).name}, so that the others go on, and keep it",
            ) from error

    def drop(self) -> None:
        """Remove the file; say so only when its records are durable in the lake. Repeating it is harmless."""
        self.path.unlink(missing_ok=True)


def name_segment(path: Path) -> Segment:
    """Return the Segment that a file's name and its worker's folder speak of."""
    number, _, incarnation = path.stem.partition("-")
    return Segment(app=f"spool/{path.parent.name}/{incarnation}", number=int(number), path=path)


def list_sealed(worker: Path) -> list[Segment]:
    """Return the sealed segments in a worker's folder, oldest first."""
    return sorted(name_segment(path) for path in worker.glob(f"*{SEALED}"))


class Draft:
    """The one segment that a worker is writing. Used by one thread, except for `path`."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self.path = path
        self.records = 0
        self.bytes = 0
        self.first_at = 0.0
        self._connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute(f"pragma synchronous = {synchronous}")
            self._connection.execute(_TABLE)
            sync(path.parent)
        except BaseException:
            self._connection.close()
            _remove(path)
            raise

    def write(self, records: Sequence[Record]) -> None:
        """Commit records together: when this returns they survive a power cut, and when it raises none was kept."""
        at = clock.now().timestamp()
        if 0 < len(records) <= _TOGETHER:
            self._insert(records, at)
        else:
            self._insert_many(records, at)
        self.first_at = self.first_at or at
        self.records += len(records)
        self.bytes += sum(len(body) for _, _, body in records)

    def _insert(self, records: Sequence[Record], at: float) -> None:
        """Insert records by one statement, and so commit them where no transaction is open.

        Each statement lets go of the interpreter, and in a busy worker the event loop then keeps it for a while.
        """
        values = ", ".join(["(?, ?, ?, ?)"] * len(records))
        self._connection.execute(
            f"insert or ignore into record (kind, id, body, at) values {values}",
            [part for kind, id_, body in records for part in (kind, id_, body, at)],
        )

    def _insert_many(self, records: Sequence[Record], at: float) -> None:
        self._connection.execute("begin immediate")
        try:
            for start in range(0, len(records), _TOGETHER):
                self._insert(records[start : start + _TOGETHER], at)
            self._connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise

    def close(self) -> None:
        """Close the file as it is; `seal` makes a segment of it."""
        self._connection.close()


def seal(path: Path) -> Path | None:
    """Return the sealed segment that an `.open` file became; None where it held nothing, or was no database at all.

    What is no database is kept beside it as `.damaged`, for a person. Nobody may be writing the file.

    Raises:
        sqlite3.OperationalError, OSError: not now, because somebody reads it or the disk is full; try again later.
    """
    try:
        records = _checkpoint(path) if _is_database(path) else None
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        records = None
    if records is None:
        _set_aside(path)
        return None
    if records == 0:
        _remove(path)
        return None
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync(path)
    sealed = path.rename(path.with_suffix(SEALED))
    sync(path.parent)
    return sealed


def seal_leftovers(worker: Path) -> bool:
    """Seal every `.open` file of a worker that is not writing; return whether none is left over."""
    for path in sorted(worker.glob(f"*{OPEN}")):
        with suppress(sqlite3.OperationalError, OSError):
            seal(path)
    for stray in worker.glob(f"*{OPEN}-*"):  # left by a reader that came while its file was sealed
        if not stray.with_name(stray.name.rpartition("-")[0]).exists():
            stray.unlink(missing_ok=True)
    return not any(worker.glob(f"*{OPEN}"))


def measure(path: Path) -> tuple[int, float]:
    """Return how many records a segment holds, and when the first was committed (seconds since 1970)."""
    connection = _connect_sealed(path) if path.suffix == SEALED else _connect_open(path)
    with closing(connection):
        count, first = connection.execute("select count(*), min(at) from record").fetchone()
    return int(count), float(first or 0.0)


def look_up(path: Path, kind: str, id: str) -> bytes | None:  # noqa: A002 (the nouns call it id, too)
    """Return the body of one record of an open or sealed segment, or None; the file is not changed."""
    connection = _connect_sealed(path) if path.suffix == SEALED else _connect_open(path)
    with closing(connection):
        row = connection.execute("select body from record where kind = ? and id = ?", (kind, id)).fetchone()
    return None if row is None else bytes(row[0])


def _connect_sealed(path: Path) -> sqlite3.Connection:
    # `immutable` is true of a sealed file, and spares every lock and side file.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
    )


def _connect_open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5, isolation_level=None)


def _checkpoint(path: Path) -> int:
    # Not patient: the thread that seals is the one that acknowledges, and it will be back.
    with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = full")
        busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        if busy:
            raise sqlite3.OperationalError("the segment is being read")
        made = connection.execute("select count(*) from sqlite_master where name = 'record'").fetchone()[0]
        return int(connection.execute("select count(*) from record").fetchone()[0]) if made else 0


def _is_database(path: Path) -> bool:
    """Look before SQLite does: it removes the log of a file that it cannot read, and the log may hold everything."""
    with path.open("rb") as file:
        beginning = file.read(len(_MAGIC))
    log = path.with_name(path.name + "-wal")
    return beginning == _MAGIC or (not beginning and not (log.exists() and log.stat().st_size))


def _set_aside(path: Path) -> None:
    """Rename a damaged file together with its log, which may hold acknowledged records."""
    for suffix in ("-wal", ""):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(path.with_name(path.with_suffix(DAMAGED).name + suffix))


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
