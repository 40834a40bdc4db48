"""Weather as files: one CSV file per UTC day, which grows by the hour and is replaced whole, by rename.

An observation stands in its file as soon as its hour has come. The columns are those of the source: `hour`, `day` and
`month` are local, `time_hour` is UTC, and a missing value is written NA.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from trimtab.demo.upstream.register import as_text


def drop_days(weather: pl.DataFrame, folder: Path, since: datetime, until: datetime) -> int:
    """Write the file of every day with an observation after `since` and by `until`; return these observations."""
    known = weather.filter(pl.col("time_hour") <= until)
    fresh = known.filter(pl.col("time_hour") > since)
    for name, rows in _split_days(known.filter(pl.col("time_hour") >= _midnight(since))):
        _replace(folder / name, as_text(rows).write_csv(null_value="NA"))
    return fresh.height


def _split_days(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    days = rows.group_by(pl.col("time_hour").dt.strftime("%Y-%m-%d.csv").alias("name"), maintain_order=True)
    return ((str(name), day) for (name,), day in days)


def _midnight(moment: datetime) -> datetime:
    return moment - timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
