"""Minutes of load: the memory of the workers grows by next to nothing.

`SOAK_SECONDS` sets how long (900 if absent); the first third is warming up and does not count.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from scipy import stats

SECONDS = float(os.environ.get("SOAK_SECONDS", "900"))
BLOCKS = 12
LITTLE = 1.0  # MB an hour: a slope that nobody would notice within a week


@pytest.mark.faults
def test_memory_does_not_grow(small: Any, tmp_path: Path) -> None:
    """The slope over blocks of samples (neighbouring ones are not independent) is not shown to exceed 1 MB an hour.

    Two workers together, with the loop that moves their spools to the lake: without it files pile up, and each costs a
    worker some hundred bytes whenever it looks for those that are left over.
    """
    small.make_project(tmp_path / "p")
    with (tmp_path / "p" / "trimtab.toml").open("a") as file:
        file.write('[loop]\nevery = "5s"\n')
    up, done, asked = small.start_up(tmp_path / "p"), threading.Event(), [0]
    workers = [pid for name, pid in up.pids.items() if name in {"w0", "w1"}]

    def load() -> None:
        with httpx.Client(base_url=up.url, timeout=20) as client:
            while not done.is_set():
                bodies = ({"rows": [small.row] * 5}, small.row, {"size": -1})
                statuses = [client.post("/predict", json=body).status_code for body in bodies]
                statuses.append(client.post("/outcomes", json={"key": {"customer": "c1"}, "value": "yes"}).status_code)
                assert statuses == [200, 200, 422, 200]
                asked[0] += len(statuses)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    samples = []
    begin = time.monotonic()
    while (at := time.monotonic() - begin) < SECONDS:
        samples.append((at / 3600, sum(map(resident_mb, workers))))
        time.sleep(0.5)
    done.set()
    for thread in threads:
        thread.join()
    assert up.stop() == 0
    low, slope, high = slope_of(samples)
    sys.stdout.write(
        f"\nsoak: {SECONDS:.0f} s, {asked[0]:,} requests, {samples[-1][1]:.1f} MB at the end, slope {slope:+.2f} MB an "
        f"hour (95 % interval {low:+.2f} to {high:+.2f})\n"
    )
    assert low <= LITTLE


def slope_of(samples: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the slope of block means after the warming up, with its interval at 95 %."""
    settled = np.array(samples[len(samples) // 3 :])
    blocks = np.array([block.mean(axis=0) for block in np.array_split(settled, BLOCKS)])
    fitted = stats.linregress(blocks[:, 0], blocks[:, 1])
    reach = float(stats.t.ppf(0.975, BLOCKS - 2) * fitted.stderr)
    return float(fitted.slope) - reach, float(fitted.slope), float(fitted.slope) + reach


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
