"""Sources, for `make bench-data`: a CSV file into the lake beside DuckDB, memory of every format, broken lines."""

import gzip
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from trimtab.ingest import FileSource, declare
from trimtab.loop.begin import begin
from trimtab.loop.gather import keep_raw
from trimtab.loop.refine import keep_clean
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count

ROWS_PER_MB = 7_150
REPEATS = 3
_TIMES = ("seconds", "cpu")
BROKEN = {
    "a line too short": b"a,b,c\n1,2,3\n4,5\n6,7,8\n",
    "a quote never closed": b'a,b,c\n1,"2,3\n4,5,6\n7,8,9\n',
    "text after a quote": b'a,b,c\n1,"2" x,3\n4,5,6\n',
    "bad line after a break": b'a,b,c\n1,"x\ny",3\n4,5\n6,7,8\n',
    "cp1252 text": b"a,b,c\n1,s\xfc\xdf,3\n4,5,6\n",
}


def make_frame(rows: int, seed: int = 7) -> pl.DataFrame:
    numbers = np.random.default_rng(seed)
    columns = {f"x{place}": numbers.normal(size=rows).round(4) for place in range(18)}
    return pl.DataFrame(columns).with_columns(word=pl.lit("word"), y=pl.Series(numbers.integers(0, 2, rows)))


def write_csv(path: Path, megabytes: int, *, quoted: bool) -> Path:
    """Write a CSV file of about so many megabytes, in pieces of fifty."""
    with path.open("wb") as file:
        for number, begin in enumerate(range(0, megabytes, 50)):
            frame = make_frame(min(50, megabytes - begin) * ROWS_PER_MB, seed=number)
            frame.write_csv(file, include_header=not number, quote_style="non_numeric" if quoted else "necessary")
    return path


def ingest_raw(project: Path) -> dict[str, float]:
    """Read the project's CSV file into raw/<source>, as the first half of `trimtab ingest` does."""
    wheel = open_wheel(project)
    (spec,) = wheel.project.sources
    rows = sum(kept.rows for kept in keep_raw(wheel, spec, tell=_say_nothing))
    return {"rows": rows, "mb_written": _megabytes(wheel.lake.folder(f"raw/{spec.name}"))}


def clean_raw(project: Path) -> dict[str, float]:
    """Clean and check what is new in raw/<source>, as the second half of `trimtab ingest` does."""
    wheel = open_wheel(project)
    return {"rows": sum(one.clean.height + one.quarantine.height for _, one in keep_clean(wheel, tell=_say_nothing))}


def copy_typed(path: Path) -> dict[str, float]:
    """Let DuckDB turn a CSV file into one Parquet file, with the types that it finds and all its own settings."""
    return _copy(path, f"read_csv('{path}')")


def copy_text(path: Path) -> dict[str, float]:
    """The same with every column as text, which is what a raw table holds."""
    return _copy(path, f"read_csv('{path}', all_varchar = true)")


def _copy(path: Path, source: str) -> dict[str, float]:
    database, target = duckdb.connect(), path.with_suffix(".parquet")
    database.execute(f"set enable_progress_bar = false; set threads = {os.cpu_count()}")
    database.execute(f"copy (from {source}) to '{target}' (format parquet)")
    (rows,) = database.execute(f"select count(*) from '{target}'").fetchone() or (0,)
    return {"rows": rows, "mb_written": target.stat().st_size / 1e6}


def read_all(path: Path) -> dict[str, float]:
    """Read a file through its source, and keep nothing."""
    return {"rows": sum(chunk.frame.height for chunk in FileSource(declare(path)).read(None))}


def read_nothing(_: Path) -> dict[str, float]:
    """Do nothing: what the libraries take by themselves."""
    return {}


