"""Which table or query a database source reads, and how: its columns by reflection, the statement for one chunk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Inspector,
    MetaData,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from trimtab.errors import ConfigError, Mistake, nearest
from trimtab.ingest.base import check_names
from trimtab.ingest.connection import Door
from trimtab.ingest.query import Query
from trimtab.ingest.values import Kind, kind_of
from trimtab.ingest.window import Place
from trimtab.nouns import SourceSpec

Relation = Callable[[Any], FromClause]
"""What is selected from, given the value of the cursor to begin with: a table, or a query with that value bound."""


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table, view or query as it is read: kinds of its columns in their order, and which are the cursor and the key.

    Without a cursor, rows are read in the order of the key.
    """

    relation: Relation
    kinds: dict[str, Kind]
    nullable: frozenset[str]
    cursor: str
    key: tuple[str, ...]
    dynamic: bool

    def select_chunk(self, begin: Place | None, limit: int) -> Select[Any]:
        """Return the statement for the rows from a place on, the place itself included, in the order (cursor, key)."""
        relation = self.relation(None if begin is None else begin.cursor)
        columns = (
            type_coerce(column, NullType()).label(column.name) if self.dynamic else column for column in relation.c
        )
        statement = select(*columns).where(*(relation.c[name].is_not(None) for name in self._required()))
        if begin is not None:
            statement = statement.where(self._from_place(relation, begin))
        return statement.order_by(*self._order(relation)).limit(limit)

    def count_left_out(self) -> Select[Any] | None:
        """Return the statement that counts rows without the values that give them a place, or None: there are none."""
        relation = self.relation(None)
        lacking = [relation.c[name].is_(None) for name in self._required() if name in self.nullable]
        # The limit is bound: so PostgreSQL takes the text as one statement, whatever a query holds.
        return select(func.count()).select_from(relation).where(or_(*lacking)).limit(1) if lacking else None

    def count(self) -> Select[Any]:
        """Return the statement that counts all rows."""
        return select(func.count()).select_from(self.relation(None)).limit(1)

    def _required(self) -> tuple[str, ...]:
        return (self.cursor,) if self.cursor else self.key

    def _compared(self, relation: FromClause, name: str) -> ColumnElement[Any]:
        """Return a column; from SQLite its values come as they are stored, whatever was declared."""
        column = relation.c[name]
        return type_coerce(column, NullType()) if self.dynamic else column

    def _from_place(self, relation: FromClause, begin: Place) -> ColumnElement[bool]:
        key = [self._compared(relation, name) for name in self.key]
        if not self.cursor:
            return _from_key(key, begin.key or ())
        cursor = self._compared(relation, self.cursor)
        tied: ColumnElement[bool] = cursor >= begin.cursor
        # Said twice where there is a key: an index on the cursor serves `>=`, but not the alternative alone.
        return tied if begin.key is None else and_(tied, _from_key([cursor, *key], (begin.cursor, *begin.key)))

    def _order(self, relation: FromClause) -> Iterator[ColumnElement[Any]]:
        for name in (*((self.cursor,) if self.cursor else ()), *self.key):
            column = self._compared(relation, name)
            if (
                name in self.nullable and name not in self._required()
            ):  # databases do not agree on whether nulls come first
                yield case((column.is_(None), 0), else_=1)
            yield column


def _from_key(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    first, value = columns[0], values[0]
    if len(columns) == 1:
        last: ColumnElement[bool] = first >= value
        return last
    return or_(first > value, and_(first == value, _from_key(columns[1:], values[1:])))


def find_form(door: Door, spec: SourceSpec) -> TableForm:
    """Return the form of the declared table, view or query. Raises ConfigError with everything that is not there."""
    where = f"[sources.{spec.name}]"
    if not spec.key:
        raise ConfigError(f"{where} cannot be read row by row:", mistakes=[Mistake("key", "is required")])
    what, relation, columns = _find_query(door, spec, where) if spec.query else _find_table(door, spec, where)
    names = [column.name for column in columns]
    mistakes = [
        Mistake(f"{where} {setting}", f"there is no column '{wanted}'{nearest(wanted, names)}")
        for setting, wanted in [
            *([("cursor", spec.cursor)] if spec.cursor else []),
            *(("key", one) for one in spec.key),
        ]
        if wanted not in names
    ]
    kinds = {column.name: kind_of(column.type, dynamic=door.dynamic) for column in columns}
    mistakes += [Mistake(f"column {column.name}", _refusal(column)) for column in columns if not kinds[column.name]]
    if mistakes:
        raise ConfigError(f"{where}: {what} cannot be read as declared:", mistakes=mistakes)
    check_names(names, what)
    plain = {name: kind for name, kind in kinds.items() if kind is not None}
    nullable = frozenset(column.name for column in columns if column.nullable)
    return TableForm(relation, plain, nullable, spec.cursor, spec.key, door.dynamic)


Found = tuple[str, Relation, Sequence[Column[Any]]]


def _find_table(door: Door, spec: SourceSpec, where: str) -> Found:
    with door.inspect() as inspector:
        schema, name = _find_name(inspector, spec.table, where)
        table = Table(name, MetaData(), schema=schema, autoload_with=inspector.bind, resolve_fks=False)
    return f"table {spec.table}", lambda _: table, list(table.columns)


def _find_query(door: Door, spec: SourceSpec, where: str) -> Found:
    query = Query(spec.query, where)
    columns = query.describe(door)
    check_names([column.name for column in columns], f"{where} query")
    types = {column.name: column.type for column in columns}
    return "the query", lambda after: query.relation(types, after, spec.cursor), columns


def _find_name(inspector: Inspector, wanted: str, where: str) -> tuple[str | None, str]:
    """Return schema and name of a table or view; a name with a dot may be `schema.name`."""
    here = [*inspector.get_table_names(), *inspector.get_view_names()]
    if wanted in here:
        return None, wanted
    schema, _, name = wanted.rpartition(".")
    if schema and schema in inspector.get_schema_names():
        there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        if name in there:
            return schema, name
        here = [f"{schema}.{one}" for one in there]
    hint = "tables and views: " + (", ".join(sorted(here)[:20]) or "none")
    raise ConfigError(f"{where} table: there is no '{wanted}'{nearest(wanted, here)}", hint=hint)


def _refusal(column: Column[Any]) -> str:
    return f"is {column.type!r}, no plain value; make a view without it"
