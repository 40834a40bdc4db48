"""A year of flights that happens as simulated time passes."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

import polars as pl

from trimtab.demo.data import read_table
from trimtab.demo.upstream.drop import drop_days
from trimtab.demo.upstream.planes import PlanesApi
from trimtab.demo.upstream.register import Register, changed_flights, new_landings, read_flights
from trimtab.errors import HostError, UsageError

BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
"""Before the first row of any kind."""
END = datetime(2014, 1, 2, tzinfo=UTC)
"""After the last one has landed."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What one stretch of time brought: rows of flights that appeared or changed, landings, weather observations."""

    flights: int
    landings: int
    observations: int


class World:
    """Database, file drop and API in a folder; they hold what is known at `now`, which `advance` moves on.

    In a folder that an earlier World was moved in, a new one goes on where that one stood, also after a kill. Between
    two calls nothing changes; readers may come at any time. The rows are real; only the order in which the rows of one
    call are written comes from `seed`, so that a reader which trusts that order is found out. A `share` below 1 keeps
    only so many of the flights, by the hash of their id: a small world for tests.

    >>> with World(Path("/tmp/upstream"), seed=7) as world:   # doctest: +SKIP
    ...     world.advance(datetime(2013, 2, 1, tzinfo=UTC))
    Passed(flights=26977, landings=26053, observations=2214)
    """

    def __init__(self, folder: Path, *, seed: int, share: float = 1.0) -> None:
        self.folder = folder
        self.database = folder / "flights.db"
        self.drop = folder / "drop" / "weather"
        self._seed = seed
        self._share = share
        self._parts: tuple[Register, PlanesApi] | None = None

    @property
    def now(self) -> datetime:
        """The simulated moment, UTC."""
        register, _ = self._running
        return register.read_moment() or BEGIN

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the project in examples/flights reads: where the three parts are."""
        _, api = self._running
        return {
            "FLIGHTS_DB": f"sqlite:///{self.database.resolve()}",
            "FLIGHTS_WEATHER": str(self.drop.resolve()),
            "FLIGHTS_PLANES": api.url,
        }

    def start(self) -> None:
        """Open the database and the drop, and answer on the API. Raises HostError where one of them cannot be had."""
        try:
            self.drop.mkdir(parents=True, exist_ok=True)
            register = Register(self.database, seed=self._seed)
        except (OSError, sqlite3.Error) as error:
            raise HostError(f"{self.folder} cannot hold the upstream world: {error}.") from error
        api = PlanesApi(read_table("planes").to_dicts())
        api.start()
        self._parts = register, api

    def advance(self, until: datetime) -> Passed:
        """Let everything happen up to and including `until`.

        Raises UsageError where that is in the past, HostError where the disk is full.
        """
        register, since = self._running[0], self.now
        if until < since:
            raise UsageError(f"the world stands at {since:%Y-%m-%d %H:%M}Z; time does not go back.")
        observations = drop_days(self._weather, self.drop, since, until)
        flights = changed_flights(self._flights, since, until)
        landings = new_landings(self._flights, since, until)
        try:
            register.write(flights, landings, until)
        except sqlite3.Error as error:
            raise HostError(f"{self.database} cannot be written: {error}.", hint="see to disk space") from error
        return Passed(flights.height, landings.height, observations)

    def close(self) -> None:
        """Stop the API and close the database; both files and rows stay."""
        if self._parts is not None:
            register, api = self._parts
            self._parts = None
            api.stop()
            register.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _flights(self) -> pl.DataFrame:
        flights = read_flights(read_table("flights"))
        if self._share < 1:
            limit = int(self._share * 2**32)
            flights = flights.filter(pl.col("flight_id").map_elements(_mark, pl.Int64) < limit)
        return flights

    @cached_property
    def _weather(self) -> pl.DataFrame:
        return read_table("weather")

    @property
    def _running(self) -> tuple[Register, PlanesApi]:
        if self._parts is None:
            raise UsageError("the world has not started.", hint="call start() first, or use it in a with statement")
        return self._parts


def _mark(flight: str) -> int:
    return crc32(flight.encode())
