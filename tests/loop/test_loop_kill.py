"""The short form of the battery that kills ingest; what a full disk or a source that fails half way leaves behind."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import DataError
from trimtab.ingest.base import Chunk
from trimtab.loop.cycle import ingest
from trimtab.loop.gather import MOST_ROWS, in_batches
from trimtab.loop.state import open_wheel

BATTERY = Path(__file__).parents[1] / "faults" / "ingest_battery.py"
PROJECT = """
format = 1
[project]
name = "p"
[sources.rows]
kind = "files"
path = "rows.csv"
"""
CONTRACT = """
format = 1
[row]
order = "file"
[target]
column = "y"
task = "regression"
[columns.a]
type = "text"
"""


def test_kills_during_ingest_lose_and_repeat_nothing() -> None:
    done = subprocess.run([sys.executable, str(BATTERY), "csv", "3"], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    assert (result["differ"], result["rows"] > 4000) == ([], True)


def small_disk() -> None:
    """No file may grow beyond 150 kB: the write fails, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))


def test_a_disk_that_fills_during_ingest_is_said_and_the_next_turn_goes_on(tmp_path: Path) -> None:
    (tmp_path / "trimtab.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    lines = [f"{number:08}-{hash(number * 7919) % 10**12:012},{number}" for number in range(30_000)]
    (tmp_path / "rows.csv").write_text("a,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "trimtab.cli", "ingest", str(tmp_path)]
    full = subprocess.run(command, preexec_fn=small_disk, capture_output=True, text=True, check=False)
    assert full.returncode == 3, full.stderr
    assert "The disk is full" in full.stderr
    wheel = open_wheel(tmp_path)
    assert wheel.lake.read("raw/rows").collect().height == 0
    assert ingest(wheel, tell=lambda _: None).accepted == 30_000
    assert wheel.lake.read("raw/rows").collect()["_row"].n_unique() == 30_000


def chunk(first: int, rows: int, kind: pl.DataType | None = None) -> Chunk:
    values = pl.Series("a", range(first, first + rows), dtype=kind or pl.Int64())
    frame = pl.DataFrame({"a": values, "_row": range(first, first + rows), "_offset": ["x"] * rows})
    return Chunk(frame, {"at": first + rows})


def test_small_chunks_share_a_commit_and_keep_their_order() -> None:
    batches = list(in_batches(iter([chunk(0, 10), chunk(10, 5), chunk(15, MOST_ROWS), chunk(MOST_ROWS + 15, 1)])))
    assert [[one.frame.height for one in batch] for batch in batches] == [[10, 5], [MOST_ROWS], [1]]
    assert [batch[-1].position["at"] for batch in batches] == [15, MOST_ROWS + 15, MOST_ROWS + 16]


def test_a_column_of_another_type_begins_a_new_commit() -> None:
    batches = list(in_batches(iter([chunk(0, 1), chunk(1, 1, pl.String())])))
    assert [len(batch) for batch in batches] == [1, 1]


def test_what_a_source_gave_before_it_failed_is_kept() -> None:
    def fail_half_way() -> Iterator[Chunk]:
        yield chunk(0, 3)
        raise DataError("the database went away")

    batches = in_batches(fail_half_way())
    assert next(batches)[0].frame.height == 3
    with pytest.raises(DataError, match="went away"):
        next(batches)
