"""One SQLite file through SQLAlchemy: how it is opened, how a transaction begins, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from trimtab.errors import Busy, StoreError, TrimtabError
from trimtab.store.sqlite import PATIENCE, use_wal


class Database:
    """The file, and its two kinds of transaction. Usable by any thread.

    Raises Busy where another process writes for longer than ten seconds, StoreError where the file cannot be used.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine = create_engine(URL.create("sqlite", database=str(file)), connect_args={"timeout": PATIENCE})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one consistent state of the file."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Change the file as a whole or not at all; nobody else writes meanwhile."""
        with self._translated(), self._engine.connect() as plain:
            connection = plain.execution_options(trimtab_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:  # the second comes out of `_prepare`
            raise _explain(error, self.file) from error


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's `begin` decides when a transaction starts, not the driver
    use_wal(connection)
    connection.execute("pragma synchronous = full")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail, not wait, when somebody else wrote in between.
    writes = connection.get_execution_options().get("trimtab_write")
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _explain(error: DBAPIError | sqlite3.Error, file: Path) -> TrimtabError:
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    if "locked" in said or "busy" in said:
        return Busy(f"the catalog {file} is being written by another process for too long.", hint="try again")
    return StoreError(
        f"the catalog {file} cannot be used: {said}.",
        hint="see to disk space, permissions and the disk; if the file is damaged, restore it from a backup",
    )
