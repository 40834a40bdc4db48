"""Versions, Trims, the journal of Decisions, small states and leases of one project, in one SQLite file.

Everything that belongs together is written in one `BEGIN IMMEDIATE` transaction with `synchronous = FULL`. Journal and
Trims are append-only: triggers in the file refuse UPDATE and DELETE, and the journal is a hash chain.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from trimtab.errors import Busy, StoreError
from trimtab.nouns import Decision, Judgement, Trim, Version, canonical
from trimtab.store import home, schema
from trimtab.store.database import Database
from trimtab.store.files import make_folder, sync
from trimtab.store.journal import judge_chain, read_line, write_line
from trimtab.store.lease import Lease, hold_lease
from trimtab.store.standings import Standings, pick_version, stand
from trimtab.store.trials import Trials

_NO_STATES: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
_Noun = TypeVar("_Noun", Version, Trim)


class Catalog:
    """The catalog of project `name` in `file`; `folder` is the project's own. Used by any thread, and many processes.

    `open` comes first. Every verb raises Busy where another process writes for longer than ten seconds, and StoreError
    where the file cannot be used.
    """

    def __init__(self, file: Path, name: str, folder: Path) -> None:
        self.file = file
        self.name = name
        self.folder = folder.resolve()
        self._database = Database(file)

    def open(self) -> "Catalog":
        """Return this catalog, its schema current and the project noted in it.

        Raises:
            StoreError: a newer trimtab wrote the file, or the name belongs to another folder.
        """
        self._make_home()
        with self._database.read() as connection:
            current = schema.read_format(connection) == schema.FORMAT
        if not current:
            with self._database.write() as connection:
                schema.migrate(connection, self.file)
            sync(self.file.parent)
        home.claim(self._database, self.name, self.folder)
        return self

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _make_home(self) -> None:
        try:
            make_folder(self.file.parent)
        except OSError as error:
            hint = "see to the permissions of the project's folder, or choose another one in [store]"
            raise StoreError(f"the folder of the catalog cannot be made: {error}.", hint=hint) from error

    # --- what answers, and what was decided ---------------------------------------------------------------------------

    def epoch(self) -> int:
        """Return the present epoch; 0 before the first promotion. One look at one index, made to be polled."""
        with self._database.read() as connection:
            return self._epoch(connection)

    def trim(self, epoch: int | None = None) -> Trim | None:
        """Return the Trim of an epoch, of the present one by default, or None where there is none."""
        with self._database.read() as connection:
            row = self._last(connection, schema.trim, "epoch", "body", at=epoch)
        return None if row is None else _parse(row[1], Trim)

    def decide(
        self, decision: Decision, trim: Trim | None = None, states: Mapping[str, Mapping[str, Any]] = _NO_STATES
    ) -> Decision:
        """Append to the journal and return the Decision with its number and hash; with `trim`, change the Trim with it.

        `states` are stored as `put_state` does, all in one transaction.

        Raises:
            Busy: `trim.epoch` is not the present epoch + 1: somebody else changed the Trim since it was read.
        """
        if trim is not None:
            decision = replace(decision, epoch=trim.epoch)
        with self._database.write() as connection:
            if trim is not None:
                self._expect(trim.epoch - 1, connection)
            decided = self._append(connection, decision)
            if trim is not None:
                self._add(connection, schema.trim, epoch=trim.epoch, decision=decided.number, body=canonical(trim))
            for name, value in states.items():
                self._put(connection, name, value)
        return decided

    def note_erasure(self, decision: Decision, lost: Mapping[str, int]) -> Decision:
        """Append the Decision and note in the Snapshots of Versions, by running name, how many rows they lost."""
        with self._database.write() as connection:
            for version in self._versions(connection):
                if version.name in lost:
                    erased = version.snapshot.erased_rows + lost[version.name]
                    noted = replace(version, snapshot=replace(version.snapshot, erased_rows=erased))
                    own = (schema.version.c.project == self.name) & (schema.version.c.number == version.number)
                    connection.execute(update(schema.version).where(own).values(body=canonical(noted)))
            return self._append(connection, decision)

    def journal(self) -> tuple[Decision, ...]:
        """Return all Decisions, oldest first."""
        with self._database.read() as connection:
            return self._decisions(connection)

    def verify_journal(self) -> Judgement:
        """Return whether every line of the journal is as it was written, or the first that is not."""
        with self._database.read() as connection:
            lines = self._rows(connection, schema.decision, "number", "body", "hash")
            trims = self._rows(connection, schema.trim, "epoch", "decision")
        return judge_chain(lines, trims)

    # --- Versions -----------------------------------------------------------------------------------------------------

    def add_version(self, version: Version) -> Version:
        """Return the Version with its running number; one whose id is known keeps the number and content it has."""
        with self._database.write() as connection:
            known = self._versions(connection)
            for earlier in known:
                if earlier.id == version.id:
                    return earlier
            numbered = replace(version, number=len(known) + 1)
            self._add(connection, schema.version, number=numbered.number, id=numbered.id, body=canonical(numbered))
        return numbered

    def versions(self) -> tuple[Version, ...]:
        """Return all Versions, oldest first."""
        with self._database.read() as connection:
            return self._versions(connection)

    def newest_version(self) -> str | None:
        """Return the id of the newest Version, None where there is none. Made to be polled, as `epoch` is."""
        with self._database.read() as connection:
            row = self._last(connection, schema.version, "number", "id")
        return None if row is None else str(row[1])

    def find_version(self, ref: str) -> Version:
        """Return the Version named by id, the beginning of an id, `v7`, champion, previous or challenger.

        Raises:
            UsageError: none or several; the message names the nearest.
        """
        with self._database.read() as connection:
            return pick_version(ref, self._versions(connection), lambda: self._standings(connection))

    def standings(self) -> Standings:
        """Return who is champion, previous and challenger now."""
        with self._database.read() as connection:
            return self._standings(connection)

    @property
    def trials(self) -> Trials:
        """The trials of this project's searches."""
        return Trials(self._database, self.name)

    # --- states and leases --------------------------------------------------------------------------------------------

    def get_state(self, name: str) -> Mapping[str, Any] | None:
        """Return the JSON object that `put_state` stored last under this name, or None."""
        table = schema.state
        query = select(table.c.body).where(table.c.project == self.name, table.c.name == name)
        with self._database.read() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else json.loads(body)

    def put_state(self, name: str, value: Mapping[str, Any]) -> None:
        """Store a JSON object under a name, instead of what was there."""
        with self._database.write() as connection:
            self._put(connection, name, value)

    def lease(self, name: str, holder: str, seconds: float) -> AbstractContextManager[Lease]:
        """Hold a lease, with its fencing `token`, while the block runs.

        A killed holder on this machine is followed at once, one on another machine when its `seconds` are over.

        Raises:
            Busy: somebody holds it; the message says who, and since when.
        """
        return hold_lease(self._database, self.name, name, holder, seconds)

    # --- rows of this project -----------------------------------------------------------------------------------------

    def _epoch(self, connection: Connection) -> int:
        row = self._last(connection, schema.trim, "epoch")
        return 0 if row is None else int(row[0])

    def _append(self, connection: Connection, decision: Decision) -> Decision:
        last = self._last(connection, schema.decision, "number", "body", "hash")
        decided, (number, body, hash_) = write_line(decision, last)
        self._add(connection, schema.decision, number=number, body=body, hash=hash_)
        return decided

    def _expect(self, epoch: int, connection: Connection) -> None:
        found = self._epoch(connection)
        if found != epoch:
            raise Busy(
                f"the Trim changed meanwhile: the epoch is {found}, and this Decision was made at epoch {epoch}.",
                hint="look at `trimtab status` and decide again",
            )

    def _standings(self, connection: Connection) -> Standings:
        return stand(self._versions(connection), self._trims(connection), self._decisions(connection))

    def _decisions(self, connection: Connection) -> tuple[Decision, ...]:
        return tuple(read_line(line) for line in self._rows(connection, schema.decision, "number", "body", "hash"))

    def _trims(self, connection: Connection) -> tuple[Trim, ...]:
        return tuple(_parse(body, Trim) for _, body in self._rows(connection, schema.trim, "epoch", "body"))

    def _versions(self, connection: Connection) -> tuple[Version, ...]:
        return tuple(_parse(body, Version) for _, body in self._rows(connection, schema.version, "number", "body"))

    def _rows(self, connection: Connection, table: Table, *columns: str) -> list[Any]:
        """Return the rows of this project, ordered by the first of the columns."""
        wanted = [table.c[column] for column in columns]
        rows = connection.execute(select(*wanted).where(table.c.project == self.name).order_by(wanted[0]))
        return [tuple(row) for row in rows]

    def _last(self, connection: Connection, table: Table, *columns: str, at: int | None = None) -> Any:
        """Return the row with the greatest number in the first of the columns, or the one that has number `at`."""
        wanted = [table.c[column] for column in columns]
        query = select(*wanted).where(table.c.project == self.name).order_by(wanted[0].desc()).limit(1)
        row = connection.execute(query if at is None else query.where(wanted[0] == at)).first()
        return None if row is None else tuple(row)

    def _put(self, connection: Connection, name: str, value: Mapping[str, Any]) -> None:
        row = {"project": self.name, "name": name, "body": canonical(value)}
        connection.execute(insert(schema.state).prefix_with("or replace").values(row))

    def _add(self, connection: Connection, table: Table, **row: object) -> None:
        connection.execute(insert(table).values(project=self.name, **row))


def _parse(body: str, noun: type[_Noun]) -> _Noun:
    return msgspec.convert(json.loads(body), noun)
