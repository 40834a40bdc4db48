"""Print the figures of docs/ingest.md: speed, ingest against DuckDB, and what each reader makes of broken lines.

Run it with `.venv/bin/python benchmarks/ingest.py [MB]`; MB (70) is the size of each CSV file. It needs about three
times that of temporary disk.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from trimtab import clock
from trimtab.ingest import FileSource, declare
from trimtab.store.lake import Lake

ROWS_PER_MB = 7_150
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


def ingest_ours(path: Path, folder: Path) -> None:
    """Read a CSV file into a raw table of a new lake, chunk by chunk, as `trimtab ingest` does."""
    lake, app = Lake(folder), "bench"
    for number, chunk in enumerate(FileSource(declare(path)).read(None)):
        frame = chunk.frame.with_columns(_arrived_at=pl.lit(clock.now(), pl.Datetime("us", "UTC")))
        lake.append("raw/rows", frame, app=app, number=number)


def ingest_duckdb(path: Path, folder: Path) -> None:
    """Let DuckDB turn the same file into one Parquet file."""
    database = duckdb.connect()
    database.execute("set enable_progress_bar = false")
    database.execute(f"copy (from read_csv('{path}')) to '{folder}.parquet' (format parquet)")


def _timed(work: Callable[[Path, Path], None], path: Path, folder: Path, answers: Any) -> None:
    begin = time.perf_counter()
    work(path, folder)
    answers.put(
        (time.perf_counter() - begin, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    )


def time_apart(work: Callable[[Path, Path], None], path: Path, folder: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and peak resident megabytes of some work in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_timed, args=(work, path, folder, answers))
    process.start()
    found: tuple[float, float, float] = answers.get()
    process.join()
    return found


def csv_ingest_ratio(path_mb: int, *, quoted: bool = False) -> dict[str, float]:
    """Return seconds, CPU seconds, ratios and memory of ingest and DuckDB's CSV-to-Parquet on one file, in one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_csv(folder / "rows.csv", path_mb, quoted=quoted)
        theirs, their_cpu, _ = time_apart(ingest_duckdb, path, folder / "duckdb")
        ours, our_cpu, peak = time_apart(ingest_ours, path, folder / "lake")
        size = path.stat().st_size / 1e6
    return {
        "mb": size,
        "ours_s": ours,
        "duckdb_s": theirs,
        "ratio": ours / theirs,
        "ours_cpu_s": our_cpu,
        "duckdb_cpu_s": their_cpu,
        "cpu_ratio": our_cpu / their_cpu,
        "peak_rss_mb": peak,
    }


def measure(name: str, path: Path) -> None:
    spec = declare(path)
    begin = time.process_time()
    rows = sum(chunk.frame.height for chunk in FileSource(spec).read(None))
    seconds = time.process_time() - begin
    megabytes = path.stat().st_size / 1e6
    print(f"{name:22} {rows:>9,} rows {megabytes:6.1f} MB {seconds:6.2f} CPU s {megabytes / seconds:6.0f} MB per CPU s")


def read_ours(path: Path) -> str:
    (chunk,) = FileSource(declare(path)).read(None)
    bad = ", ".join(f"line {one.offset.partition(':')[2]}" for one in chunk.rejected)
    return f"{chunk.frame.height} rows" + (f"; rejected: {bad}" if bad else "")


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
    return f"{rows} rows" + (f"; rejected: {bad}" if bad else "")


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 70
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_csv(folder / "plain.csv", megabytes, quoted=False)
        write_csv(folder / "quoted.csv", megabytes, quoted=True)
        make_frame(500_000).write_parquet(folder / "typed.parquet")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; 20 columns")
        for label, file in (("CSV, plain", "plain.csv"), ("CSV, quoted", "quoted.csv"), ("Parquet", "typed.parquet")):
            measure(label, folder / file)
        print()
        for quoted in (False, True):
            figures = csv_ingest_ratio(megabytes, quoted=quoted)
            said = " ".join(f"{name} {value:.2f}" for name, value in figures.items())
            print(f"{'quoted' if quoted else 'plain':22} {said}")
        print()
        for label, data in BROKEN.items():
            (folder / "broken.csv").write_bytes(data)
            print(f"{label:22} trimtab: {read_ours(folder / 'broken.csv')}")
            print(f"{'':22} duckdb:  {read_duckdb(folder / 'broken.csv')}")


if __name__ == "__main__":
    main()
