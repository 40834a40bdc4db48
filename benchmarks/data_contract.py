"""The two compilations of a Contract with 20 columns, for `make bench-data`: a frame, one row, a stream, two peers."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from trimtab import clock
from trimtab.contract.clean import compile_frame
from trimtab.contract.row import compile_row
from trimtab.ingest import FileSource
from trimtab.nouns import SourceSpec
from trimtab.nouns.contract import Column, Contract, Row, Rule, Target

CARRIERS = ("AA", "B6", "DL", "EV", "UA", "US", "WN")
START = datetime(2013, 1, 1, tzinfo=UTC)
SLICE = 200_000
HERE = Path(__file__).parent
PEERS = {"pandera": "pandera[polars]", "great_expectations": "great_expectations"}


def build_contract(*rules: Rule) -> Contract:
    numbers = [Column(f"number{n}", "number", required=n < 6, hard=(-1e6, 1e6), soft=(-3.1, 3.1)) for n in range(10)]
    whole = [Column(f"integer{n}", "integer", hard=(0, 10_000)) for n in range(4)]
    words = [Column(f"carrier{n}", "category", values=CARRIERS, clean=("trim",)) for n in range(3)]
    others = [Column("late", "boolean"), Column("asked_at", "time", role="time"), Column("flight", "text", role="key")]
    row = Row(key=("flight",), event_time="asked_at", order="event_time")
    columns = (*numbers, *whole, *words, *others)
    return Contract(row, Target("y", "binary", "1", ("0", "1")), columns, rules=rules)


def build_row(number: int) -> dict[str, object]:
    row: dict[str, object] = {f"number{n}": (number * 7 + n) % 1000 / 500 - 1 for n in range(10)}
    row |= {f"integer{n}": (number + n) % 5000 for n in range(4)}
    row |= {f"carrier{n}": CARRIERS[(number + n) % 7] for n in range(3)}
    asked_at = (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**row, "late": number % 2 == 0, "asked_at": asked_at, "flight": f"F{number}", "y": number % 2}


def build_frame(rows: int, seed: int = 7) -> pl.DataFrame:
    """Return rows as real ones are: numbers that differ, 0.2 % of them unusual, one of 10,000 beyond its range."""
    draw = np.random.default_rng(seed)
    columns: dict[str, object] = {f"number{n}": draw.normal(size=rows) for n in range(10)}
    columns |= {f"integer{n}": draw.integers(0, 5000, rows) for n in range(3)}
    columns["integer3"] = np.where(draw.random(rows) < 1e-4, 20_000, draw.integers(0, 5000, rows))
    columns |= {f"carrier{n}": np.array(CARRIERS)[draw.integers(0, 7, rows)] for n in range(3)}
    columns |= {"late": draw.random(rows) < 0.3, "flight": [f"F{number}" for number in range(rows)]}
    asked_at = pl.Series([START]).dt.cast_time_unit("us").new_from_index(0, rows)
    late_by = pl.Series(draw.integers(0, 10**13, rows)).cast(pl.Duration("us"))
    return pl.DataFrame(columns).with_columns(asked_at=asked_at + late_by, y=pl.Series(draw.integers(0, 2, rows)))


def microseconds(call: Callable[[], object], repeat: int = 2000) -> float:
    def once() -> float:
        start = clock.monotonic_ns()
        call()
        return (clock.monotonic_ns() - start) / 1000

    return statistics.median(once() for _ in range(repeat))


def seconds(call: Callable[[], object], repeat: int = 5) -> float:
    """Return the median seconds of a call after one that warms up."""
    call()
    return microseconds(call, repeat) / 1e6


def clean_check_ratio(rows: int) -> dict[str, float]:
    """Return seconds of clean + check and of Polars' reading and writing of the same Parquet, and their ratio.

    Reading, writing and checking take turns, so that a busy machine slows all of them alike.
    """
    compiled = compile_frame(build_contract(), text=False)
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder, "rows.parquet"), Path(folder, "again.parquet")
        build_frame(rows).write_parquet(path)
        frame = pl.read_parquet(path)
        turns = [
            (
                seconds(lambda: pl.read_parquet(path), 1),
                seconds(lambda: frame.write_parquet(again), 1),
                seconds(lambda: compiled.apply(frame), 1),
            )
            for _ in range(3)
        ]
    read, write, check = (statistics.median(one) for one in zip(*turns, strict=True))
    return {"rows": rows, "read": read, "write": write, "clean_check": check, "ratio": check / (read + write)}


def one_row() -> dict[str, float]:
    """Return the median microseconds for one row: typed, text, and typed with two rules."""
    typed = build_row(17)
    text = {name: str(value) for name, value in typed.items()}
    rules = (Rule("rising", "integer0 < integer1 + 5000"), Rule("known", "carrier0 IN ('AA', 'B6') OR number0 < 2"))
    row, text_row = compile_row(build_contract()), compile_row(build_contract(), text=True)
    ruled = compile_row(build_contract(*rules))
    return {
        "typed": microseconds(lambda: row(typed)),
        "text": microseconds(lambda: text_row(text)),
        "two_rules": microseconds(lambda: ruled(typed)),
    }


def write_large(path: Path, rows: int) -> None:
    """Write one Parquet file of so many rows, without having them all in memory."""
    with tempfile.TemporaryDirectory() as folder:
        for part in range(max(1, rows // SLICE)):
            build_frame(min(rows, SLICE), seed=part).write_parquet(Path(folder, f"{part:04}.parquet"))
        pl.scan_parquet(Path(folder, "*.parquet")).sink_parquet(path)


def stream(path: Path) -> dict[str, float]:
    """Read, clean and check a Parquet file chunk by chunk; return how many rows there were and were refused."""
    compiled, rows, refused = compile_frame(build_contract(), text=False), 0, 0
    for chunk in FileSource(SourceSpec("rows", "files", path, format="parquet")).read(None):
        rows, refused = rows + chunk.frame.height, refused + compiled.apply(chunk.frame).quarantine.height
    return {"rows": rows, "refused": refused}


def compare_peers(rows: int) -> dict[str, dict[str, float]]:
    """Return seconds of Pandera and of Great Expectations for the same checks of the same Parquet, and ratios to ours.

    Each is installed once into its own environment under .bench/, with the versions that pip finds. Ours is timed anew
    beside each of them, since the machine may be busier by then.
    """
    compiled, found = compile_frame(build_contract(), text=False), {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        build_frame(rows).write_parquet(path)
        frame = pl.read_parquet(path)
        for name, package in PEERS.items():
            command = [str(_install(name, package) / "bin/python"), str(HERE / f"data_{name}.py"), str(path)]
            before = seconds(lambda: compiled.apply(frame), 3)
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            theirs = json.loads(done.stdout.splitlines()[-1])
            ours = (before + seconds(lambda: compiled.apply(frame), 3)) / 2
            found[name] = {"rows": rows, **theirs, "ours": ours, "ratio": theirs["seconds"] / ours}
    return found


def _install(name: str, package: str) -> Path:
    home = HERE.parent / ".bench" / name
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin/pip"), "install", "--quiet", package, "pyarrow"], check=True)
        (home / "ready").touch()
    return home
