"""A query of the user's own as something to select from: described by its database, `:after` bound and never formatted.

The text stands inside a select of ours, as it is. What its columns are is asked of the database and not of the values:
PostgreSQL describes the result, SQLite a temporary view of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, FromClause, TextClause, bindparam, column, inspect, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.types import ARRAY, NullType, Numeric, TypeEngine

from trimtab.errors import ConfigError
from trimtab.ingest.base import check_names
from trimtab.ingest.connection import Door

AFTER = "after"
_VIEW = "trimtab_query"
_WRONG_TEXT = ("42", "0A", "SQLITE_ERROR")
"""What databases call a text that they cannot run, as against a trouble of their own."""


class Query:
    """One query. Raises ConfigError where its text asks for parameters other than `:after`."""

    def __init__(self, said: str, where: str) -> None:
        self._text = said.strip().rstrip(";") + "\n"  # a comment at its end must not reach what stands behind it
        self._where = where
        asked = set(text(self._text).compile().params)
        self.takes_after = AFTER in asked
        if asked - {AFTER}:
            others = ", ".join(f":{name}" for name in sorted(asked - {AFTER}))
            hint = "only :after is bound, to the cursor; write a colon that means itself as \\:"
            raise ConfigError(f"{where} query has parameters that nobody fills: {others[:200]}.", hint=hint)

    def relation(self, types: Mapping[str, TypeEngine[Any]], after: Any, cursor: str) -> FromClause:
        """Return the query with a value bound to `:after`; None is written as NULL, which needs no type."""
        bound = self._bind(self._text, after, types.get(cursor, NullType()))
        return bound.columns(*(column(name, kind) for name, kind in types.items())).subquery("query")

    def describe(self, door: Door) -> Sequence[Column[Any]]:
        """Return the columns of the result. Raises ConfigError where the query cannot be run or described."""
        describe = {"postgresql": self._describe_result, "sqlite": self._describe_view}.get(door.dialect)
        if describe is None:
            hint = "make a view of it and name that as the table"
            raise ConfigError(f"{self._where}: a query works with PostgreSQL and SQLite only.", hint=hint)
        with door.read() as connection, self._explained():
            return describe(connection)

    def _bind(self, said: str, after: Any, kind: TypeEngine[Any]) -> TextClause:
        clause = text(said)
        return (
            clause.bindparams(bindparam(AFTER, after, kind, literal_execute=after is None))
            if self.takes_after
            else clause
        )

    def _describe_result(self, connection: Connection) -> Sequence[Column[Any]]:
        # The limit is bound: so the server takes the text as one statement.
        asked = self._bind(f"select * from ({self._text}) as query limit :most", None, NullType()).bindparams(most=0)
        description = connection.execute(asked).cursor.description
        check_names([told[0] for told in description], f"{self._where} query")
        kinds = text("select oid, format_type(oid, null) from pg_type where oid in :oids")
        found = connection.execute(
            kinds.bindparams(bindparam("oids", [told[1] for told in description], expanding=True))
        )
        names = {row[0]: row[1] for row in found}
        known = connection.dialect.ischema_names  # type: ignore[attr-defined]  # every dialect of ours has them
        return [Column(told[0], _type_of(known, names[told[1]], told[4], told[5])) for told in description]

    def _describe_view(self, connection: Connection) -> Sequence[Column[Any]]:
        plain = self._bind(self._text, None, NullType()).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        connection.exec_driver_sql("pragma query_only = off")  # a temporary view is no change of the file
        connection.exec_driver_sql(f"create temp view {_VIEW} as {plain}")
        return [Column(told["name"], told["type"]) for told in inspect(connection).get_columns(_VIEW, schema="temp")]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            wrong = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
            if not str(wrong).startswith(_WRONG_TEXT) and not isinstance(error, ProgrammingError):
                raise
            said = str(error.orig).split("\n", 1)[0][:300]
            raise ConfigError(
                f"{self._where} query cannot be run: {said}.", hint="try it in the database itself"
            ) from None


def _type_of(known: Mapping[str, Any], name: str, precision: int | None, scale: int | None) -> TypeEngine[Any]:
    """Return the type that PostgreSQL calls by a name; values of one that SQLAlchemy does not know are kept as text."""
    if name.endswith("[]"):
        return ARRAY(NullType())
    kind: Callable[..., TypeEngine[Any]] = known.get(name, NullType)
    if name.endswith("with time zone"):
        return kind(timezone=True)
    return Numeric(precision, scale) if kind is known["numeric"] else kind()