def run_apart(work: Callable[[Path], dict[str, float]], path: Path) -> dict[str, float]:
    """Return what some work gives, with its seconds, CPU seconds and peak RSS in MB, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, path))


def _measure(work: Callable[[Path], dict[str, float]], path: Path) -> dict[str, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    found = work(path)
    taken = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    return {**found, **taken, "rss_mb": _peak_megabytes()}


def _peak_megabytes() -> float:
    """Return the most memory that this process had; not by getrusage, which begins with what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def compare_csv(megabytes: int) -> dict[str, Any]:
    """Return the medians of a few turns on one file, and the medians of each turn's ratio of ours to DuckDB's."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = write_csv(folder / "rows.csv", megabytes, quoted=False)
        begin(folder / "project", path, target="y", order="file", tell=_say_nothing)
        turns = []
        for _ in range(REPEATS):
            shutil.rmtree(folder / "project" / ".trimtab", ignore_errors=True)
            turns.append({"duckdb": run_apart(copy_typed, path), "ours": run_apart(ingest_raw, folder / "project")})
        cleaned, text = run_apart(clean_raw, folder / "project"), run_apart(copy_text, path)
        size = path.stat().st_size / 1e6
    ratios = {what: statistics.median(turn["ours"][what] / turn["duckdb"][what] for turn in turns) for what in _TIMES}
    medians = {name: _medians(name, turns) for name in turns[0]}
    return {"mb": size, **medians, "duckdb_text": text, "clean": cleaned, "ratios": ratios}


def _medians(name: str, turns: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    return {what: statistics.median(turn[name][what] for turn in turns) for what in turns[0][name]}


def measure_sources(megabytes: int, write_large: Callable[[Path, int], None]) -> dict[str, Any]:
    """Return rows, time and memory of reading about so many megabytes (unpacked) of each format of files."""
    makers: Mapping[str, Callable[[Path], object]] = {
        "CSV": lambda path: write_csv(path, megabytes, quoted=False),
        "CSV, all words and names quoted": lambda path: write_csv(path, megabytes, quoted=True),
        "CSV in gzip": lambda path: _pack(path, megabytes),
        "JSON lines": lambda path: _write_jsonl(path, megabytes),
        "Parquet": lambda path: write_large(path, megabytes * ROWS_PER_MB),
        "Parquet of one row group": lambda path: _regroup(path, megabytes * ROWS_PER_MB, write_large),
    }
    found = {}
    for name, make in makers.items():
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "rows")
            make(path)
            found[name] = {"mb": path.stat().st_size / 1e6, **run_apart(read_all, path)}
    return {"mb": megabytes, "files": found, "nothing": run_apart(read_nothing, Path())}


def _pack(path: Path, megabytes: int) -> None:
    plain = write_csv(path.with_suffix(".csv"), megabytes, quoted=False)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)


def _write_jsonl(path: Path, megabytes: int) -> None:
    frame = make_frame(20_000)
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            frame.write_ndjson(file)


def _regroup(path: Path, rows: int, write_large: Callable[[Path, int], None]) -> None:
    write_large(path.with_suffix(".parquet"), rows)
    pl.read_parquet(path.with_suffix(".parquet")).write_parquet(path, row_group_size=rows)


def compare_readers() -> dict[str, dict[str, str]]:
    """Return what our reader and DuckDB's say of a few broken files."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name, data in BROKEN.items():
            path = Path(place, "broken.csv")
            path.write_bytes(data)
            found[name] = {"trimtab": read_ours(path), "duckdb": read_duckdb(path)}
    return found


def read_ours(path: Path) -> str:
    (chunk,) = FileSource(declare(path)).read(None)
    bad = ", ".join(f"line {one.offset.partition(':')[2]}" for one in chunk.rejected)
    return count(chunk.frame.height, "row") + (f"; rejected: {bad}" if bad else "")


def read_duckdb(path: Path) -> str:
    """Say what DuckDB's reader answers with everything told to it."""
    database = duckdb.connect()
    columns = "columns={'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'}"
    form = f"auto_detect=false, header=true, delim=',', quote='\"', escape='\"', {columns}, store_rejects=true"
    try:
        rows = len(database.execute(f"from read_csv(?, {form})", [str(path)]).fetchall())
        lines = database.execute("select distinct line from reject_errors order by line").fetchall()
    except duckdb.Error as error:
        return f"refuses the file: {str(error).splitlines()[0][:60]}"
    bad = ", ".join(f"line {line}" for (line,) in lines)
    return count(rows, "row") + (f"; rejected: {bad}" if bad else "")


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.parquet")) / 1e6


def _say_nothing(_: str) -> None:
    pass
