"""What SQLite cannot show: a real PostgreSQL server with its types, its transactions and its ways to break off."""

import json
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from psycopg import sql
from tests.ingest.conftest import Postgres

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest.base import Chunk
from trimtab.ingest.database import DatabaseSource
from trimtab.nouns import SourceSpec

TABLE = "create table t (id text primary key, at timestamptz not null, n int)"
QUERY = "select id, at, n from t where :after is null or at >= :after -- what is new"


class Upstream:
    """A schema of the server, and the source that reads it; `take` goes on where the last one ended."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.url = server.schema()
        self.spec = SourceSpec("rows", "database", url=self.url, table="t", cursor="at", key=("id",))
        self.position: Mapping[str, Any] | None = None

    def run(self, *statements: str) -> None:
        self.server.run(self.url, *statements)

    def put(self, *rows: tuple[str, int, int]) -> None:
        """Insert rows (id, seconds, n)."""
        self.run(*(f"insert into t values ('{key}', '{second(at).isoformat()}', {n})" for key, at, n in rows))

    def chunks(self, **more: Any) -> Generator[Chunk]:
        for chunk in DatabaseSource(replace(self.spec, **more)).read(self.position):
            self.position = json.loads(json.dumps(chunk.position))
            yield chunk

    def take(self, **more: Any) -> list[tuple[Any, ...]]:
        return [row for chunk in self.chunks(**more) for row in chunk.frame.drop("_row", "_offset").rows()]

    def numbers(self, **more: Any) -> list[int]:
        return [row[2] for row in self.take(**more)]

    def failure(self, kind: type[Exception], **more: Any) -> str:
        with pytest.raises(kind) as caught:
            self.take(**more)
        return str(caught.value)


DIE = "pg_terminate_backend(pg_backend_pid())"


def second(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)


@pytest.fixture
def upstream(postgres: Postgres) -> Upstream:
    upstream = Upstream(postgres)
    upstream.run(TABLE)
    return upstream


@pytest.mark.parametrize("how", [{"table": "t"}, {"table": "", "query": QUERY}], ids=["table", "query"])
def test_ties_and_late_commits_are_found(upstream: Upstream, how: dict[str, Any]) -> None:
    how = {**how, "overlap": timedelta(seconds=30), "chunk": 2}
    upstream.put(("a", 70, 1), ("m", 100, 2), ("b", 80, 3))
    assert upstream.numbers(**how) == [1, 3, 2]
    upstream.put(("c", 100, 4), ("z", 100, 5), ("d", 75, 6), ("e", 60, 7))
    assert upstream.numbers(**how) == [6, 4, 5]
    assert upstream.numbers(**how) == []
    upstream.run(f"update t set n = 8, at = '{second(200).isoformat()}' where id = 'a'")
    assert upstream.numbers(**how) == [8]


def test_a_transaction_that_commits_behind_the_cursor_is_found(upstream: Upstream) -> None:
    with upstream.server.connect(upstream.url) as slow:
        slow.execute(f"insert into t values ('slow', '{second(90).isoformat()}', 1)")
        upstream.put(("fast", 100, 2))
        assert upstream.numbers(overlap=timedelta(seconds=30)) == [2]
    assert upstream.numbers(overlap=timedelta(seconds=30)) == [1]


TYPES = {
    "id bigint": (1, pl.Int64, 1),
    "at timestamptz": ("'2026-01-01 00:00:00+02'", pl.Datetime("us", "UTC"), datetime(2025, 12, 31, 22, tzinfo=UTC)),
    "whole numeric(12, 0)": (7, pl.Int64, 7),
    "money numeric(12, 2)": (1.25, pl.Float64, 1.25),
    "free numeric": ("'NaN'", pl.Float64, float("nan")),
    "plain timestamp": ("'2026-01-01 00:00:00.5'", pl.Datetime("us"), datetime.fromisoformat("2026-01-01T00:00:00.5")),
    "day date": ("'2026-01-01'", pl.Date, date(2026, 1, 1)),
    "short real": (0.1, pl.Float64, 0.1),
    "yes boolean": ("true", pl.Boolean, True),
    "who uuid": (
        "'6f1f2bd5-1c9b-4f0c-9f21-3c8b3a5e7d11'",
        pl.String,
        "6f1f2bd5-1c9b-4f0c-9f21-3c8b3a5e7d11",
    ),
    "fixed character(3)": ("'ab'", pl.String, "ab "),
    "mood mood": ("'sad'", pl.String, "sad"),
    "size size": (5, pl.Int64, 5),
    "doc json": ('\'{"b": 1,  "a": [1e400]}\'', pl.String, '{"b": 1,  "a": [1e400]}'),
    "docb jsonb": ("'{\"b\": 1}'", pl.String, '{"b": 1}'),
    "nothing integer": ("null", pl.Int64, None),
}


@pytest.mark.parametrize("how", [{}, {"table": "", "query": "select * from t"}], ids=["table", "query"])
def test_types_are_those_of_the_table_and_of_the_query_alike(postgres: Postgres, how: dict[str, Any]) -> None:
    upstream = Upstream(postgres)
    values = ", ".join(str(value) for value, _, _ in TYPES.values())
    upstream.run(
        "create type mood as enum ('sad')", "create domain size as integer", f"create table t ({', '.join(TYPES)})"
    )
    upstream.run(f"insert into t values ({values})")
    (chunk,) = upstream.chunks(**how)
    frame = chunk.frame.drop("_row", "_offset")
    assert dict(frame.schema) == {name.split()[0]: kind for name, (_, kind, _) in TYPES.items()}
    said = [str(one.astimezone(UTC) if isinstance(one, datetime) and one.tzinfo else one) for one in frame.row(0)]
    assert said == [str(value) for _, _, value in TYPES.values()]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("timestamptz", "'infinity'", "is no time"),
        ("date", "'0044-03-15 BC'", "is no date"),
        ("timestamp", "'10000-01-01'", "is no time"),
        ("numeric", "9007199254740993", "more digits than a number keeps"),
        ("numeric(30, 0)", "9223372036854775808", "beyond 64 bits"),
    ],
)
def test_a_value_that_python_does_not_have_costs_its_row_only(
    upstream: Upstream, kind: str, value: str, reason: str
) -> None:
    upstream.put(("a", 1, 1), ("b", 2, 2))
    upstream.run(f"alter table t add v {kind}", f"update t set v = {value} where id = 'a'")
    (chunk,) = upstream.chunks()
    assert [(one.offset, reason in one.reason) for one in chunk.rejected] == [("t:a", True)]
    assert chunk.frame["id"].to_list() == ["b"]


def test_infinite_numbers_are_numbers(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    upstream.run("alter table t add v numeric", "update t set v = 'infinity'")
    assert upstream.take()[0][3] == float("inf")


def test_json_nested_beyond_every_measure_is_text(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    upstream.run("alter table t add v json", f"update t set v = '{'[' * 3000 + ']' * 3000}'")
    assert upstream.take()[0][3] == "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(
    ("kind", "values"),
    [("int", "1, 2, 3"), ("numeric", "1.5, 2.5, 3.5"), ("date", "'2026-01-01', '2026-01-02', '2026-01-03'")],
)
def test_cursors_of_every_kind_are_bound(postgres: Postgres, kind: str, values: str) -> None:
    upstream = Upstream(postgres)
    one, two, three = values.split(", ")
    upstream.run(
        f"create table t (id text, at {kind}, n int)", f"insert into t values ('a', {one}, 1), ('b', {two}, 2)"
    )
    assert upstream.numbers(table="", query=QUERY, chunk=1) == [1, 2]
    upstream.run(f"insert into t values ('c', {three}, 3), ('d', {two}, 4)")
    assert upstream.numbers(table="", query=QUERY, chunk=1) == [4, 3]


def test_nothing_is_written_even_where_the_role_may(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    upstream.run("create function burn() returns int language sql as 'delete from t returning 1'")
    said = upstream.failure(HostError, table="", query="select id, at, burn() as n from t")
    assert "read-only transaction" in said
    assert upstream.numbers() == [1]


BACKSLASH = "\\"
INJECTIONS = [
    "t; drop table t; --",
    't" ; drop table t; --',
    "t'); drop table t; --",
    "pg_catalog.pg_class; drop table t",
    "(delete from t returning *) as x",
    "t /*",
    "t\x00",
    "$1",
    "%(after)s",
    ":after",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("place", ["table", "cursor", "key"])
def test_injection_through_names_changes_nothing(upstream: Upstream, place: str, text: str) -> None:
    upstream.put(("a", 1, 1))
    assert "there is no" in upstream.failure(ConfigError, **{place: (text,) if place == "key" else text})
    assert upstream.numbers() == [1]


@pytest.mark.parametrize("text", [*INJECTIONS, "a' or true --", "\\'; drop table t; --"])
def test_injection_through_values_changes_nothing(upstream: Upstream, text: str) -> None:
    """Names of columns, values of the cursor and of the key travel as they are, through tables and through queries."""
    text = text.replace("\x00", "0")
    name = sql.Identifier(text)
    put = sql.SQL("insert into {} values ({}, {}, {})")
    with upstream.server.connect(upstream.url) as connection:
        connection.execute(
            sql.SQL("create table {} (id text, at text, {} int)").format(name, sql.Identifier(text + " n"))
        )
        connection.execute(put.format(name, sql.Literal(text), sql.Literal(text), 1))
        connection.execute(put.format(name, sql.Literal(text + "b"), sql.Literal(text), 2))
        quoted = name.as_string(connection)
    assert upstream.numbers(table=text, chunk=1) == [1, 2]
    upstream.position = None
    query = f"select * from {quoted.replace(':', BACKSLASH + ':')} where :after is null or at >= :after"
    assert upstream.numbers(table="", query=query, chunk=1) == [1, 2]
    assert upstream.numbers(table="", query=query, chunk=1) == []


@pytest.mark.parametrize(
    "query",
    [
        "select id, at, n from t; commit; drop table t; --",
        "select id, at, n from t) as query limit 1; commit; drop table t; --",
        "with gone as (delete from t returning *) select * from gone",
        "delete from t returning *",
    ],
)
def test_a_query_that_is_more_than_a_question_is_refused(upstream: Upstream, query: str) -> None:
    upstream.put(("a", 1, 1))
    assert "query cannot be run" in upstream.failure(ConfigError, table="", query=query)
    assert upstream.numbers() == [1]


def test_a_query_with_mistakes_says_which(upstream: Upstream) -> None:
    def said(query: str) -> str:
        return upstream.failure(ConfigError, table="", query=query)

    assert 'column "idd" does not exist' in said("select idd, at from t")
    assert ":befor" in said("select * from t where at > :befor")
    assert "there is no column 'at'; did you mean 'att'?" in said("select id, at as att from t")
    assert "stands 2 times" in upstream.failure(DataError, table="", query="select *, n from t")
    assert "column raw" in said("select id, at, 'x'::bytea as raw, array[1] as list from t")


def test_values_of_data_are_not_told(upstream: Upstream) -> None:
    upstream.put(("CANARY", 1, 1))
    said = upstream.failure(HostError, table="", query="select id, at, id::int as n from t")
    assert "CANARY" not in said
    assert "22P02" in said


def test_a_changed_query_goes_on_and_says_so(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    assert upstream.numbers(table="", query=QUERY) == [1]
    upstream.put(("b", 2, 2))
    (chunk,) = upstream.chunks(table="", query="select id, at, n, n * 2 as m from t")
    assert chunk.frame["m"].to_list()[-1] == 4
    assert "the query has changed" in chunk.note
    assert list(upstream.chunks(table="", query="select id, at, n, n * 2 as m from t")) == []


def test_a_statement_has_a_limit(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    said = upstream.failure(
        HostError, table="", query="select *, pg_sleep(9)::text as z from t", timeout=timedelta(milliseconds=50)
    )
    assert "statement timeout" in said
    assert 'timeout = "0.05s"' in said


def test_a_connection_that_is_lost_in_the_middle_keeps_what_was_given(upstream: Upstream) -> None:
    """The server ends the reader's own session at the fifth row, as an administrator would; the next turn goes on."""
    upstream.put(*((str(number), number, number) for number in range(9)))
    upstream.run("create table fuse (lit int)", "insert into fuse values (1)")
    query = f"select id, at, n from t where n <> 5 or not exists (select from fuse) or {DIE}"
    how = {"table": "", "query": query, "chunk": 2}
    upstream.run("create index on t (at, id)")
    seen: list[int] = []
    with pytest.raises(HostError, match=r"terminating connection|server closed the connection"):
        seen.extend(n for chunk in upstream.chunks(**how) for n in chunk.frame["n"])
    upstream.run("delete from fuse")
    assert seen + upstream.numbers(**how) == list(range(9))


def test_a_server_that_is_not_there(upstream: Upstream) -> None:
    url = "postgresql+psycopg://someone:CANARY@127.0.0.1:1/postgres"
    said = upstream.failure(HostError, url=url)
    assert "cannot be read" in said
    assert "CANARY" not in said


def test_a_role_that_may_only_read_is_enough(upstream: Upstream) -> None:
    upstream.put(("a", 1, 1))
    name = upstream.url.partition("%3D")[2]
    upstream.run(f"create role reader_{name} login", f"grant usage on schema {name} to reader_{name}")
    upstream.run(f"grant select on t to reader_{name}")
    url = upstream.url.replace("//postgres@", f"//reader_{name}@")
    assert upstream.numbers(url=url) == [1]


def test_a_table_without_cursor_is_compared_whole(upstream: Upstream) -> None:
    how = {"cursor": "", "chunk": 2}
    upstream.put(("a", 9, 1), ("b", 8, 2), ("c", 7, 3))
    assert upstream.numbers(**how) == [1, 2, 3]
    upstream.run("update t set n = 4 where id = 'b'", "delete from t where id = 'a'")
    upstream.put(("d", 1, 5))
    assert upstream.numbers(**how) == [4, 5]
    assert upstream.numbers(**how) == []
