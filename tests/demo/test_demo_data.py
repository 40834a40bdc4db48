import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from trimtab.demo import data
from trimtab.demo.data import build
from trimtab.demo.upstream.register import read_flights
from trimtab.errors import HostError

README = (data.FOLDER / "README.md").read_text(encoding="utf-8")
FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,7,1,2029,2029,0,2304,2330,-26,UA,1,N1,EWR,LAX,330,2454,20,29,2013-07-02T00:00:00Z
2013,1,1,NA,2359,NA,NA,440,NA,B6,2,NA,JFK,SJU,NA,1598,23,59,2013-01-02T04:00:00Z
2013,3,9,2300,2255,5,18,12,6,DL,3,N3,LGA,ORD,130,733,22,55,2013-03-10T03:00:00Z
"""


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    return read_flights(data.read_table("flights"))


def percent(flags: pl.Series) -> float:
    return round(int(flags.sum()) / len(flags) * 100, 1)


@pytest.mark.parametrize("name", ["flights", "weather", "planes"])
def test_the_files_are_those_that_the_readme_names(name: str) -> None:
    digest = hashlib.sha256((data.FOLDER / f"{name}.parquet").read_bytes()).hexdigest()
    assert data.read_hashes()[f"{name}.parquet"] == digest
    assert digest in README


def test_an_altered_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planes.parquet").write_bytes((data.FOLDER / "planes.parquet").read_bytes() + b"x")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    monkeypatch.setattr(data, "read_hashes", lambda: {"planes.parquet": "0" * 64})
    with pytest.raises(HostError, match="not the file that this release carries"):
        data.read_table("planes")


def test_every_flight_has_its_own_name(flights: pl.DataFrame) -> None:
    assert flights.height == flights["flight_id"].n_unique() == 336_776
    assert flights["flight_id"].null_count() == 0


def test_labels_are_as_many_and_as_late_as_the_source_says(flights: pl.DataFrame) -> None:
    landed = flights.drop_nulls("landed_at").with_columns(
        month=pl.col("scheduled_at").dt.convert_time_zone("America/New_York").dt.month()
    )
    share = dict(landed.group_by("month").agg((pl.col("late") == "true").mean()).iter_rows())
    assert landed.height == 327_346
    assert percent(landed["late"] == "true") == 23.7
    assert (round(share[9] * 100, 1), round(share[12] * 100, 1)) == (13.2, 32.6)


def test_time_runs_forwards_in_every_flight(flights: pl.DataFrame) -> None:
    landed = flights.drop_nulls("landed_at")
    assert (flights["sched_arr_at"] > flights["scheduled_at"]).all()
    assert (landed["departed_at"] > landed["asked_at"]).all()
    assert (landed["landed_at"] > landed["departed_at"]).all()


def test_cancelled_and_diverted_flights_stay_without_a_label(flights: pl.DataFrame) -> None:
    never = flights.filter(pl.col("landed_at").is_null())
    assert (never["departed_at"].is_null().sum(), never["departed_at"].is_not_null().sum()) == (8_255, 1_175)


def test_planes_are_missing_where_they_are_missing(flights: pl.DataFrame) -> None:
    unknown = flights.with_columns(~pl.col("tailnum").is_in(data.read_table("planes")["tailnum"].implode()))
    unknown = unknown.with_columns(pl.col("tailnum").fill_null(value=True).alias("unknown"))
    share = dict(unknown.group_by("carrier").agg(pl.col("unknown").mean()).iter_rows())
    assert percent(unknown["unknown"]) == 15.6
    assert (round(share["MQ"], 2), round(share["AA"], 2)) == (0.96, 0.69)


def test_the_weather_keeps_its_defects(flights: pl.DataFrame) -> None:
    weather = data.read_table("weather")
    hours = flights.with_columns(time_hour=pl.col("scheduled_at").dt.truncate("1h"))
    bare = hours.join(weather, on=["origin", "time_hour"], how="anti")
    local = weather.select("origin", "year", "month", "day", "hour")
    assert weather.filter(pl.col("wind_speed") > 120)["wind_speed"].round().to_list() == [1048.0]
    assert bare.height == 1_556
    assert local.height - local.n_unique() == 3
    assert weather.select("origin", "time_hour").is_unique().all()


def test_eleven_destinations_are_new_after_january(flights: pl.DataFrame) -> None:
    january = flights.filter(pl.col("scheduled_at") < datetime(2013, 2, 1, 5, tzinfo=UTC))
    assert len(set(flights["dest"]) - set(january["dest"])) == 11


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", FLIGHTS)
    zones = "faa,name,tzone\nLAX,a,America/Los_Angeles\nORD,b,America/Chicago\nXXX,c,NA\n"
    (folder / "airports.csv").write_text(zones, encoding="utf-8")
    weather = "origin,year,month,day,hour,wind_dir,time_hour\nEWR,2013,1,1,1,NA,2013-01-01T06:00:00Z\n"
    (folder / "weather.csv").write_text(weather, encoding="utf-8")
    planes = "tailnum,year,engines,seats,speed\nN3,NA,2,100,NA\nN1,2000,2,100,90\n"
    (folder / "planes.csv").write_text(planes, encoding="utf-8")
    return folder


def test_arrivals_are_found_by_the_clock_of_the_destination(source: Path) -> None:
    built = build.build_flights(source)
    assert built["sched_arr_at"].to_list() == [
        datetime(2013, 1, 2, 8, 40, tzinfo=UTC),  # San Juan, four hours behind UTC all year
        datetime(2013, 3, 10, 6, 12, tzinfo=UTC),  # Chicago, two hours before its clocks change
        datetime(2013, 7, 2, 6, 30, tzinfo=UTC),  # Los Angeles, in summer
    ]
    assert built["dep_delay"].to_list() == [None, 5, 0]


def test_the_build_gives_the_same_bytes_twice(source: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    hashes = build.write_tables(source, tmp_path / "a")
    assert hashes == build.write_tables(source, tmp_path / "b")
    lines = (tmp_path / "a" / data.HASHES).read_text(encoding="ascii").splitlines()
    assert lines == [f"{digest}  {name}" for name, digest in sorted(hashes.items())]
    assert (tmp_path / "a" / "planes.parquet").read_bytes() == (tmp_path / "b" / "planes.parquet").read_bytes()
