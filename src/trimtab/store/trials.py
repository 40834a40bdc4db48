"""The trials of a project's searches: one row for each fit, appended, numbered, found again by their search."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select

from trimtab.errors import UsageError
from trimtab.nouns import canonical
from trimtab.store import schema
from trimtab.store.database import Database

_table = schema.trial


class Trials:
    """Reads and appends trials as plain JSON objects; each is given its `number`, counted from 1 in a project.

    Every verb raises Busy and StoreError as the catalog does.
    """

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self._project = project

    def add(self, search: str, trial: Mapping[str, Any]) -> int:
        """Append a trial of a search, named by a fingerprint, and return its number."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(_table.c.number)).where(_table.c.project == self._project))
            number = (last.scalar() or 0) + 1
            row = {"project": self._project, "number": number, "search": search, "body": canonical(trial)}
            connection.execute(insert(_table).values(row))
        return number

    def list(self, search: str = "") -> tuple[dict[str, Any], ...]:
        """Return the trials of one search, or all of them, oldest first, with their `number` and `search`."""
        query = select(_table.c.number, _table.c.search, _table.c.body).where(_table.c.project == self._project)
        query = query.where(_table.c.search == search) if search else query
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_table.c.number)).all()
        return tuple({**json.loads(body), "number": number, "search": name} for number, name, body in rows)

    def find(self, number: int) -> dict[str, Any]:
        """Return one trial. Raises UsageError where there is none of that number."""
        query = select(_table.c.search, _table.c.body).where(
            _table.c.project == self._project, _table.c.number == number
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UsageError(f"There is no trial {number}.", hint="`trimtab trials` lists them")
        return {**json.loads(row[1]), "number": number, "search": row[0]}
