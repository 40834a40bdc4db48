"""A query and a table without cursor, in SQLite: what is new is found, and nothing is changed."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest import given as states
from trimtab.ingest.base import Chunk
from trimtab.ingest.database import DatabaseSource
from trimtab.nouns import SourceSpec

QUERY = "select id, at, n * 2 as twice from t where :after is null or at >= :after;"


class Upstream:
    def __init__(self, file: Path, **more: Any) -> None:
        self.file = file
        self.run("create table t (id text, at integer, n integer)")
        spec = SourceSpec("rows", "database", url=f"sqlite:///{file}", table="t", key=("id",), chunk=2)
        self.spec = replace(spec, **more)
        self.position: Mapping[str, Any] | None = None

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def chunks(self, **more: Any) -> list[Chunk]:
        found = []
        for chunk in DatabaseSource(replace(self.spec, **more)).read(self.position):
            self.position = json.loads(json.dumps(chunk.position))
            found.append(chunk)
        return found

    def take(self, **more: Any) -> list[tuple[Any, ...]]:
        return [row for chunk in self.chunks(**more) for row in chunk.frame.drop("_row", "_offset").rows()]


@pytest.fixture
def asked(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.db", table="", query=QUERY, cursor="at")


@pytest.fixture
def whole(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.db")


def test_a_query_gives_what_is_new(asked: Upstream) -> None:
    asked.run("insert into t values ('a', 1, 10), ('b', 1, 20), ('c', 2, 30)")
    (first, second) = asked.chunks()
    assert first.frame.schema == {
        "id": pl.String,
        "at": pl.Int64,
        "twice": pl.String,
        "_row": pl.Int64,
        "_offset": pl.String,
    }
    assert [*first.frame["_offset"], *second.frame["_offset"]] == ["query:a", "query:b", "query:c"]
    asked.run("insert into t values ('d', 2, 40), ('e', 1, 50)")
    assert asked.take() == [("d", 2, "80")]
    assert asked.take() == []


def test_after_is_bound_with_the_cursor(asked: Upstream) -> None:
    """The query sees the cursor's value: one that leaves out ties never gives them."""
    asked.run("insert into t values ('a', 1, 10), ('b', 5, 20)")
    query = "select id, at from t where :after is null or at > :after"
    assert asked.take(query=query) == [("a", 1), ("b", 5)]
    asked.run("insert into t values ('c', 6, 30), ('tie', 5, 40)")
    assert asked.take(query=query) == [("c", 6)]


@pytest.mark.parametrize(
    "query",
    [
        "select id, at from t; drop table t",
        "drop table t",
        "insert into t values (1, 2, 3) returning *",
        "select id, at from nowhere",
        "pragma query_only = off",
        "",
        "-- nothing",
    ],
)
def test_a_query_that_cannot_be_one_is_refused(asked: Upstream, query: str) -> None:
    asked.run("insert into t values ('a', 1, 10)")
    with pytest.raises(ConfigError):
        asked.take(query=query)
    assert asked.take() == [("a", 1, "20")]


def test_a_statement_has_a_limit(asked: Upstream) -> None:
    endless = "with recursive n(x) as (select 1 union all select x + 1 from n) select x as id, x as at from n"
    with pytest.raises(HostError, match="interrupted") as caught:
        asked.take(query=endless, timeout=timedelta(milliseconds=50))
    assert 'timeout = "0.05s"' in str(caught.value)


def test_without_cursor_new_and_changed_rows_come(whole: Upstream) -> None:
    whole.run("insert into t values ('a', 1, 1), ('b', 1, 2), ('c', null, 3)")
    assert whole.take() == [("a", 1, 1), ("b", 1, 2), ("c", None, 3)]
    assert whole.take() == []
    whole.run("update t set n = 9 where id = 'b'", "insert into t values ('aa', 5, 5)")
    assert whole.take() == [("aa", 5, 5), ("b", 1, 9)]
    whole.run("update t set n = 2 where id = 'b'")
    assert whole.take() == [("b", 1, 2)]


def test_a_row_that_vanished_and_came_back_is_new(whole: Upstream) -> None:
    whole.run("insert into t values ('a', 1, 1), ('b', 1, 2)")
    whole.take()
    whole.run("delete from t where id = 'a'", "update t set n = 3 where id = 'b'")
    assert whole.take() == [("b", 1, 3)]
    whole.run("insert into t values ('a', 1, 1)")
    assert whole.take() == [("a", 1, 1)]


STEPS = st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2)), max_size=5)


@settings(deadline=None, max_examples=15)
@given(steps=STEPS, chunk=st.integers(1, 4), stop=st.integers(0, 3))
def test_the_newest_states_given_are_the_table(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, int]], chunk: int, stop: int
) -> None:
    """Whatever is inserted, changed and deleted between reads, and where a read is broken off."""
    upstream = Upstream(tmp_path_factory.mktemp("up") / "up.db", chunk=chunk)
    newest: dict[str, int] = {}
    before: dict[str, int] = {}
    for step in steps:
        upstream.run("delete from t", *(f"insert into t values ('{key}', 0, {n})" for key, n in step.items()))
        reading = DatabaseSource(upstream.spec).read(upstream.position)
        for part in zip(range(stop), reading, strict=False):
            upstream.position = json.loads(json.dumps(part[1].position))
            newest |= dict(zip(part[1].frame["id"], part[1].frame["n"], strict=True))
        for row in upstream.take():
            assert newest.get(row[0]) != row[2] or row[0] not in before
            newest[row[0]] = row[2]
        assert {key: newest[key] for key in step} == step
        before = step


def test_two_rows_of_one_key_are_refused_also_across_chunks(whole: Upstream) -> None:
    whole.run("insert into t values ('a', 1, 1), ('b', 1, 2), ('b', 1, 3), ('c', 1, 4)")
    for chunk in (1, 2, 3, 9):
        with pytest.raises(ConfigError, match="one key and different content"):
            whole.take(chunk=chunk)


def test_rows_without_a_key_are_told(whole: Upstream) -> None:
    whole.run("insert into t values ('a', 1, 1), (null, 1, 2)")
    (chunk,) = whole.chunks()
    assert chunk.note == "rows: 1 without id; such rows are not read until they have one"
    assert chunk.frame["id"].to_list() == ["a"]
    assert whole.chunks() == []


def test_a_large_table_without_cursor_is_refused_before_it_is_read(
    whole: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "MOST", 2)
    whole.run("insert into t values ('a', 1, 1), ('b', 1, 2), ('c', 1, 3)")
    with pytest.raises(DataError, match="more than 2 rows") as caught:
        whole.take()
    assert "cursor" in caught.value.hint


def test_it_says_what_it_reads(asked: Upstream) -> None:
    assert DatabaseSource(asked.spec).describe() == f"a query of sqlite:///{asked.file}, by at"
    whole = replace(asked.spec, table="t", query="", cursor="")
    assert DatabaseSource(whole).describe() == f"table t of sqlite:///{asked.file}, whole, by its key"
