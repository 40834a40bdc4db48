"""The right to do something alone, for a while: one row with a fencing token, and a lock that dies with its process."""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from trimtab import clock
from trimtab.errors import Busy
from trimtab.store import schema
from trimtab.store.database import Database
from trimtab.store.locks import take

_rows = schema.lease


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held. `token` is greater than that of every earlier holder, so that a late one can be refused."""

    database: Database
    project: str
    name: str
    seconds: float
    token: int

    def renew(self) -> None:
        """Hold it for another `seconds`, from now.

        Raises:
            Busy: it ran out, and somebody else took it over: stop at once.
        """
        if not self._set_expiry(self.seconds):
            raise _held(self.name, _find(self.database, self.project, self.name) or {})

    def end(self) -> None:
        """Let go of it; nothing happens where somebody else took it over."""
        self._set_expiry(0.0)

    def _set_expiry(self, seconds: float) -> bool:
        expires = (clock.now() + timedelta(seconds=seconds)).isoformat()
        mine = _is(self.project, self.name) & (_rows.c.token == self.token)
        with self.database.write() as connection:
            return connection.execute(update(_rows).where(mine).values(expires=expires)).rowcount == 1


@contextmanager
def hold_lease(database: Database, project: str, name: str, holder: str, seconds: float) -> Iterator[Lease]:
    """Hold a lease while the block runs.

    Raises:
        Busy: somebody holds it; the message says who, and since when.
    """
    lock = _lock_file(database.file, name)
    try:
        descriptor = take(lock, f"the lease '{name}'")
    except Busy as error:
        row = _find(database, project, name)
        raise (_held(name, row) if row else error) from None
    try:
        lease = Lease(database, project, name, seconds, _take_over(database, project, name, holder, seconds))
        try:
            yield lease
        finally:
            lease.end()
    finally:
        os.close(descriptor)


def _take_over(database: Database, project: str, name: str, holder: str, seconds: float) -> int:
    moment, host = clock.now(), platform.node()
    with database.write() as connection:
        row = connection.execute(select(_rows).where(_is(project, name))).mappings().first()
        # The lock on the file is ours already, so an earlier holder on this machine is dead, whatever its row says.
        if row and row["host"] != host and clock.parse(row["expires"]) > moment:
            raise _held(name, dict(row))
        token = int(row["token"]) + 1 if row else 1
        times = {"since": moment.isoformat(), "expires": (moment + timedelta(seconds=seconds)).isoformat()}
        content = {"project": project, "name": name, "holder": holder, "host": host, "token": token, **times}
        connection.execute(insert(_rows).prefix_with("or replace").values(content))
    return token


def _find(database: Database, project: str, name: str) -> Mapping[str, Any] | None:
    with database.read() as connection:
        row = connection.execute(select(_rows).where(_is(project, name))).mappings().first()
        return dict(row) if row else None


def _held(name: str, row: Mapping[str, Any]) -> Busy:
    return Busy(
        f"the lease '{name}' is held by {row.get('holder', 'somebody else')} on {row.get('host', 'another machine')} "
        f"since {row.get('since', 'a moment ago')}.",
        hint="wait until it is done, or stop it; a killed process on the same machine is followed at once",
    )


def _is(project: str, name: str) -> Any:
    return (_rows.c.project == project) & (_rows.c.name == name)


def _lock_file(catalog: Path, name: str) -> Path:
    return catalog.parent / "run" / f"{name}.lock"
