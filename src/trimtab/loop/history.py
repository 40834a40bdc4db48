"""A project's labelled past, in order, and the batches that a replay goes through."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from trimtab.errors import DataError
from trimtab.loop.cycle import form_of, ingest
from trimtab.loop.known import load_history
from trimtab.loop.state import Wheel, open_wheel
from trimtab.nouns import Contract
from trimtab.nouns.project import PipelineSpec
from trimtab.store import open_blobs, open_catalog, open_index, open_lake

Chooser = Callable[[pl.DataFrame], pl.Series]
FIRST_SHARE, FIRST_ROWS = 0.10, 2000
BATCH_SHARE, BATCH_ROWS = 0.015, 150
INSTANT = timedelta(microseconds=1)
"""A batch ends this much before the next one begins: what is known at that very moment comes after the turn."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch [start, end) of history, and how many of its rows were asked.

    `name` says where it begins, `until` where it ends: a moment, or with `order = "file"` the number of rows by then.
    """

    name: str
    start: datetime
    end: datetime
    rows: int
    until: datetime | int


@dataclass(frozen=True, slots=True)
class History:
    """Labelled rows in order: contract columns, `_label`, `_key`, `_id`, `_when`, `_known`, `_asked`."""

    rows: pl.DataFrame
    contract: Contract


@contextmanager
def open_past(folder: Path, data: Path | None, *, tell: Callable[[str], None]) -> Iterator[Wheel]:
    """Give the project of a folder with its rows; one that was only made reads its sources first, as `train` does.

    With `data` a record of its own takes the place of the project's, and is gone afterwards: it holds the rows of that
    file, read as the project's files are and cleaned by its Contract. They are the rows that a model is asked about,
    after a pipeline.
    """
    wheel = open_wheel(folder)
    if data is None:
        if wheel.lake.version(wheel.clean) < 0:
            ingest(wheel, tell=tell)
        yield wheel
        return
    source = form_of(wheel, data)
    with TemporaryDirectory(prefix="replay-", dir=wheel.project.state) as place:
        project = replace(wheel.project, state=Path(place), sources=(source,), pipeline=PipelineSpec())
        catalog, index = open_catalog(project), open_index(project)
        try:
            own = Wheel(project, open_lake(project), catalog, open_blobs(project), index)
            ingest(own, tell=tell)
            yield own
        finally:
            catalog.close()
            index.close()


def read_history(wheel: Wheel, asked: Chooser | None = None, *, shuffle: int | None = None) -> History:
    """Return the project's labelled rows with the moments at which they were asked and their labels known.

    With `order = "event_time"` these are the event time and the Outcome's `known_at` (for a label that came with its
    row: the event time plus `matures_after`). With `order = "file"` the position is the time, a second a row. With a
    seed to `shuffle` by, other rows stand at the same moments: a world in which nothing drifts.
    """
    contract = wheel.contract
    rows = load_history(wheel)
    if contract.row.order == "none":
        raise DataError(
            "The rows have no order, so there is no history to replay.",
            hint='set [row] event_time and order = "event_time", or order = "file", in contract.toml',
        )
    when = pl.col("_event_at")
    known = pl.max_horizontal(pl.coalesce("_told_at", when + contract.target.matures_after), when)
    if contract.row.order == "file":
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        when = known = (place * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    rows = rows.with_columns(when.alias("_when"), known.alias("_known"))
    if shuffle is not None:
        rows = _shuffle(rows, shuffle)
    mark = pl.repeat(value=True, n=rows.height, eager=True) if asked is None else asked(rows)
    names = pl.Series("_id", [f"r{place:09d}" for place in range(rows.height)])
    return History(rows.with_columns(mark.alias("_asked"), names), contract)


def _shuffle(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    times = rows.select("_when", "_known")
    mixed = rows.drop("_when", "_known").sample(fraction=1.0, shuffle=True, seed=seed)
    return pl.concat([mixed, times], how="horizontal")


def cut_history(history: History, batch: str | int, start: datetime | None) -> tuple[datetime, tuple[Batch, ...]]:
    """Return when the first Version is fitted, and the batches after that."""
    times, by_file = history.rows["_when"], history.contract.row.order == "file"
    if by_file and (batch == "month" or start is not None):
        said = 'The order of the file is the time here (order = "file"): there are no months and no dates.'
        raise DataError(said, hint="give --batch a number of rows, and leave out --start")
    first = max(FIRST_ROWS, round(FIRST_SHARE * len(times)))
    if start is None and len(times) <= first:
        raise DataError(f"{len(times):,} labelled rows are too few for a replay; it needs more than {first:,}.")
    begin: datetime = start or times[first]
    later = times.filter(times >= begin)
    if not len(later):
        raise DataError(f"No labelled row was asked at or after {begin:%Y-%m-%d}.", hint="choose an earlier start")
    edges = _edges(later, batch, round(BATCH_SHARE * len(times)))
    asked = history.rows.filter("_asked")["_when"]
    form = "%Y-%m" if batch == "month" else "%Y-%m-%d %H:%M"
    return begin, tuple(
        Batch(
            name=f"row {_count_before(low) + 1:,}" if by_file else f"{low:{form}}",
            start=low,
            end=high,
            rows=int(((asked >= low) & (asked < high)).sum()),
            until=_count_before(high) if by_file else high,
        )
        for low, high in pairwise(edges)
    )


def _count_before(moment: datetime) -> int:
    """Return how many rows of a file lie before a moment, a second being a row."""
    return ceil(moment.timestamp())


def _edges(later: pl.Series, batch: str | int, share: int) -> list[datetime]:
    """Return where batches begin, and the end of the last one."""
    if batch == "month":
        months = later.dt.truncate("1mo").unique().sort()
        return [later[0], *months[1:].to_list(), months[-1:].dt.offset_by("1mo")[0]]
    size = int(batch) or max(BATCH_ROWS, share)
    return [*later.gather_every(size).to_list(), later[-1] + timedelta(microseconds=1)]


def one_by_one(history: History) -> History:
    """Return the history with no two rows at one moment, so that batches of so many rows hold just as many."""
    place = pl.int_range(pl.len(), dtype=pl.Int64).over("_when")
    moved = pl.col("_when") + pl.duration(microseconds=place)
    rows = history.rows.sort("_when", maintain_order=True).with_columns(moved.alias("_when"))
    return History(rows.sort("_when", maintain_order=True), history.contract)


def delay_labels(history: History, batches: tuple[Batch, ...], delay: int) -> History:
    """Return the history with every label known at the end of its batch (`delay` 1), or so many batches later.

    Rows before the first batch keep their moments, but are known when it begins.
    """
    starts = pl.Series([one.start for one in batches], dtype=history.rows.schema["_when"])
    ends = [one.end - 2 * INSTANT for one in batches]
    own = starts.search_sorted(history.rows["_when"], side="right").cast(pl.Int64) - 1
    last, never = len(ends) - 1, batches[-1].end + timedelta(days=36500)
    known = [
        when if place < 0 else ends[place + delay - 1] if place + delay - 1 <= last else never
        for place, when in zip(own.to_list(), history.rows["_when"].to_list(), strict=True)
    ]
    kind = history.rows.schema["_known"]
    return History(history.rows.with_columns(pl.Series("_known", known, dtype=kind)), history.contract)
