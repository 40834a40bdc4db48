"""Print the figures of docs/ingest.md: speed, and what each reader makes of broken lines.

Run it with `.venv/bin/python benchmarks/ingest.py`; it takes about 15 seconds and 150 MB of temporary disk.
"""

import os
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from trimtab.ingest import FileSource, declare

ROWS = 500_000
BROKEN = {
    "a line too short": b"a,b,c\n1,2,3\n4,5\n6,7,8\n",
    "a quote never closed": b'a,b,c\n1,"2,3\n4,5,6\n7,8,9\n',
    "text after a quote": b'a,b,c\n1,"2" x,3\n4,5,6\n',
    "bad line after a break": b'a,b,c\n1,"x\ny",3\n4,5\n6,7,8\n',
    "cp1252 text": b"a,b,c\n1,s\xfc\xdf,3\n4,5,6\n",
}


def make_frame() -> pl.DataFrame:
    numbers = np.random.default_rng(7)
    columns = {f"x{place}": numbers.normal(size=ROWS).round(4) for place in range(18)}
    return pl.DataFrame(columns).with_columns(word=pl.lit("word"), y=pl.Series(numbers.integers(0, 2, ROWS)))


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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = make_frame()
        frame.write_csv(folder / "plain.csv")
        frame.write_csv(folder / "quoted.csv", quote_style="non_numeric")
        frame.write_parquet(folder / "typed.parquet")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; 20 columns")
        for label, file in (("CSV, plain", "plain.csv"), ("CSV, quoted", "quoted.csv"), ("Parquet", "typed.parquet")):
            measure(label, folder / file)
        print()
        for label, data in BROKEN.items():
            (folder / "broken.csv").write_bytes(data)
            print(f"{label:22} trimtab: {read_ours(folder / 'broken.csv')}")
            print(f"{'':22} duckdb:  {read_duckdb(folder / 'broken.csv')}")


if __name__ == "__main__":
    main()
