"""Figures of docs/store.md: what an acknowledgement, a seal, an append and a look at the epoch cost on this machine.

Run: python benchmarks/store.py
"""

import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import polars as pl

from trimtab import clock
from trimtab.store.catalog import Catalog
from trimtab.store.lake import Lake
from trimtab.store.spool import Spool, ask_to_seal, find_spooled, segments

BODY = b'{"filler":"' + b"x" * 600 + b'"}'


def median_ms(work: Callable[[int], object], times: int) -> float:
    spent = []
    for number in range(times):
        start = clock.monotonic_ns()
        work(number)
        spent.append((clock.monotonic_ns() - start) / 1e6)
    return statistics.median(spent)


def once_ms(work: Callable[[], object]) -> float:
    return median_ms(lambda _: work(), 1)


def measure_spool(folder: Path) -> None:
    spool = Spool(folder, "w0", segment_bytes=1_000_000_000)
    alone = median_ms(lambda n: spool.put([("prediction", f"a{n}", BODY)]).result(), 300)
    print(f"acknowledge one record, nobody else waiting   {alone:8.2f} ms (median of 300)")
    count = 20_000
    crowd = once_ms(lambda: wait([spool.put([("prediction", f"b{n}", BODY)]) for n in range(count)]))
    print(f"acknowledge {count} records put at once        {count / crowd * 1000:8.0f} records/s")
    found = median_ms(lambda n: find_spooled(folder, "prediction", f"b{n}"), 300)
    print(f"find a spooled record from another process    {found:8.2f} ms (median of 300)")
    print(f"seal {count + 300} records                           {once_ms(lambda: ask_to_seal(folder, 60)):8.0f} ms")
    print(f"read them back                                {once_ms(lambda: [*segments(folder)[0].records()]):8.0f} ms")
    spool.close()


def measure_lake(root: Path) -> None:
    lake = Lake(root)
    frame = pl.DataFrame({f"c{column}": [f"value {row}" for row in range(1000)] for column in range(25)})
    cost = median_ms(lambda n: lake.append("clean", frame, app="a", number=n), 50)
    print(f"append 1000 rows of 25 columns, synced        {cost:8.1f} ms (median of 50)")
    print(f"read 50 000 rows back                         {once_ms(lambda: lake.read('clean').collect()):8.0f} ms")


def measure_catalog(folder: Path) -> None:
    print(f"make a catalog (runs the migrations)          {once_ms(lambda: open_catalog(folder)):8.0f} ms")
    print(f"open it again                                 {median_ms(lambda _: open_catalog(folder), 20):8.1f} ms")
    catalog = open_catalog(folder)
    print(f"look at the epoch                             {median_ms(lambda _: catalog.epoch(), 300):8.2f} ms")


def open_catalog(folder: Path) -> Catalog:
    return Catalog(folder / "catalog.db", "figures", folder).open()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measure_spool(Path(place, "spool"))
        measure_lake(Path(place, "lake"))
        measure_catalog(Path(place))
