"""Flights and landings in a SQLite database, as an airport's own system would keep them.

Every time is UTC in RFC 3339, to the second (`2013-01-01T08:15:00Z`): as text it sorts like time. The simulated moment
up to which the database is written stands in its `user_version` (Unix seconds), in the same transaction as the rows.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

SCHEMA = """
create table if not exists flights (
    flight_id text primary key,
    updated_at text not null,      -- when this row last changed: it appears, then the flight departs
    asked_at text not null,        -- two hours before scheduled departure: the row appears
    scheduled_at text not null,
    sched_arr_at text not null,
    carrier text not null,
    flight integer not null,
    tailnum text,
    origin text not null,
    dest text not null,
    distance integer not null,     -- miles
    departed_at text,              -- null until it has departed
    dep_delay integer              -- minutes; null until it has departed
);
create index if not exists flights_by_change on flights (updated_at);
create table if not exists landings (
    flight_id text primary key,
    landed_at text not null,
    late text not null,            -- 'true': more than 15 minutes after schedule
    arr_delay integer not null     -- minutes
);
create index if not exists landings_by_time on landings (landed_at);
"""
FLIGHT = (
    *("flight_id", "updated_at", "asked_at", "scheduled_at", "sched_arr_at", "carrier", "flight", "tailnum"),
    *("origin", "dest", "distance", "departed_at", "dep_delay"),
)
LANDING = ("flight_id", "landed_at", "late", "arr_delay")
CHANGING = ("updated_at", "departed_at", "dep_delay")
LATE = 15
"""Minutes after schedule beyond which an arrival is late."""


class Register:
    """The database at a path, opened or made. `seed` shuffles the order in which rows of one moment are written."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self.path = path
        self._seed = seed
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(SCHEMA)

    def read_moment(self) -> datetime | None:
        """Return the moment up to which the database is written, None for a new one."""
        seconds = self._connection.execute("pragma user_version").fetchone()[0]
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    def write(self, flights: pl.DataFrame, landings: pl.DataFrame, until: datetime) -> None:
        """Put flights and landings in, all or none; a flight that is known already takes its newer state."""
        newer = ", ".join(f"{name} = excluded.{name}" for name in CHANGING)
        self._connection.execute("begin immediate")
        try:
            self._insert("flights", flights.select(FLIGHT), f"on conflict (flight_id) do update set {newer}")
            self._insert("landings", landings.select(LANDING), "on conflict (flight_id) do nothing")
            self._connection.execute(f"pragma user_version = {int(until.timestamp())}")
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise

    def close(self) -> None:
        """Close the database; what was written stays."""
        self._connection.close()

    def _insert(self, table: str, frame: pl.DataFrame, conflict: str) -> None:
        rows = as_text(frame).sample(fraction=1.0, shuffle=True, seed=self._seed).rows()
        marks = ", ".join("?" * frame.width)
        self._connection.executemany(f"insert into {table} values ({marks}) {conflict}", rows)


def read_flights(schedule: pl.DataFrame) -> pl.DataFrame:
    """Return the year's flights as the database will hold them, each with the moments at which it changes.

    Columns of `FLIGHT` and `LANDING` without `updated_at`. `landed_at` is null for a flight that was cancelled or
    diverted: neither ever arrives at its destination in the source.
    """
    local_day = pl.col("scheduled_at").dt.convert_time_zone("America/New_York").dt.strftime("%Y-%m-%d")
    return schedule.with_columns(
        pl.format("{}{}-{}-{}", "carrier", "flight", "origin", local_day).alias("flight_id"),
        asked_at=pl.col("scheduled_at") - pl.duration(hours=2),
        departed_at=pl.col("scheduled_at") + pl.duration(minutes="dep_delay"),
        landed_at=pl.col("sched_arr_at") + pl.duration(minutes="arr_delay"),
        late=pl.when(pl.col("arr_delay") > LATE).then(pl.lit("true")).otherwise(pl.lit("false")),
    )


def changed_flights(flights: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Return the flights that appeared or departed after `since` and by `until`, in their state at `until`."""
    departed = pl.col("departed_at") <= until
    state = flights.filter(pl.col("asked_at") <= until).with_columns(
        departed_at=pl.when(departed).then("departed_at"),
        dep_delay=pl.when(departed).then("dep_delay"),
    )
    return state.with_columns(updated_at=pl.coalesce("departed_at", "asked_at")).filter(pl.col("updated_at") > since)


def new_landings(flights: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Return the landings after `since` and by `until`."""
    return flights.filter(pl.col("landed_at").is_between(since, until, closed="right"))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every time as RFC 3339 text, UTC, to the second."""
    return frame.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
