"""The same row given as JSON, CSV, Parquet, SQLite or a typed table yields bit-equal values."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract.clean import compile_frame
from trimtab.contract.row import compile_row
from trimtab.nouns.contract import Column, Contract

Build = Callable[..., Contract]

COLUMNS = (
    Column("number", "number", nulls=("-999",), clean=("unit:0.45359237",)),
    Column("whole", "integer"),
    Column("flag", "boolean"),
    Column("word", "category", clean=("trim", "upper"), values=("A", "B")),
    Column("code", "text"),
    Column("at", "time"),
    Column("day", "date"),
)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
ROWS = st.fixed_dictionaries(
    {
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-999.0, -0.0, 0.1]),
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "word": st.none() | WORDS,
        "code": st.none() | st.integers(0, 10**15),
        "at": st.none() | st.datetimes(datetime(1700, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the bound is naive
        "day": st.none() | st.dates(),
    }
)
SCHEMA: dict[str, Any] = {
    "number": pl.Float64, "whole": pl.Int64, "flag": pl.Boolean, "word": pl.String, "code": pl.Int64,
    "at": pl.Datetime("us", "UTC"), "day": pl.Date,
}  # fmt: skip


def as_csv(frame: pl.DataFrame) -> pl.DataFrame:
    text = frame.with_columns(pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")).write_csv(quote_style="always")
    return pl.read_csv(BytesIO(text.encode()), infer_schema=False)


def as_parquet(frame: pl.DataFrame) -> pl.DataFrame:
    file = BytesIO()
    frame.write_parquet(file)
    file.seek(0)
    return pl.read_parquet(file)


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(row, default=lambda value: value.isoformat()))
    return found


def as_sqlite(frame: pl.DataFrame) -> pl.DataFrame:
    """SQLite keeps true as 1, and times and days as texts."""
    texts = frame.with_columns(pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00:00"), pl.col("day").cast(pl.String))
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute(
            "CREATE TABLE t (number REAL, whole INTEGER, flag INTEGER, word TEXT, code INTEGER, at TEXT, day TEXT)"
        )
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", texts.rows())
        schema: dict[str, Any] = {**texts.schema, "flag": pl.Int64}
        return pl.DataFrame(base.execute("SELECT * FROM t").fetchall(), schema=schema, orient="row")


def values_of(contract: Contract, frame: pl.DataFrame, *, text: bool) -> list[str]:
    checked = compile_frame(contract, text=text).apply(frame)
    assert checked.counts == {}
    return [repr(row) for row in checked.clean.select(frame.columns).rows()]


@given(st.lists(ROWS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=50)
def test_every_format_gives_the_same_values(contract_of: Build, rows: list[dict[str, Any]]) -> None:
    contract = contract_of(*COLUMNS)
    row = compile_row(contract)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    answers = [row(as_json(one)) for one in rows]
    if any(answer.reasons for answer in answers):
        return  # for example a unit that takes a number beyond the largest: the other tests compare reasons
    plain = [
        repr(tuple(answer.values)).replace("datetime.timezone.utc", "zoneinfo.ZoneInfo(key='UTC')")
        for answer in answers
    ]
    assert values_of(contract, frame, text=False) == plain
    assert values_of(contract, as_parquet(frame), text=False) == plain
    assert values_of(contract, as_csv(frame), text=True) == plain
    assert values_of(contract, as_sqlite(frame), text=False) == plain
