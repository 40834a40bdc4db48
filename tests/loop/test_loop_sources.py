"""Several sources become one table: a database, a file drop, outcomes from a database, joined by a pipeline."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.errors import DataError
from trimtab.ingest import Chunk, FileSource, open_source
from trimtab.loop.cycle import ingest, read_sources
from trimtab.loop.gather import keep_raw
from trimtab.loop.known import load_labelled, resolve
from trimtab.loop.raw import slices
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.withdraw import standing

PROJECT = """
format = 1
[project]
name = "orders"
[sources.orders]
kind = "database"
url = "sqlite:///{folder}/shop.db"
table = "orders"
cursor = "changed_at"
key = ["id"]
[sources.weather]
kind = "files"
path = "drop"
pattern = "*.csv"
key = ["day"]
[sources.returns]
kind = "database"
url = "sqlite:///{folder}/shop.db"
table = "returns"
cursor = "at"
role = "outcomes"
key = ["id"]
value = "returned"
known_at = "at"
[pipeline]
sql = "pipeline.sql"
watermark = "asked_at"
lateness = "2d"
"""
CONTRACT = """
format = 1
[row]
key = ["id"]
event_time = "asked_at"
order = "event_time"
[target]
column = "returned"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "integer"
role = "key"
[columns.asked_at]
type = "time"
role = "time"
[columns.price]
type = "number"
hard = [0, 1000]
[columns.rain]
type = "number"
[raw.weather.columns.rain]
type = "number"
hard = [0, 100]
"""
SQL = """
select orders.id, cast(orders.asked_at as timestamptz) as asked_at, orders.price, weather.rain
from orders left join weather on weather.day = orders.day
"""


def say_nothing(_: str) -> None:
    pass


def write_orders(folder: Path, orders: Sequence[tuple[int, int, float]], changed: str = "") -> None:
    """Orders (id, day of January, price), noted on their day or when they `changed`."""
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute(
            "create table if not exists orders (id integer, day text, asked_at text, price real, changed_at text)"
        )
        database.executemany(
            "insert into orders values (?, ?, ?, ?, ?)",
            [
                (key, f"d{day:02}", f"2026-01-{day:02}T12:00:00Z", price, changed or f"2026-01-{day:02}T12:00:00Z")
                for key, day, price in orders
            ],
        )
    database.close()


def write_returns(folder: Path, returns: Sequence[tuple[int, str, str]]) -> None:
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("create table if not exists returns (id integer, returned text, at text)")
        database.executemany("insert into returns values (?, ?, ?)", returns)
    database.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "drop").mkdir()
    (tmp_path / "trimtab.toml").write_text(PROJECT.format(folder=tmp_path), encoding="utf-8")
    (tmp_path / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "pipeline.sql").write_text(SQL, encoding="utf-8")
    (tmp_path / "drop" / "a.csv").write_text("day,rain\nd01,3\nd02,1048\nd03,7\n", encoding="utf-8")
    write_orders(tmp_path, [(1, 1, 10.0), (2, 2, 20.0), (3, 3, 5000.0)])
    write_returns(tmp_path, [(1, "yes", "2026-01-05T00:00:00Z")])
    return tmp_path


def clean(wheel: Wheel) -> list[tuple[object, ...]]:
    return standing(wheel.lake.read(wheel.clean)).sort("_row").select("id", "price", "rain").collect().rows()


def quarantine(wheel: Wheel) -> list[tuple[object, ...]]:
    rows = wheel.quarantined().select("_source", pl.col("reasons").list.join(",")).collect().rows()
    return sorted(rows)


def test_rows_of_all_sources_meet_once_and_bad_ones_are_kept_once_with_reasons(shop: Path) -> None:
    wheel = open_wheel(shop)
    first = ingest(wheel, tell=say_nothing)
    assert clean(wheel) == [(1, 10.0, 3.0), (2, 20.0, None)]
    assert quarantine(wheel) == [("pipeline", "price:hard_range"), ("weather", "rain:hard_range")]
    assert (first.accepted, first.quarantined, first.rejected) == (2, 2, 0)
    again = ingest(open_wheel(shop), tell=say_nothing)
    assert (again.accepted, again.quarantined) == (0, 0)
    assert len(clean(wheel)) == 2
    assert len(quarantine(wheel)) == 2


def test_reasons_are_counted_for_the_new_bad_rows_only(shop: Path) -> None:
    wheel = open_wheel(shop)
    assert ingest(wheel, tell=say_nothing).reasons == {"price:hard_range": 1, "rain:hard_range": 1}
    write_orders(shop, [(5, 3, 6000.0)])
    again = ingest(wheel, tell=say_nothing)
    assert (again.quarantined, again.reasons) == (1, {"price:hard_range": 1})


def test_what_a_source_gave_before_it_failed_is_kept_and_counted(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class BreakingSource(FileSource):
        def read(self, since: Any) -> Iterator[Chunk]:
            yield from super().read(since)
            raise DataError("the folder went away")

    wheel = open_wheel(shop)
    with monkeypatch.context() as patch:
        patch.setattr(
            "trimtab.loop.gather.open_source",
            lambda spec, **more: BreakingSource(spec) if spec.name == "weather" else open_source(spec, **more),
        )
        done = read_sources(wheel, tell=say_nothing)
    assert [failure.where for failure in done.failures] == ["sources.weather"]
    assert (done.sources["weather"]["read"], done.accepted, done.outcomes) == (3, 2, 1)
    assert ingest(wheel, tell=say_nothing).rows_in == 0


def test_new_rows_come_and_changed_ones_are_newer_states_of_their_key(shop: Path) -> None:
    wheel = open_wheel(shop)
    ingest(wheel, tell=say_nothing)
    write_orders(shop, [(4, 4, 40.0)])
    write_orders(shop, [(2, 2, 22.0)], changed="2026-01-04T13:00:00Z")
    (shop / "drop" / "b.csv").write_text("day,rain\nd04,4\n", encoding="utf-8")
    ingest(wheel, tell=say_nothing)
    assert sorted(clean(wheel)) == [(1, 10.0, 3.0), (2, 22.0, None), (4, 40.0, 4.0)]


def test_outcomes_of_a_source_label_rows_by_key_once(shop: Path) -> None:
    wheel = open_wheel(shop)
    ingest(wheel, tell=say_nothing)
    write_returns(shop, [(2, "no", "2026-01-06T00:00:00Z"), (1, "perhaps", "2026-01-07T00:00:00Z")])
    ingest(wheel, tell=say_nothing)
    ingest(wheel, tell=say_nothing)
    rows = load_labelled(wheel, resolve(wheel, None)).rows
    assert rows.select("id", "_label").rows() == [(1, "yes"), (2, "no")]
    assert wheel.lake.read("outcomes").collect().height == 2
    assert ("returns", "line:the value is none of 'no', 'yes'") in quarantine(wheel)


def test_only_the_sources_of_one_role_are_read_where_asked(shop: Path) -> None:
    wheel = open_wheel(shop)
    ingest(wheel, tell=say_nothing, role="rows")
    assert wheel.lake.version("outcomes") == -1
    assert len(clean(wheel)) == 2
    ingest(wheel, tell=say_nothing, role="outcomes")
    assert wheel.lake.read("outcomes").collect().height == 1


def test_a_crash_between_outcomes_and_position_repeats_none(shop: Path) -> None:
    """Forget the position's commit: the same chunk comes again, and its outcomes are recognised."""
    wheel = open_wheel(shop)
    ingest(wheel, tell=say_nothing)
    raw = wheel.lake.root / "raw" / "returns" / "_delta_log"
    newest = max(raw.glob("*.json"))
    newest.unlink()
    again = open_wheel(shop)
    ingest(again, tell=say_nothing)
    assert again.lake.read("outcomes").collect().height == 1
    assert again.lake.read("raw/returns").collect().height == 1


