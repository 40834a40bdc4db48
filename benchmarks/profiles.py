"""What a profile costs: 30 columns of a million rows, fitted, counted again, merged and compared.

    python benchmarks/profiles.py

Two thirds are numbers (normal, log-normal, and prices that repeat), one third categories of 200 values. Seconds are
wall-clock and CPU, the least of three tries; memory is the greatest that the process ever held, the rows included.
"""

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from trimtab.metrics.distance import measure_distance
from trimtab.metrics.profile import Profile

ROWS, REPEATS = 1_000_000, 3


def make_rows(seed: int, rows: int = ROWS) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    words = np.array([f"value {place:03d}" for place in range(200)])
    makers: list[Callable[[], object]] = [
        lambda: chance.normal(size=rows),
        lambda: 1000.0 * chance.lognormal(size=rows),
        lambda: words[(200 * chance.random(rows) ** 2).astype(np.int64)],
    ]
    prices = np.round(chance.gamma(2.0, 20.0, rows), 2)
    columns = {f"column {place:02d}": prices if place == 1 else makers[place % 3]() for place in range(30)}
    return pl.DataFrame(columns)


def clock(work: Callable[[], Profile]) -> tuple[Profile, float, float]:
    """Return what the work gives, and its least wall-clock and CPU seconds of some tries."""
    best = (float("inf"), float("inf"))
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        best = min(best[0], time.perf_counter() - wall), min(best[1], time.process_time() - cpu)
    return found, *best


def fit_reference() -> tuple[Profile, float, float]:
    """Return a reference and what it cost; its rows are given back."""
    rows = make_rows(1)
    return clock(lambda: Profile.fit(rows, rows.columns))


def main() -> int:
    reference, *fitting = fit_reference()
    second = make_rows(2)

    def compare() -> Profile:
        window = reference.recount(second)
        for name, one in reference.columns.items():
            measure_distance(one, window.columns[name])
        return window

    window, *comparing = clock(compare)
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    half = ROWS // 2
    merged = reference.recount(second[:half]).merge(reference.recount(second[half:]))
    sizes = [len(json.dumps(one.to_plain(), separators=(",", ":"))) for one in reference.columns.values()]
    print(f"rows {ROWS:,}, columns {len(reference.columns)}")
    print(f"fitting the reference   {fitting[0]:.2f} s, {fitting[1]:.2f} s of CPU")
    print(f"counting and comparing  {comparing[0]:.2f} s, {comparing[1]:.2f} s of CPU (goal: at most 1 s)")
    print(f"memory                  {whole:.0f} MB at most, the rows included (goal: at most 1 GB)")
    print(f"state of a column       {max(sizes):,} bytes at most, mean {np.mean(sizes):,.0f} (goal: at most 5,000)")
    print(f"two halves merged       {'equal to' if merged == window else 'NOT'} the profile of both together")
    return int(merged != window or max(sizes) > 5000)


if __name__ == "__main__":
    sys.exit(main())
