"""Late rows: within `lateness` they change what is kept, as if they had come in time; after it they are counted."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab import clock
from trimtab.errors import ConfigError
from trimtab.loop.cycle import ingest
from trimtab.loop.lineage import trace
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.withdraw import standing

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LATENESS = 2
DEAREST = 7
PROJECT = """
format = 1
[project]
name = "sales"
[sources.sales]
kind = "files"
path = "sales"
pattern = "*.csv"
[sources.closed]
kind = "files"
path = "closed"
pattern = "*.csv"
[pipeline]
{pipeline}
watermark = "day"
lateness = "2d"
"""
CONTRACT = """
format = 1
[row]
event_time = "day"
order = "event_time"
[target]
column = "big"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.day]
type = "time"
role = "time"
[columns.price]
type = "number"
hard = [0, 7]
[columns.of_day]
type = "integer"
"""
WHOLE = """
with dated as (
  select timezone('UTC', timestamp '2026-01-01') + cast(day as integer) * interval 1 day as day, day as number,
    cast(price as double) as price, null as big
  from sales
)
select day, price, count(*) over (partition by day) as of_day, big
from dated
where number not in (select day from closed)
"""
SINCE = WHOLE.rstrip() + " and day >= coalesce(cast($since as timestamptz), day)"
PYTHON = """
import polars as pl
from trimtab.pipeline import step
def build(tables, since):
    sales = tables["sales"].join(tables["closed"], on="day", how="anti")
    step("open", sales, of=tables["sales"])
    first = pl.datetime(2026, 1, 1, time_zone="UTC")
    return sales.select(
        (first + pl.duration(days=pl.col("day").cast(pl.Int64))).alias("day"),
        pl.col("price").cast(pl.Float64),
        pl.len().over("day").alias("of_day"),
        pl.lit(None, pl.String).alias("big"),
    )
"""
KINDS = ("whole", "since", "python")
Row = tuple[int, int | None]
"""A day and a price; without a price the shop was closed, and nothing of that day counts."""


def say_nothing(_: str) -> None:
    pass


def make_shop(folder: Path, kind: str) -> Path:
    line = 'python = "rows:build"' if kind == "python" else 'sql = "rows.sql"'
    (folder / "trimtab.toml").write_text(PROJECT.format(pipeline=line), encoding="utf-8")
    (folder / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (folder / "rows.sql").write_text(SINCE if kind == "since" else WHOLE, encoding="utf-8")
    (folder / "rows.py").write_text(PYTHON, encoding="utf-8")
    for name, head in (("sales", "day,price,file"), ("closed", "day,file")):
        (folder / name).mkdir()
        (folder / name / "0.csv").write_text(f"{head}\n", encoding="utf-8")
    return folder


def drop(folder: Path, number: int, rows: Sequence[Row]) -> None:
    """Write rows into files that no other call writes: a file with the same content is the same file to a source."""
    sales = [f"{day},{price},{number}" for day, price in rows if price is not None]
    closed = [f"{day},{number}" for day, price in rows if price is None]
    for name, head, lines in (("sales", "day,price,file", sales), ("closed", "day,file", closed)):
        if lines:
            (folder / name / f"{number}.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")


def keep(folder: Path, batches: Sequence[Sequence[Row]]) -> Wheel:
    wheel = open_wheel(folder)
    for number, rows in enumerate(batches, start=1):
        drop(folder, number, rows)
        ingest(wheel, tell=say_nothing)
    return wheel


def clean(wheel: Wheel) -> Counter[tuple[object, ...]]:
    rows = standing(wheel.lake.read(wheel.clean)).collect()
    if not rows.height:
        return Counter()
    return Counter(rows.select((pl.col("day") - FIRST).dt.total_days(), "price", "of_day").rows())


def in_time(batches: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Return the batches without what comes when its day is final."""
    newest, found = -99, []
    for rows in batches:
        found.append([row for row in rows if row[0] >= newest - LATENESS])
        newest = max([newest, *(day for day, price in found[-1] if price is not None)])
    return [rows for rows in found if rows]


def expected(rows: Sequence[Row]) -> Counter[tuple[object, ...]]:
    """Return what the pipeline means, in plain Python: open days, rows counted by day, good prices."""
    closed = {day for day, price in rows if price is None}
    sales = [(day, price) for day, price in rows if price is not None and day not in closed]
    of_day = Counter(day for day, _ in sales)
    return Counter((day, float(price), of_day[day]) for day, price in sales if price <= DEAREST)


