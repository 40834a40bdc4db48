"""Time and memory of a first read of a table of a million rows: `python benchmarks/database.py [URL]`.

Without a URL a temporary SQLite file; with the URL of a database where tables may be made (and dropped), there.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import create_engine, text

from trimtab.ingest.database import DatabaseSource
from trimtab.nouns import SourceSpec

ROWS = 1_000_000
COLUMNS = 10
NAME = "trimtab_bench"
QUERY = f"select * from {NAME} where :after is null or at >= :after"


@contextmanager
def table(url: str) -> Iterator[None]:
    columns = ", ".join(f"x{number} double precision" for number in range(COLUMNS))
    values = ", ".join(f"n * {number + 1} / 7.0" for number in range(COLUMNS))
    numbers = f"with recursive c(n) as (select 1 union all select n + 1 from c where n < {ROWS})"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"create table {NAME} (id bigint primary key, at bigint not null, s text, {columns})"))
        connection.execute(text(f"insert into {NAME} {numbers} select n, n, 'name', {values} from c"))
        connection.execute(text(f"create index {NAME}_at on {NAME} (at, id)"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"drop table {NAME}"))
        engine.dispose()


def resident() -> int:
    """Return the megabytes that this process has in memory now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() >> 20


def measure(what: str, spec: SourceSpec) -> None:
    begin, rows, memory, position = time.process_time(), 0, [], None
    for chunk in DatabaseSource(spec).read(None):
        rows, position = rows + chunk.frame.height, chunk.position
        memory.append(resident())
    used = time.process_time() - begin
    begin = time.process_time()
    again = sum(chunk.frame.height for chunk in DatabaseSource(spec).read(position))
    told = f"{memory[0]} | {memory[len(memory) // 2]} | {memory[-1]}"
    print(f"| {what} | {rows:,} | {used:.1f} | {told} | {again} rows, {time.process_time() - begin:.2f} s |")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/up.db"
        spec = SourceSpec("bench", "database", url=url, table=NAME, cursor="at", key=("id",))
        with table(url):
            print("| read | rows | CPU s | MB after the first chunk | in the middle | at the end | the next read |")
            print("|---|---|---|---|---|---|---|")
            kind = url.partition(":")[0].partition("+")[0]
            measure(f"{kind}, table", spec)
            measure(f"{kind}, query", replace(spec, table="", query=QUERY))


if __name__ == "__main__":
    main()
