import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest

from trimtab.demo.upstream import Passed, World
from trimtab.demo.upstream.register import FLIGHT, LANDING, Register
from trimtab.errors import UsageError

DAY = datetime(2013, 1, 2, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, seed=7) as world:
        yield world


def rows(world: World, query: str) -> list[Any]:
    connection = sqlite3.connect(world.database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def everything(world: World) -> tuple[list[Any], list[Any], dict[str, bytes]]:
    files = {path.name: path.read_bytes() for path in sorted(world.drop.iterdir())}
    flights = rows(world, "select * from flights order by flight_id")
    return flights, rows(world, "select * from landings order by flight_id"), files


def get(world: World, query: str, headers: dict[str, str] | None = None) -> tuple[int, str, Any]:
    address = urlsplit(f"{world.environment['FLIGHTS_PLANES']}{query}")
    connection = HTTPConnection(address.netloc, timeout=10)
    try:
        connection.request("GET", f"{address.path}?{address.query}", headers=headers or {})
        reply = connection.getresponse()
        body = reply.read()
        return reply.status, reply.headers.get("ETag", ""), json.loads(body) if body else None
    finally:
        connection.close()


def test_a_flight_appears_two_hours_before_departure_and_changes_when_it_departs(world: World) -> None:
    one = "select updated_at, departed_at, dep_delay from flights where flight_id = 'UA1545-EWR-2013-01-01'"
    world.advance(datetime(2013, 1, 1, 8, 14, tzinfo=UTC))
    assert rows(world, one) == []
    world.advance(datetime(2013, 1, 1, 8, 15, tzinfo=UTC))
    assert rows(world, one) == [("2013-01-01T08:15:00Z", None, None)]
    world.advance(datetime(2013, 1, 1, 10, 17, tzinfo=UTC))
    assert rows(world, one) == [("2013-01-01T10:17:00Z", "2013-01-01T10:17:00Z", 2)]


def test_an_outcome_appears_when_the_flight_has_landed(world: World) -> None:
    one = "select landed_at, late, arr_delay from landings where flight_id = 'UA1545-EWR-2013-01-01'"
    world.advance(datetime(2013, 1, 1, 14, 29, tzinfo=UTC))
    assert rows(world, one) == []
    world.advance(datetime(2013, 1, 1, 14, 30, tzinfo=UTC))
    assert rows(world, one) == [("2013-01-01T14:30:00Z", "false", 11)]


def test_nothing_is_known_before_it_has_happened(world: World) -> None:
    world.advance(datetime(2013, 1, 1, 17, 30, tzinfo=UTC))
    times = "max(updated_at), max(asked_at), max(departed_at)"
    latest = [*rows(world, f"select {times} from flights")[0], *rows(world, "select max(landed_at) from landings")[0]]
    assert max(latest) == "2013-01-01T17:30:00Z"
    assert pl.read_csv(world.drop / "2013-01-01.csv")["time_hour"].max() == "2013-01-01T17:00:00Z"


def test_many_steps_and_one_leap_lead_to_the_same_world(world: World, tmp_path: Path) -> None:
    for hours in range(1, 49, 5):
        world.advance(datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=hours, minutes=13))
    with World(tmp_path / "other", seed=1) as other:
        other.advance(world.now)
        assert everything(world) == everything(other)


def test_a_cursor_on_updated_at_meets_every_state(world: World) -> None:
    seen: dict[str, Any] = {}
    cursor = ""
    for hours in range(9, 48, 3):
        world.advance(datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
        query = f"select flight_id, updated_at, departed_at from flights where updated_at > '{cursor}'"
        for flight_id, updated_at, departed_at in rows(world, query):
            seen[flight_id] = departed_at
            cursor = max(cursor, updated_at)
    assert seen == dict(rows(world, "select flight_id, departed_at from flights"))


def test_a_cancelled_flight_never_lands(world: World) -> None:
    world.advance(datetime(2013, 1, 4, tzinfo=UTC))
    gone = "select count(*) from flights where departed_at is null and scheduled_at < '2013-01-02T05:00:00Z'"
    landed = "select count(*) from landings join flights using (flight_id) where departed_at is null"
    assert rows(world, gone) == [(4,)]
    assert rows(world, landed) == [(0,)]


def test_a_weather_file_grows_at_its_end_and_leaves_nothing_unfinished(world: World) -> None:
    world.advance(datetime(2013, 1, 1, 12, tzinfo=UTC))
    before = (world.drop / "2013-01-01.csv").read_bytes()
    world.advance(DAY)
    after = (world.drop / "2013-01-01.csv").read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)
    assert sorted(path.name for path in world.drop.iterdir()) == ["2013-01-01.csv", "2013-01-02.csv"]


