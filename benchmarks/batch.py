"""A long `trimtab score`: rows a second and the most memory that it ever took. Run: `make bench-batch ROWS=10000000`.

Writes docs/benchmarks/batch.md. The rows lie in files of a million each; the real verb answers them in a process of its
own, with its log, into one Parquet file.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from resource import struct_rusage

import polars as pl
from serve_batch import make_rows
from serve_world import make_project

from trimtab import config

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "batch.md"
IN_A_FILE = 1_000_000


def main() -> None:
    """Make the rows, answer them, and write the page."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=IN_A_FILE)
    rows = asked.parse_args().rows
    config.calm_threads()
    with tempfile.TemporaryDirectory() as home:
        folder, source = Path(home) / "project", Path(home) / "rows"
        folder.mkdir()
        source.mkdir()
        make_project(folder)
        for number, begin in enumerate(range(0, rows, IN_A_FILE)):
            draw_file(min(IN_A_FILE, rows - begin), number).write_parquet(source / f"{number:04}.parquet")
        begin = time.monotonic()
        spent = answer(folder, source, Path(home) / "out.parquet")
        seconds = time.monotonic() - begin
        answered = pl.scan_parquet(Path(home) / "out.parquet").select(pl.col("prediction").count()).collect().item()
    if answered != rows:
        sys.exit(f"{answered:,} of {rows:,} rows were answered")
    page = lay_out(rows, answered, seconds, spent)
    PAGE.write_text(page, encoding="utf-8")
    print(page)


def draw_file(rows: int, number: int) -> pl.DataFrame:
    """Return the rows of a file, unlike those of every other: a file with the same content would be answered once."""
    frame = make_rows(rows)
    name = next(name for name, kind in frame.schema.items() if kind == pl.Float64)
    return frame.with_columns(pl.col(name) * (1.0 - number * 1e-6))


def answer(folder: Path, source: Path, output: Path) -> struct_rusage:
    """Run `trimtab score` and return what its process took."""
    command = [sys.executable, "-m", "trimtab.cli", "score", str(folder)]
    child = subprocess.Popen([*command, "--input", str(source), "--output", str(output)], stdout=subprocess.DEVNULL)
    _, status, spent = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"trimtab score ended with {child.returncode}")
    return spent


def lay_out(rows: int, answered: int, seconds: float, spent: struct_rusage) -> str:
    """Return the page."""
    cpu, most = spent.ru_utime + spent.ru_stime, spent.ru_maxrss * 1024 / 1e6
    return "\n".join(
        [
            "# A long batch",
            "",
            f"    make bench-batch ROWS={rows}",
            "",
            (
                f"{datetime.now(UTC).isoformat(timespec='seconds')}; {os.cpu_count()} cores shared with other work "
                f"(load {os.getloadavg()[0]:.1f}), Python {sys.version.split()[0]}. Files of a million rows of 20 "
                "columns, LightGBM; `trimtab score` with its log and one Parquet file as output, start included."
            ),
            "",
            "| rows | answered | seconds | rows a second | CPU a row | most memory | wanted |",
            "|---|---|---|---|---|---|---|",
            (
                f"| {rows:,} | {answered:,} | {seconds:,.0f} | {rows / seconds:,.0f} | {cpu / rows * 1e6:.1f} us | "
                f"{most:,.0f} MB | <= 1,000 MB |"
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
