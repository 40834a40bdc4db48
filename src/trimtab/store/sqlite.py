"""How the record's SQLite files are begun by several processes at once."""

import sqlite3

from trimtab import clock

PATIENCE = 10.0
"""Seconds that a process waits for the others."""
_PAUSE = 0.005


def use_wal(connection: sqlite3.Connection) -> None:
    """Let a file keep a write-ahead log.

    Of several that switch a new file at once SQLite refuses all but one with "database is locked", and at once: its own
    timeout does not hold here. So it is asked again. Raises sqlite3.OperationalError when the patience is over.
    """
    until = clock.monotonic_ns() + int(PATIENCE * 1e9)
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or clock.monotonic_ns() > until:
                raise
            clock.sleep(_PAUSE)
        else:
            return