def check_order(kind: str, batches: Sequence[Sequence[Row]]) -> None:
    arrived = in_time(batches)
    with TemporaryDirectory() as folder:
        wheel = keep(make_shop(Path(folder), kind), arrived)
        assert clean(wheel) == expected([row for rows in arrived for row in rows])


ROW = st.tuples(st.integers(0, 6), st.one_of(st.none(), st.integers(1, 9)))
BATCHES = st.lists(st.lists(ROW, min_size=1, max_size=6), min_size=1, max_size=5)
MIXED: list[list[Row]] = [[(2, 5), (3, 5), (3, 5)], [(3, 5), (5, 9), (2, 4)], [(5, 2), (3, None), (4, 1)], [(4, 1)]]
"""Equal rows, late ones, a bad one, a day that vanishes, and rows that come too late."""


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_within_lateness_gives_the_rows_of_all_at_once(kind: str) -> None:
    check_order(kind, MIXED)
    check_order(kind, [[row for rows in MIXED for row in rows]])


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_order_and_the_batches(kind: str) -> None:
    @settings(deadline=None, max_examples=50)
    @given(BATCHES)
    def check(batches: list[list[Row]]) -> None:
        check_order(kind, batches)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_row_changes_what_is_open_and_leaves_alone_what_is_final(tmp_path: Path, kind: str) -> None:
    wheel = keep(make_shop(tmp_path, kind), [[(1, 5), (3, 5), (4, 5)], [(3, 6), (1, 6)]])
    assert clean(wheel) == Counter({(1, 5.0, 1): 1, (3, 5.0, 2): 1, (3, 6.0, 2): 1, (4, 5.0, 1): 1})
    facts = trace(wheel).facts
    contract = facts["contract"]
    assert (contract["accepted"], contract["late"], contract["held"]) == (5, 2, 1)
    assert facts["clean"] == contract["accepted"] - contract["late"] + contract["held"]


def test_what_was_withdrawn_was_known_before(tmp_path: Path) -> None:
    wheel = keep(make_shop(tmp_path, "whole"), [[(3, 5), (4, 5)], [(3, None)]])
    assert clean(wheel) == Counter({(4, 5.0, 1): 1})
    table = wheel.lake.read(wheel.clean)
    assert table.collect().height == 3
    before = table.select(pl.col("_arrived_at").min()).collect().item()
    assert standing(table.filter(pl.col("_arrived_at") <= before)).collect().height == 2


def test_a_bad_row_and_a_day_in_the_future_make_nothing_final(tmp_path: Path) -> None:
    today = (clock.now() - FIRST).days
    wheel = keep(make_shop(tmp_path, "whole"), [[(3, 5), (30, 9)], [(1, 5)], [(300_000, 5)], [(today, 5)]])
    assert clean(wheel) == Counter((day, 5.0, 1) for day in (3, 1, 300_000, today))


def test_an_edited_text_is_a_new_definition(tmp_path: Path) -> None:
    """What the old text said of final rows is taken back, too."""
    folder = make_shop(tmp_path, "whole")
    wheel = keep(folder, [[(0, 5), (6, 5)]])
    (folder / "rows.sql").write_text(WHOLE.replace("as double)", "as double) + 1"), encoding="utf-8")
    ingest(wheel, tell=say_nothing)
    assert clean(wheel) == Counter({(0, 6.0, 1): 1, (6, 6.0, 1): 1})


def test_a_result_without_its_watermark_is_told(tmp_path: Path) -> None:
    folder = make_shop(tmp_path, "whole")
    for text, said in ((WHOLE.replace("select day,", "select"), "no column 'day'"), ("select 'x' as day", "String in")):
        (folder / "rows.sql").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            keep(folder, [[(1, 5)]])


@pytest.mark.parametrize("kind", ["whole", "python"])
def test_lineage_accounts_for_every_row(tmp_path: Path, kind: str) -> None:
    wheel = keep(make_shop(tmp_path, kind), [[(1, 5), (1, 9), (3, 5), (4, 5), (4, None)]])
    traced = trace(wheel)
    sales = traced.facts["sources"][0]
    assert sales["rows_in"] == sales["rejected"] + sales["replaced"] + sales["quarantined"] + sales["rows_out"] == 4
    result, contract = traced.facts["steps"][-1], traced.facts["contract"]
    assert result["rows_out"] == contract["rows_in"] == contract["accepted"] + contract["quarantined"] == 3
    assert (contract["by_rule"], traced.facts["clean"]) == ({"price:hard_range": 1}, 2)
    beside = {"whole": "where: 4 -> 3", "python": "open: 4 -> 3"}[kind]
    assert any(beside in line for line in traced.sentences)
