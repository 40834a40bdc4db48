"""A table gives each state of each row once, whatever happens between two reads, and says what it cannot give."""

import json
import sqlite3
import string
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest import Chunk, window
from trimtab.ingest.database import DatabaseSource
from trimtab.ingest.window import Place, Window, decode, encode, go_back
from trimtab.nouns import SourceSpec

TABLE = "create table t (id text, at text, n integer)"


class Upstream:
    """Somebody's SQLite file, and the source that reads it; `take` goes on where the last one ended."""

    def __init__(self, file: Path, *statements: str, **more: Any) -> None:
        self.file = file
        self.run(*(statements or (TABLE,)))
        spec = SourceSpec("rows", "database", url=f"sqlite:///{file}", table="t", cursor="at", key=("id",))
        self.spec = replace(spec, **more)
        self.position: Mapping[str, Any] | None = None

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def put(self, *rows: Sequence[Any]) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.executemany(f"insert into t values ({', '.join('?' * len(rows[0]))})", rows)

    def chunks(self) -> Generator[Chunk]:
        for chunk in DatabaseSource(self.spec).read(self.position):
            self.position = json.loads(json.dumps(chunk.position))
            yield chunk

    def take(self) -> list[tuple[Any, ...]]:
        return [row for chunk in self.chunks() for row in chunk.frame.drop("_row", "_offset").rows()]


def second(number: int) -> str:
    return f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}Z"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.db")


