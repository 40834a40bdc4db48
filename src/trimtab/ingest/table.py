"""Which table a database source reads, and how: its columns by reflection, and the statement for one chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
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
from trimtab.ingest.values import Kind, kind_of
from trimtab.ingest.window import Place
from trimtab.nouns import SourceSpec


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table as it is read: names and kinds of its columns in their order, and which are the cursor and the key."""

    table: Table
    kinds: dict[str, Kind]
    cursor: str
    key: tuple[str, ...]
    dynamic: bool

    def select_chunk(self, begin: Place | None, limit: int) -> Select[Any]:
        """Return the statement for the rows from a place on, the place itself included, in the order (cursor, key)."""
        cursor = self._column(self.cursor)
        statement = select(*(self._column(name) for name in self.kinds)).where(cursor.is_not(None))
        if begin is not None:
            statement = statement.where(self._from_place(begin))
        return statement.order_by(cursor, *self._key_order()).limit(limit)

    def count_without_cursor(self) -> Select[Any] | None:
        """Return the statement that counts rows whose cursor is null, or None where it never is."""
        cursor = self.table.c[self.cursor]
        return select(func.count()).select_from(self.table).where(cursor.is_(None)) if cursor.nullable else None

    def _column(self, name: str) -> ColumnElement[Any]:
        """Return a column; from SQLite its values come as they are stored, whatever was declared."""
        column = self.table.c[name]
        return type_coerce(column, NullType()).label(name) if self.dynamic else column

    def _compared(self, name: str) -> ColumnElement[Any]:
        column = self.table.c[name]
        return type_coerce(column, NullType()) if self.dynamic else column

    def _from_place(self, begin: Place) -> ColumnElement[bool]:
        cursor = self._compared(self.cursor)
        if begin.key is None:
            tied: ColumnElement[bool] = cursor >= begin.cursor
            return tied
        after = [self._compared(name) for name in self.key]
        return or_(cursor > begin.cursor, and_(cursor == begin.cursor, _from_key(after, begin.key)))

    def _key_order(self) -> Iterator[ColumnElement[Any]]:
        for name in self.key:
            column = self._compared(name)
            if self.table.c[name].nullable:  # databases do not agree on whether nulls come first
                yield case((column.is_(None), 0), else_=1)
            yield column


def _from_key(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    first, value = columns[0], values[0]
    if len(columns) == 1:
        last: ColumnElement[bool] = first >= value
        return last
    return or_(first > value, and_(first == value, _from_key(columns[1:], values[1:])))


def find_table(door: Door, spec: SourceSpec) -> TableForm:
    """Return the form of the declared table or view. Raises ConfigError with everything that is not there."""
    where = f"[sources.{spec.name}]"
    if not spec.cursor or not spec.key:
        lacking = [Mistake(name, "is required") for name in ("cursor", "key") if not getattr(spec, name)]
        raise ConfigError(f"{where} cannot be read row by row:", mistakes=lacking)
    with door.inspect() as inspector:
        schema, name = _find_name(inspector, spec.table, where)
        table = Table(name, MetaData(), schema=schema, autoload_with=inspector.bind, resolve_fks=False)
    names = [column.name for column in table.columns]
    mistakes = [
        Mistake(f"{where} {setting}", f"there is no column '{wanted}'{nearest(wanted, names)}")
        for setting, wanted in [("cursor", spec.cursor), *(("key", one) for one in spec.key)]
        if wanted not in names
    ]
    kinds = {column.name: kind_of(column.type, dynamic=door.dynamic) for column in table.columns}
    mistakes += [
        Mistake(f"column {column.name}", _refusal(column)) for column in table.columns if not kinds[column.name]
    ]
    if mistakes:
        raise ConfigError(f"{where}: table {spec.table} cannot be read as declared:", mistakes=mistakes)
    check_names(names, f"table {spec.table}")
    plain = {name: kind for name, kind in kinds.items() if kind is not None}
    return TableForm(table, plain, spec.cursor, spec.key, door.dynamic)


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