def test_read_that_ends_with_a_note_costs_no_row_of_the_next_one(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file keeps changing while it is read: the position stands still, and what comes then is kept all the same."""
    wheel = open_wheel(shop)
    (spec,) = (one for one in wheel.project.sources if one.name == "weather")
    still = {"files": {}, "next_row": 0, "seen": []}

    class Restless(FileSource):
        def read(self, since: object) -> Iterator[Chunk]:
            yield Chunk(pl.DataFrame(schema={"_row": pl.Int64, "_offset": pl.String}), still, note="it changed")

    with monkeypatch.context() as patch:
        patch.setattr("trimtab.loop.gather.open_source", Restless)
        notes = [kept.notes for _ in range(3) for kept in keep_raw(wheel, spec, tell=say_nothing)]
    assert notes == [["it changed"]] * 3
    assert [kept.rows for kept in keep_raw(wheel, spec, tell=say_nothing)] == [3]
    assert wheel.lake.read("raw/weather").collect().height == 3


def test_wide_rows_are_worked_on_a_few_at_a_time(make_wheel: Callable[..., Wheel]) -> None:
    """Memory is bounded by values: three columns of the file and three of trimtab are six of them a row."""
    wheel = make_wheel(300, turned_at=300)
    rows, until = next(slices(wheel, wheel.project.sources[0], "clean/other", "test", most_values=600))
    assert rows["_row"].to_list() == list(range(100))
    assert until == 100