def refusal(upstream: Upstream, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        list(DatabaseSource(replace(upstream.spec, **more)).read(None))
    return str(caught.value)


def test_rows_come_with_number_and_place(upstream: Upstream) -> None:
    upstream.put(("b", second(2), 2), ("a", second(1), 1))
    (chunk,) = upstream.chunks()
    assert chunk.frame.columns == ["id", "at", "n", "_row", "_offset"]
    assert chunk.frame.dtypes == [pl.String, pl.String, pl.Int64, pl.Int64, pl.String]
    assert chunk.frame.rows() == [("a", second(1), 1, 0, "t:a"), ("b", second(2), 2, 1, "t:b")]


def test_only_new_rows_come_again(upstream: Upstream) -> None:
    upstream.put(("a", second(1), 1))
    assert upstream.take() == [("a", second(1), 1)]
    assert upstream.take() == []
    upstream.put(("b", second(2), 2))
    assert [chunk.frame["_row"].to_list() for chunk in upstream.chunks()] == [[1]]


def test_a_changed_row_comes_as_a_newer_state(upstream: Upstream) -> None:
    upstream.put(("a", second(1), 1))
    upstream.take()
    upstream.run(f"update t set n = 2, at = '{second(9)}'")
    assert upstream.take() == [("a", second(9), 2)]


def test_a_tie_that_comes_later_is_found_without_overlap(upstream: Upstream) -> None:
    upstream.put(("m", second(5), 1))
    upstream.take()
    upstream.put(("a", second(5), 2), ("z", second(5), 3))
    assert upstream.take() == [("a", second(5), 2), ("z", second(5), 3)]
    upstream.run("update t set n = 9 where id = 'a'")
    assert upstream.take() == [("a", second(5), 9)]
    assert upstream.take() == []


def test_a_late_commit_inside_the_overlap_is_found(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db", overlap=timedelta(seconds=30))
    upstream.put(("a", second(100), 1))
    upstream.take()
    upstream.put(("b", second(70), 2), ("c", second(69), 3))
    assert upstream.take() == [("b", second(70), 2)]
    assert upstream.take() == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_chunks_are_bounded_and_complete(tmp_path: Path, chunk: int) -> None:
    upstream = Upstream(tmp_path / "up.db", chunk=chunk)
    rows = [(str(number), second(number // 3), number) for number in range(10)]
    upstream.put(*rows)
    chunks = list(upstream.chunks())
    assert [row for one in chunks for row in one.frame.drop("_row", "_offset").rows()] == rows
    assert [number for one in chunks for number in one.frame["_row"]] == list(range(10))
    assert max(one.frame.height for one in chunks) <= chunk
    assert upstream.take() == []


def test_a_read_that_stops_goes_on_behind_the_last_chunk(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db", chunk=2, overlap=timedelta(seconds=5))
    upstream.put(*((str(number), second(number), number) for number in range(9)))
    chunks = upstream.chunks()
    first = [next(chunks).frame["n"].to_list(), next(chunks).frame["n"].to_list()]
    chunks.close()
    assert first == [[0, 1], [2, 3]]
    assert [row[2] for row in upstream.take()] == [4, 5, 6, 7, 8]


COMMITS = st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=6), max_size=8)


@settings(deadline=None, max_examples=15)
@given(
    commits=COMMITS, chunk=st.integers(1, 4), overlap=st.integers(0, 5), stops=st.lists(st.integers(0, 3), max_size=8)
)
def test_each_state_is_given_once_however_commits_are_cut(
    tmp_path_factory: pytest.TempPathFactory,
    commits: list[list[tuple[int, int]]],
    chunk: int,
    overlap: int,
    stops: list[int],
) -> None:
    """Rows are put and changed, up to `overlap` seconds late and with ties; reads come between, some stop midway."""
    folder = tmp_path_factory.mktemp("up")
    upstream = Upstream(folder / "up.db", chunk=chunk, overlap=timedelta(seconds=overlap))
    upstream.run("create unique index one on t (id)")
    expected: set[tuple[Any, ...]] = set()
    given_rows: list[tuple[Any, ...]] = []
    high, state = 0, 0
    for number, commit in enumerate(commits):
        highest = high
        for key, late in commit:
            state += 1
            moment = max(0, high - min(late, overlap)) if late else high + state % 2
            highest = max(highest, moment)
            row = (str(key), second(moment), state)
            upstream.run("insert or replace into t values ('{}', '{}', {})".format(*row))
        high = highest
        with closing(sqlite3.connect(upstream.file)) as connection:
            now = set(connection.execute("select * from t"))
        wanted = stops[number] if number < len(stops) else 3
        for place, one in enumerate(upstream.chunks()):
            given_rows += one.frame.drop("_row", "_offset").rows()
            if place == wanted:
                break
        else:
            expected |= now
            assert expected <= set(given_rows)
    given_rows += upstream.take()
    assert len(given_rows) == len(set(given_rows))
    with closing(sqlite3.connect(upstream.file)) as connection:
        assert set(connection.execute("select * from t")) <= set(given_rows)


def test_types_come_from_the_schema_and_not_from_the_values(tmp_path: Path) -> None:
    """One schema from the first chunk on, also where it holds nothing but nulls."""
    columns = (
        "id text, at text, i integer, r real, d decimal(9, 2), w numeric(9, 0), b boolean, t varchar(9), m datetime"
    )
    upstream = Upstream(tmp_path / "up.db", f"create table t ({columns}, y, j json)", chunk=1)
    upstream.put(
        ("a", second(1), *[None] * 9),
        ("b", second(2), 2**62, 1.5, "2.25", 7, 1, "007", "2026-01-01 00:00:00", "x", '{"a": 1}'),
    )
    first, then = upstream.chunks()
    assert first.frame.schema == then.frame.schema
    kinds = [pl.Int64, pl.Float64, pl.Float64, pl.Int64, pl.Boolean, pl.String, pl.String, pl.String, pl.String]
    assert first.frame.dtypes[2:-2] == kinds
    assert then.frame.row(0)[2:-2] == (2**62, 1.5, 2.25, 7, True, "007", "2026-01-01 00:00:00", "x", '{"a": 1}')


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("integer", "many", "'many' is no whole number"),
        ("integer", 1.5, "1.5 is no whole number"),
        ("integer", b"\x00", "'00' is no whole number"),
        ("real", "fast", "'fast' is no number"),
        ("numeric", 2**60 + 1, "more digits than a number keeps"),
        ("boolean", 7, "7 is neither true nor false"),
        ("text", b"\xff", "bytes that are no text"),
    ],
)
def test_a_value_that_does_not_fit_rejects_its_row_once(tmp_path: Path, kind: str, value: Any, reason: str) -> None:
    upstream = Upstream(tmp_path / "up.db", f"create table t (id text, at text, x {kind})")
    upstream.put(("bad", second(1), value), ("good", second(1), None))
    (chunk,) = upstream.chunks()
    assert chunk.frame.rows() == [("good", second(1), None, 0, "t:good")]
    (rejected,) = chunk.rejected
    assert (rejected.offset, rejected.reason) == ("t:bad", rejected.reason)
    assert reason in rejected.reason
    assert '"id":"bad"' in rejected.line
    assert list(upstream.chunks()) == []


def test_text_that_is_not_utf8_costs_its_row_only(upstream: Upstream) -> None:
    upstream.put(("a", second(1), 1))
    upstream.run(f"insert into t values (cast(x'ff61' as text), '{second(1)}', 2)")
    (chunk,) = upstream.chunks()
    assert chunk.frame["id"].to_list() == ["a"]
    assert "no text" in chunk.rejected[0].reason


def test_a_missing_key_rejects_the_row_once(upstream: Upstream) -> None:
    upstream.put((None, second(1), 1), ("a", second(1), 2), (None, second(1), 3))
    (chunk,) = upstream.chunks()
    assert chunk.frame["id"].to_list() == ["a"]
    assert [one.reason for one in chunk.rejected] == ["column id: the key is missing"] * 2
    assert list(upstream.chunks()) == []


def test_many_rows_of_one_place_are_all_read(tmp_path: Path) -> None:
    """Neither a cursor nor a key tells them apart, so they do not fit into chunks; still each comes once."""
    upstream = Upstream(tmp_path / "up.db", chunk=2)
    upstream.put(*(("same", second(1), number) for number in range(9)), *((None, second(1), 9) for _ in range(9)))
    chunks = list(upstream.chunks())
    assert sorted(one for chunk in chunks for one in chunk.frame["n"]) == list(range(9))
    assert list(upstream.chunks()) == []


def test_rows_without_cursor_are_told_and_read_when_they_have_one(upstream: Upstream) -> None:
    upstream.put(("a", None, 1))
    (chunk,) = upstream.chunks()
    assert (chunk.frame.height, chunk.note) == (0, "rows: 1 without at; such rows are not read until they have one")
    assert list(upstream.chunks()) == []
    upstream.run(f"update t set at = '{second(4)}'")
    assert upstream.take() == [("a", second(4), 1)]


def test_views_and_odd_names_are_read(tmp_path: Path) -> None:
    table = 'create table "t; drop table t--" ("the ""id""" integer, "se lect" real, x integer)'
    view = 'create view "v.w" as select *, cast(x as real) as y from "t; drop table t--"'
    upstream = Upstream(tmp_path / "up.db", table, view)
    upstream.run('insert into "t; drop table t--" values (1, 0.5, 2)')
    upstream.spec = replace(upstream.spec, table="v.w", cursor="se lect", key=('the "id"',))
    assert upstream.take()[0][:3] == (1, 0.5, 2)  # the type of y depends on the version of SQLite
    upstream.spec = replace(upstream.spec, table="t; drop table t--")
    upstream.position = None
    assert upstream.take() == [(1, 0.5, 2)]


def test_what_is_not_there_is_named_with_the_nearest(upstream: Upstream) -> None:
    said = refusal(upstream, cursor="att", key=("idd", "nothing"))
    assert "there is no column 'att'; did you mean 'at'?" in said
    assert "there is no column 'idd'; did you mean 'id'?" in said
    assert "'nothing'" in said
    upstream.run("create table flights (a)")
    assert "did you mean 'flights'?" in refusal(upstream, table="flihgts")
    assert "key: is required" in refusal(upstream, key=())


@pytest.mark.parametrize("name", ["t'; drop table t; --", 't" union select 1,1,1 --', "sqlite_master", "main.t;", "%"])
def test_injection_through_names_changes_nothing(upstream: Upstream, name: str) -> None:
    upstream.put(("a", second(1), 1))
    for setting in ({"table": name}, {"cursor": name}, {"key": (name,)}):
        assert "there is no" in refusal(upstream, **setting)
    assert len(upstream.take()) == 1


def test_injection_through_values_changes_nothing(upstream: Upstream) -> None:
    upstream.put(("' or 1=1; drop table t; --", "2026' or '1'='1", 1))
    assert len(upstream.take()) == 1
    upstream.put(("'; delete from t; --", "2026' or '1'='1", 2), ("b", "3", 3))
    assert [row[2] for row in upstream.take()] == [2, 3]


def test_the_database_is_not_written(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db")
    upstream.put(("a", second(1), 1))
    before = upstream.file.read_bytes()
    upstream.take()
    assert upstream.file.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [upstream.file]


def test_columns_without_plain_values_are_all_named(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db", "create table t (id text, at text, picture blob, other blob)")
    said = refusal(upstream)
    assert "column picture" in said
    assert "column other" in said
    assert "make a view" in said


def test_reserved_names_are_refused(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db", "create table t (id text, at text, _row integer)")
    with pytest.raises(DataError, match="_row"):
        upstream.take()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no url", "is no database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:////nowhere/at.db", "there is no file /nowhere/at.db"),
        ("oracle+nothing://u:CANARY@h/x", "no known kind"),
        ("mysql+pymysql://u:CANARY@h/x", "driver of 'mysql+pymysql' is not installed"),
    ],
)
def test_a_url_that_leads_nowhere(upstream: Upstream, url: str, said: str) -> None:
    message = refusal(upstream, url=url)
    assert said in message
    assert "CANARY" not in message


def test_a_file_that_is_no_database(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "no.db").write_text("this is no database, whatever it is called" * 100)
    with pytest.raises(HostError, match="not a database"):
        list(DatabaseSource(replace(upstream.spec, url=f"sqlite:///{tmp_path}/no.db")).read(None))


def test_a_database_that_goes_away_keeps_what_was_given(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "up.db", chunk=2)
    upstream.put(*((str(number), second(number), number) for number in range(5)))
    chunks = upstream.chunks()
    assert next(chunks).frame["n"].to_list() == [0, 1]
    away = upstream.file.rename(tmp_path / "away.db")
    with pytest.raises(HostError, match="cannot be read"):
        next(chunks)
    away.rename(upstream.file)
    assert [row[2] for row in upstream.take()] == [2, 3, 4]


def test_another_table_under_the_same_name_is_refused(upstream: Upstream) -> None:
    upstream.put(("a", second(1), 1))
    upstream.take()
    upstream.spec = replace(upstream.spec, cursor="n")
    with pytest.raises(ConfigError, match="new name"):
        upstream.take()


def test_overlap_needs_a_cursor_that_is_a_time(upstream: Upstream) -> None:
    upstream.put(("a", second(1), 1))
    assert "the cursor is no time" in refusal(upstream, cursor="n", overlap=timedelta(seconds=1))


def test_a_number_is_a_cursor_too(upstream: Upstream) -> None:
    upstream.spec = replace(upstream.spec, cursor="n", chunk=1)
    upstream.put(("a", "", 9), ("b", "", 10), ("c", "", "odd"))
    assert [row[0] for row in upstream.take()] == ["a", "b"]
    upstream.put(("d", "", 11))
    assert [row[0] for row in upstream.take()] == ["d"]
    assert list(upstream.chunks()) == []


def test_too_many_ties_shorten_the_overlap_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that was filled in one second: memory stays bounded, and still nothing comes twice."""
    monkeypatch.setattr(window, "MOST", 20)
    upstream = Upstream(tmp_path / "up.db", chunk=7)
    keys = [a + b for a in string.ascii_lowercase for b in "0123"]
    upstream.put(*((key, second(1), 1) for key in keys))
    chunks = list(upstream.chunks())
    assert [one for chunk in chunks for one in chunk.frame["id"]] == keys
    assert sum("shortened" in chunk.note for chunk in chunks) == 1
    assert len(json.dumps(upstream.position)) < 20 * 2 * 16 + 300
    upstream.put(("zz", second(1), 2), ("aa", second(1), 2))
    assert [row[0] for row in upstream.take()] == ["zz"]
    assert upstream.take() == []


def test_the_beginning_never_moves_back() -> None:
    """What lies before the beginning is forgotten: a longer overlap must not bring it again."""
    short = Window(None, timedelta(seconds=1))
    short.move(second(100))
    longer = Window(short.as_json(), timedelta(seconds=50))
    longer.move(second(101))
    assert longer.begin == Place("2026-01-01T00:01:39", None)
    longer.move(second(200))
    assert longer.begin == Place("2026-01-01T00:02:30", None)


@pytest.mark.parametrize(
    ("cursor", "earlier"),
    [
        ("2026-03-01T00:00:05Z", "2026-02-28T23:59:35"),
        ("2026-03-01 00:00:05.123456", "2026-02-28 23:59:35"),
        ("2026-03-01T00:00:05+01:00", "2026-02-28T23:59:35"),
        ("2026-03-01", "2026-02-28"),
        (date(2026, 3, 1), date(2026, 2, 28)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 28, 23, 59, 30, tzinfo=UTC)),
    ],
)
def test_an_overlap_goes_back_in_the_form_of_the_cursor(cursor: Any, earlier: Any) -> None:
    assert go_back(cursor, timedelta(seconds=30)) == earlier
    assert go_back(cursor, timedelta()) == cursor


@pytest.mark.parametrize(
    "value",
    [None, 7, 1.5, "x", True, date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.10"), UUID(int=7)],
)
def test_a_cursor_survives_as_json(value: Any) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_it_says_where_rows_come_from_without_the_password(upstream: Upstream) -> None:
    said = DatabaseSource(upstream.spec).describe()
    assert said == f"table t of sqlite:///{upstream.file}, by at"
