"""monitor.6: the time that an answer takes inside the server, in the log: the newest answers against the first ones."""

import json

import numpy as np
import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.nouns import State

ANSWERS = 500
LEAST = 100
ALLOWED = 2.0
"""How many times as long the newest answers may take."""


def check_speed(ground: Ground) -> Found:
    """Compare the 95 % quantiles of the summed stages of answers to single rows or batches over HTTP."""
    logged = ground.wheel.lake.read("predictions").filter(pl.col("latency_us") != "{}")
    times = logged.select("_arrived_at", "latency_us").sort("_arrived_at").collect()
    half = min(ANSWERS, times.height // 2)
    if half < LEAST:
        said = f"{times.height} timed answers are in the lake, {2 * LEAST} are needed"
        return Found(State.CANNOT_TELL, said, "serve more, and let `trimtab tick` forward the log")
    first, newest = (_quantile(part) for part in (times["latency_us"].head(half), times["latency_us"].tail(half)))
    numbers = {"first_p95_us": round(first), "newest_p95_us": round(newest), "answers": half}
    said = (
        f"95 % of the newest {half} answers took at most {newest:,.0f} us in the server; of the first {first:,.0f} us"
    )
    if newest > ALLOWED * first:
        return Found(State.FAIL, said, f"more than {ALLOWED:g} times as long as at first: find out why", (), numbers)
    return Found(State.PASS, said, "", ("lake predictions, latency_us",), numbers)


def _quantile(latencies: pl.Series) -> float:
    return float(np.quantile([sum(json.loads(one).values()) for one in latencies], 0.95))


CHECK = Check("monitor.6", "the time of an answer, in the log", check_speed)
