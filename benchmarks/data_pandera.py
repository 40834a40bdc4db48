"""The check of benchmarks/data_contract.py in Pandera on Polars. Run by it, in Pandera's own environment."""

import json
import sys
import time
from importlib.metadata import version

import pandera.polars as pa
import polars as pl

CARRIERS = ["AA", "B6", "DL", "EV", "UA", "US", "WN"]


def build_schema() -> pa.DataFrameSchema:
    numbers = {f"number{n}": pa.Column(float, pa.Check.in_range(-1e6, 1e6), nullable=n >= 6) for n in range(10)}
    whole = {f"integer{n}": pa.Column(int, pa.Check.in_range(0, 10_000), nullable=True) for n in range(4)}
    words = {f"carrier{n}": pa.Column(str, pa.Check.isin(CARRIERS), nullable=True) for n in range(3)}
    others = {"late": pa.Column(bool, nullable=True), "flight": pa.Column(str, nullable=True)}
    return pa.DataFrameSchema({**numbers, **whole, **words, **others, "y": pa.Column(int, pa.Check.isin([0, 1]))})


frame, schema = pl.read_parquet(sys.argv[1]), build_schema()
taken = []
for _ in range(3):
    start = time.perf_counter()
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        taken.append(time.perf_counter() - start)
        if errors.failure_cases.height < frame.height / 100_000:
            sys.exit("the bad rows were not found")
print(json.dumps({"seconds": sorted(taken)[1], "version": version("pandera")}))