def test_weather_keeps_the_spelling_of_missing_and_the_impossible_wind(world: World) -> None:
    world.advance(datetime(2013, 2, 13, tzinfo=UTC))
    day = pl.read_csv(world.drop / "2013-02-12.csv", infer_schema=False)
    assert day.filter(pl.col("wind_speed") == "1048.36058").select("origin", "hour").rows() == [("EWR", "3")]
    assert "NA" in day["wind_gust"]


def test_a_world_goes_on_where_it_stood(world: World) -> None:
    world.advance(DAY)
    world.close()
    with World(world.folder, seed=7) as again:
        assert again.now == DAY
        assert again.advance(DAY) == Passed(0, 0, 0)
        assert again.advance(DAY + timedelta(hours=12)).flights > 0


def test_time_does_not_go_back(world: World) -> None:
    world.advance(DAY)
    with pytest.raises(UsageError, match="stands at 2013-01-02 00:00Z"):
        world.advance(DAY - timedelta(seconds=1))


def test_a_world_that_has_not_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has not started"):
        World(tmp_path, seed=7).advance(DAY)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    register = Register(tmp_path / "flights.db", seed=7)
    text = ["x"]
    flights = pl.DataFrame(dict.fromkeys(FLIGHT, text))
    landings = pl.DataFrame({**dict.fromkeys(LANDING, text), "late": [None]})
    with pytest.raises(sqlite3.IntegrityError):
        register.write(flights, landings, DAY)
    assert register.read_moment() is None
    assert register._connection.execute("select count(*) from flights").fetchone() == (0,)
    register.close()


def test_rows_of_one_moment_come_in_no_order_but_that_of_the_seed(world: World, tmp_path: Path) -> None:
    order = "select flight_id from flights order by rowid"
    world.advance(DAY)
    with World(tmp_path / "same", seed=7) as same, World(tmp_path / "other", seed=8) as other:
        same.advance(DAY)
        other.advance(DAY)
        assert rows(world, order) == rows(same, order) != rows(other, order)


def test_the_pages_hold_every_plane_once(world: World) -> None:
    pages = [get(world, f"?page={number}&size=500")[2] for number in range(1, 8)]
    assert {page["pages"] for page in pages} == {7}
    assert [page["page"] for page in pages] == list(range(1, 8))
    assert len({item["tailnum"] for page in pages for item in page["items"]}) == 3_322
    assert get(world, "?page=8&size=500")[2]["items"] == []


def test_a_known_page_is_not_sent_again(world: World) -> None:
    _, tag, _ = get(world, "?page=2")
    assert get(world, "?page=2", {"If-None-Match": tag})[::2] == (304, None)
    assert get(world, "?page=3", {"If-None-Match": tag})[0] == 200


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=%C2%B2", "?size=1001", "?size=0", "?page=" + "9" * 10]
)
def test_a_page_that_is_none_is_refused(world: World, query: str) -> None:
    status, _, content = get(world, query)
    assert status == 400
    assert "is a whole number from 1" in content["error"]


def test_there_is_nothing_but_planes(world: World) -> None:
    assert get(world, "/../flights.db")[0] == 404


def test_a_closed_world_does_not_answer(world: World) -> None:
    connection = HTTPConnection(urlsplit(world.environment["FLIGHTS_PLANES"]).netloc, timeout=10)
    world.close()
    with pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/planes")


def test_a_month_passes_in_two_seconds_of_work(world: World) -> None:
    world.advance(DAY)
    started = time.process_time()
    passed = world.advance(datetime(2013, 2, 1, tzinfo=UTC))
    assert passed.flights > 25_000
    assert time.process_time() - started <= 2
