import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from trimtab.config import parse_contract
from trimtab.contract.clean import compile_frame
from trimtab.demo.data import read_table
from trimtab.demo.upstream.drop import drop_days
from trimtab.demo.upstream.register import as_text, changed_flights, read_flights
from trimtab.demo.upstream.world import BEGIN

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"
NOON = datetime(2013, 1, 9, 17, tzinfo=UTC)
# [raw.*] is read by the rooms of ingest; the row's contract is what stands above it.
CONTRACT = parse_contract(
    (EXAMPLE / "contract.toml").read_text(encoding="utf-8").split("# A row of a source")[0], "contract.toml"
)


class Stream:
    """Rows of Polars or DuckDB behind Arrow's C interface alone: so they pass to the other one without pyarrow."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


def make_rows(**tables: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'").fetchall()
        for name, frame in tables.items():
            connection.register(f"{name}_stream", Stream(frame))
            connection.execute(f"create temp table {name} as from {name}_stream").fetchall()
        sql = (EXAMPLE / "pipeline.sql").read_text(encoding="utf-8")
        return pl.DataFrame(Stream(connection.sql(sql))).sort("flight_id")


def look(flights: pl.DataFrame, weather: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Return the rows as the pipeline makes them from what the upstream world holds at a moment."""
    known = changed_flights(flights, BEGIN, until).select(pl.exclude("landed_at", "late", "arr_delay"))
    text = weather.filter(pl.col("time_hour") <= until).with_columns(pl.col(pl.Float64, pl.Int16).cast(pl.String))
    return make_rows(flights=as_text(known), weather=as_text(text.fill_null("NA")), planes=read_table("planes"))


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    return read_flights(read_table("flights").filter(pl.col("scheduled_at") < NOON + timedelta(days=4)))


@pytest.fixture(scope="module")
def weather() -> pl.DataFrame:
    return read_table("weather").filter(pl.col("time_hour") < NOON + timedelta(days=4))


@pytest.fixture(scope="module")
def week(flights: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    return look(flights, weather, NOON)


def test_there_is_one_row_for_each_flight_in_the_columns_of_the_contract(
    week: pl.DataFrame, flights: pl.DataFrame
) -> None:
    assert week["flight_id"].n_unique() == week.height == flights.filter(pl.col("asked_at") <= NOON).height
    assert week.columns == [column.name for column in CONTRACT.columns]


def test_every_row_keeps_the_contract(week: pl.DataFrame) -> None:
    checked = compile_frame(CONTRACT, text=False).apply(week)
    assert (checked.quarantine.height, checked.counts) == (0, {})


def test_what_happens_later_changes_no_row(week: pl.DataFrame, flights: pl.DataFrame, weather: pl.DataFrame) -> None:
    """No leakage: questions asked by noon look the same three days later, when their answers are known."""
    later = look(flights, weather, NOON + timedelta(days=3))
    assert later.height > week.height
    assert later.filter(pl.col("asked_at") <= NOON).equals(week)


def test_the_delay_state_is_that_of_the_three_hours_before(week: pl.DataFrame, flights: pl.DataFrame) -> None:
    one = week.filter(pl.col("departed") > 20).row(0, named=True)
    since = one["asked_at"] - timedelta(hours=3)
    left = flights.filter(pl.col("origin") == one["origin"], pl.col("departed_at").is_between(since, one["asked_at"]))[
        "dep_delay"
    ]
    assert one["departed"] == len(left)
    assert one["mean_delay"] == pytest.approx(left.mean())
    assert one["late_share"] == pytest.approx((left > 15).mean())


def test_before_the_first_departure_of_the_day_the_delay_is_not_known(week: pl.DataFrame) -> None:
    early = week.filter(pl.col("departed") == 0)
    assert early.height > 100
    assert early["mean_delay"].is_null().all()


def test_a_plane_that_the_register_does_not_know_stays_unknown(week: pl.DataFrame) -> None:
    unknown = week.filter(~pl.col("tailnum").is_in(read_table("planes")["tailnum"].implode()))
    assert unknown.height > 1000
    assert unknown.select(pl.col("plane_age", "seats", "engines").is_null().all()).row(0) == (True, True, True)


def test_weather_is_the_newest_of_the_last_two_hours_or_none(flights: pl.DataFrame, weather: pl.DataFrame) -> None:
    gap = NOON - timedelta(hours=5)
    silent = weather.filter((pl.col("time_hour") <= gap) | (pl.col("origin") != "JFK"))
    looked = look(flights, silent, NOON).filter(pl.col("origin") == "JFK", pl.col("asked_at") > gap)
    fresh = looked["asked_at"] <= gap + timedelta(hours=2)
    assert looked.filter(fresh)["temp"].null_count() == 0
    assert looked.filter(~fresh)["temp"].is_null().all()
    assert fresh.any()
    assert not fresh.all()


def test_hours_are_those_of_new_york(week: pl.DataFrame) -> None:
    row = week.filter(pl.col("flight_id") == "UA1545-EWR-2013-01-01").row(0, named=True)
    assert (row["hour"], row["weekday"], row["duration"]) == (5.25, 2, 244.0)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((EXAMPLE / "trimtab.toml").read_text(encoding="utf-8"))


def test_the_project_reads_three_kinds_of_source_and_the_outcomes(project: dict[str, Any]) -> None:
    sources = project["sources"]
    assert {source["kind"] for source in sources.values()} == {"database", "files", "api"}
    assert [name for name, source in sources.items() if source.get("role") == "outcomes"] == ["landings"]
    assert project["pipeline"] == {"sql": "pipeline.sql", "watermark": "asked_at", "lateness": "3d"}


def test_the_drop_has_the_columns_that_the_pipeline_reads(weather: pl.DataFrame, tmp_path: Path) -> None:
    assert drop_days(weather, tmp_path, BEGIN, BEGIN + timedelta(hours=30)) > 50
    dropped = pl.read_csv(tmp_path / "2013-01-02.csv", infer_schema=False)
    assert dropped.columns == weather.columns
