"""The file that holds a person's record: opened, made, and mended where it is damaged.

One SQLite file, `path.sqlite`, with two tables: `event` (only added to) and `setting`. Format 1 stands in SQLite's
`user_version`. To raise it: add a step to `_prepare` that turns format 1 into 2 in one transaction, and raise FORMAT.
A file that cannot be read is never deleted: it is renamed beside the new one, and what can still be read is taken over.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from trimtab.errors import Busy, HostError, StoreError

NAME = "path.sqlite"
FORMAT = 1
PATIENCE = 5.0  # seconds that another command of the same person may hold the file
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
SCHEMA = (
    (
        "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL,"
        " body BLOB NOT NULL) STRICT"
    ),
    "CREATE TABLE setting (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT",
    f"PRAGMA user_version = {FORMAT}",
)


class Damaged(StoreError):
    """The file is there, but it does not hold a record that can be read as a whole."""


@contextmanager
def speak(file: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection; what was written is committed at the end, or undone where something was raised.

    Raises Damaged where the content is broken, Busy where another process holds the file too long, and HostError where
    the disk or the permissions say no.
    """
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection, connection:
            yield connection
    except sqlite3.Error as error:
        raise _translate(error, file) from error


def make(file: Path) -> None:
    """Make an empty record, whole or not at all; harmless where another process was quicker."""
    fresh = file.with_name(f"{file.name}.new-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with speak(fresh) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
    try:
        os.link(fresh, file)
    except FileExistsError:
        return
    finally:
        fresh.unlink()


def prove(file: Path) -> None:
    """Return quietly where the file is a sound record; else raise Damaged, or HostError for a later format."""
    if file.stat().st_size == 0:
        raise Damaged("it is empty")
    with speak(file) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > FORMAT:
            raise HostError(
                f"{file} was written by a newer trimtab (format {found}; this one reads {FORMAT}).",
                hint="install the newer trimtab again; the file was left as it is",
            )
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok" or found < FORMAT:
            raise Damaged(verdict)
        connection.execute("SELECT number, at, kind, body FROM event LIMIT 1")
        connection.execute("SELECT name, body FROM setting LIMIT 1")


def set_aside(file: Path, now: datetime) -> Path:
    """Rename a damaged file, with its journal if it has one, and return where it lies now."""
    stem = f"{file.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
    names = (file.with_name(f"{stem}-{count}" if count else stem) for count in range(1000))
    aside = next(name for name in names if not name.exists())
    for suffix in ("-journal", "-wal", "-shm"):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return file.rename(aside)


def salvage(damaged: Path, table: str, columns: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a damaged file's table, one by one, as far as they can be read."""
    uri = f"{damaged.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as connection:
            yield from connection.execute(f"SELECT {columns} FROM {table} ORDER BY rowid")
    except sqlite3.Error:
        return


def _translate(error: sqlite3.Error, file: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"{file} is held by another command.", hint="wait for it to finish, then repeat this one")
    if code in DAMAGE:
        return Damaged(str(error))
    return HostError(
        f"{file} cannot be used: {error}.",
        hint="make its folder writable, or name another one in TRIMTAB_PATH_HOME",
    )
