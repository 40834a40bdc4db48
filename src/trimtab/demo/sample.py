"""Which flights are asked over HTTP, and their rows as a client sends them."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from trimtab.loop.state import Wheel
from trimtab.loop.withdraw import standing
from trimtab.nouns import Contract

SHARE = 0.08
"""Share of the flights that are asked: 2,000 to 2,400 a month."""
ALONE = 100
"""Rows of a month that are asked one by one; the others go in batches."""
BATCH = 50

Row = dict[str, Any]


def choose_asked(rows: pl.DataFrame, seed: int) -> pl.Series:
    """Return which rows are asked: a share of the flights by the hash of their id, so the same ones every time."""
    limit = int(SHARE * 2**32)
    salt = seed.to_bytes(8, "big", signed=True)
    marks = [
        int.from_bytes(hashlib.blake2b(one.encode(), digest_size=4, salt=salt).digest(), "big") < limit
        for one in rows["flight_id"]
    ]
    return pl.Series("asked", marks, pl.Boolean)


def read_month(wheel: Wheel, since: datetime, until: datetime, seed: int) -> list[Row]:
    """Return the rows to ask of the month [since, until), in the order in which the questions came up."""
    moment = pl.col("_event_at")
    rows = standing(wheel.lake.read(wheel.clean)).filter((moment >= since) & (moment < until)).sort("_row").collect()
    newest = rows.unique("flight_id", keep="last").sort("_event_at", "flight_id")
    asked = newest.filter(choose_asked(newest, seed))
    return [write_row(row) for row in asked.select(_names(wheel.contract)).iter_rows(named=True)]


def write_row(row: Row) -> Row:
    """Return a row as JSON can say it."""
    return {name: _write_time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def cut_requests(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows request by request: the first hundred alone, the rest fifty at a time."""
    for place in range(min(ALONE, len(rows))):
        yield rows[place : place + 1]
    for place in range(ALONE, len(rows), BATCH):
        yield rows[place : place + BATCH]


def _names(contract: Contract) -> list[str]:
    return [column.name for column in contract.columns]


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
