"""The same rows by every way in (CSV, Parquet, JSON lines, SQLite, PostgreSQL, a request) give the same bits."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.ingest.conftest import Postgres

from trimtab.contract.clean import compile_frame
from trimtab.contract.row import compile_row
from trimtab.ingest import open_source
from trimtab.nouns import Column, Contract, Row, SourceSpec, Target
from trimtab.train.encode import Encoder

CONTRACT = Contract(
    Row(key=("id",), event_time="at", order="event_time"),
    Target("y", "regression"),
    (
        Column("id", "integer", "key"),
        Column("x", "number", clean=("unit:0.45359237",)),
        Column("n", "integer"),
        Column("flag", "boolean"),
        Column("word", "category", clean=("trim", "upper"), values=("A", "É")),
        Column("at", "time", "time"),
        Column("seen", "time"),
        Column("day", "date"),
    ),
)
SCHEMA: dict[str, Any] = {
    "id": pl.Int64, "x": pl.Float64, "n": pl.Int64, "flag": pl.Boolean, "word": pl.String,
    "at": pl.Datetime("us", "UTC"), "seen": pl.Datetime("us", "UTC"), "day": pl.Date,
}  # fmt: skip
MOMENT = datetime(2026, 3, 29, 1, 59, 59, 999_999, UTC)
ROWS: list[tuple[Any, ...]] = [
    (1, 0.1 + 0.2, 2**53 - 1, True, " a ", MOMENT, MOMENT, date(2024, 2, 29)),
    (2, 1e-308, -7, False, "é", MOMENT, datetime(1969, 12, 31, 23, 59, 59, 1, UTC), date(1900, 1, 1)),
    (3, -1.7976931348623157e308, None, None, "new, \"word\"; 'x'", MOMENT, None, None),
    (4, None, 0, True, None, MOMENT, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), date(2026, 12, 31)),
    (5, 123456789.123456789, 3, False, "A", MOMENT, MOMENT, date(2026, 1, 1)),
]
FRAME = pl.DataFrame(ROWS, schema=SCHEMA, orient="row")
TYPES = "id bigint, x double precision, n bigint, flag boolean, word text, at {time}, seen {time}, day {day}"


def as_csv(folder: Path, _: Callable[[], Postgres]) -> SourceSpec:
    texts = FRAME.with_columns(pl.col("at", "seen").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    texts.write_csv(folder / "rows.csv")
    return SourceSpec("rows", "files", folder / "rows.csv")


def as_parquet(folder: Path, _: Callable[[], Postgres]) -> SourceSpec:
    FRAME.write_parquet(folder / "rows.parquet")
    return SourceSpec("rows", "files", folder / "rows.parquet", format="parquet")


def as_json_lines(folder: Path, _: Callable[[], Postgres]) -> SourceSpec:
    (folder / "rows.jsonl").write_text("\n".join(map(as_json, FRAME.to_dicts())) + "\n", encoding="utf-8")
    return SourceSpec("rows", "files", folder / "rows.jsonl", format="jsonl", key=("id",))


def as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, default=lambda value: value.isoformat())


def as_sqlite(folder: Path, _: Callable[[], Postgres]) -> SourceSpec:
    texts = FRAME.with_columns(pl.col("at", "seen").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00:00"), pl.col("day").cast(str))
    with closing(sqlite3.connect(folder / "rows.db")) as base, base:
        base.execute(f"create table rows ({TYPES.format(time='text', day='text')})")
        base.executemany("insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)", texts.rows())
    return SourceSpec("rows", "database", url=f"sqlite:///{folder}/rows.db", table="rows", key=("id",))


def as_postgres(_: Path, server: Callable[[], Postgres]) -> SourceSpec:
    url = server().schema()
    with server().connect(url) as connection:
        connection.execute(f"create table rows ({TYPES.format(time='timestamptz', day='date')})")
        connection.cursor().executemany("insert into rows values (%s, %s, %s, %s, %s, %s, %s, %s)", ROWS)
    return SourceSpec("rows", "database", url=url, table="rows", key=("id",))


ENCODERS = [
    Encoder.fit(CONTRACT, compile_frame(CONTRACT, text=False).apply(FRAME).clean, form=form)
    for form in ("codes", "one_hot")
]


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_json_lines, as_sqlite, as_postgres])
def test_every_way_in_gives_the_same_bits(write: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    spec: SourceSpec = write(tmp_path, lambda: request.getfixturevalue("postgres"))
    (chunk,) = open_source(spec).read(None)
    checked = compile_frame(CONTRACT, text=spec.is_text).apply(chunk.frame)
    assert (checked.counts, chunk.rejected) == ({}, ())
    asked = [compile_row(CONTRACT)(json.loads(as_json(row))) for row in FRAME.to_dicts()]
    assert all(not one.reasons for one in asked)
    for encoder in ENCODERS:
        by_rows = np.array([encoder.compile_row()(one.values) for one in asked])
        assert encoder.encode_frame(checked.clean).tobytes() == by_rows.tobytes()
