"""The user's pipeline.sql: one SELECT over tables named like the sources, run by DuckDB in memory.

DuckDB sees the given frames and nothing else: no file, no network, no extension, no variable of this program, and its
settings are locked. So the result is a function of the frames and `since`, as far as the text itself is (`now()` and
`random()` are not).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from trimtab.config import cores
from trimtab.errors import ConfigError, Mistake, TrimtabError, nearest
from trimtab.pipeline.arrow import ArrowStream
from trimtab.pipeline.said import explain
from trimtab.pipeline.types import fit_plain, plain_schema

MEMORY = "4GB"
"""What one run may use, the tables included; beyond it there is an error, never a file on disk."""

PARAMETER = "since"

_LOCKS = (
    "set TimeZone = 'UTC'",
    "set temp_directory = ''",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def run_sql(text: str, tables: Mapping[str, pl.DataFrame], *, since: datetime | None, where: str) -> pl.DataFrame:
    """Return the rows of one SELECT over `tables`, in plain types (see types.py); their order is what the text says.

    `$since` in the text is the moment from which rows may still change: null the first time, so write it as
    `cast($since as timestamptz)`. `where` names the text in messages. The session's time zone is UTC.

    Raises:
        ConfigError: the text is no single SELECT, names a table that is no source, or fails; with line and next step.
        HostError: not enough memory.
    """
    with open_session(text, tables, since=since, where=where) as (connection, values):
        result = connection.sql(text, params=values)
        schema = plain_schema(result.columns, result.types, where)
        return fit_plain(pl.DataFrame(ArrowStream(result)), schema, where)


@contextmanager
def open_session(
    text: str, tables: Mapping[str, pl.DataFrame], *, since: datetime | None, where: str
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, datetime | None] | None]]:
    """Give a database that holds the tables which a checked text uses, and the values that the text asks for."""
    with _connect(text, where, tables) as connection:
        statement = _one_select(connection, text, where)
        for name in _refuse_strange_tables(connection, text, tables, where):
            # Copied: over a bare stream DuckDB knows no sizes, and a year of flights takes 64 s instead of 3.
            connection.from_arrow(ArrowStream(tables[name])).create('"' + name.replace('"', '""') + '"')
        yield connection, {PARAMETER: since} if PARAMETER in statement.named_parameters else None


def describe_sql(text: str, tables: Iterable[str], *, where: str) -> tuple[str, ...]:
    """Return the sources that the text takes rows from, sorted; nothing is run.

    Raises:
        ConfigError: the text is no single SELECT, or takes rows from elsewhere; every such place is named.
    """
    known = tuple(tables)
    with _connect(text, where, known) as connection:
        _one_select(connection, text, where)
        return _refuse_strange_tables(connection, text, known, where)


@contextmanager
def _connect(text: str, where: str, tables: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that reaches nothing outside, and say DuckDB's errors in our words."""
    settings: dict[str, Any] = {"threads": cores(), "memory_limit": MEMORY, "python_enable_replacements": False}
    with duckdb.connect(":memory:", config=settings) as connection:
        for statement in _LOCKS:
            connection.execute(statement)
        try:
            yield connection
        except duckdb.Error as error:
            raise explain(error, text, where, tables) from None


def _one_select(connection: duckdb.DuckDBPyConnection, text: str, where: str) -> duckdb.Statement:
    statements = connection.extract_statements(text)
    hint = "write one SELECT, or WITH ... SELECT; what must be named on the way is a common table expression"
    if len(statements) != 1:
        raise ConfigError(f"{where} holds {len(statements)} statements; it must be one SELECT.", hint=hint)
    if statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigError(f"{where} is a statement of kind {statements[0].type.name}, not a SELECT.", hint=hint)
    strange = sorted(statements[0].named_parameters - {PARAMETER})
    if strange:
        mistakes = [Mistake(f"${name}", f"is no value that is given{nearest(name, [PARAMETER])}") for name in strange]
        raise ConfigError(f"{where} asks for values:", mistakes=mistakes, hint=f"there is only ${PARAMETER}")
    return statements[0]


def _refuse_strange_tables(
    connection: duckdb.DuckDBPyConnection, text: str, tables: Iterable[str], where: str
) -> tuple[str, ...]:
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [text]).fetchall()[0][0])
    if tree.get("error"):
        return tuple(sorted(tables))  # the parser knows more than its own serialiser; the binder will have its say
    nodes = list(walk(tree))
    named_here = {entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    known = {name.lower(): name for name in tables}
    found = {node["table_name"]: node.get("schema_name", "") for node in nodes if node.get("type") == "BASE_TABLE"}
    # A text may name what it defines like the source that it is made of, so such a name may mean both.
    used = {name: schema for name, schema in found.items() if schema or name.lower() not in named_here - known.keys()}
    mistakes = [
        Mistake(f"{schema}.{name}" if schema else name, f"is no source{nearest(name, known.values())}")
        for name, schema in sorted(used.items())
        if schema or name.lower() not in known
    ]
    if mistakes:
        raise _not_there(mistakes, known.values(), where)
    return tuple(sorted({known[name.lower()] for name in used}))


def _not_there(mistakes: Iterable[Mistake], tables: Iterable[str], where: str) -> TrimtabError:
    sources = ", ".join(sorted(tables)) or "none"
    return ConfigError(
        f"{where} takes rows from tables that are not there:", mistakes=mistakes, hint=f"sources: {sources}"
    )


def walk(node: object) -> Iterator[dict[str, Any]]:
    """Yield every object of a syntax tree; without recursion, because a text may be nested deeply."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
