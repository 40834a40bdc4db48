"""Rows a second of `trimtab score`, beside the bare model on a matrix that is ready. Used by `benchmarks/serve.py`."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trimtab import clock, config
from trimtab.cli.score import _open
from trimtab.contract.clean import compile_frame
from trimtab.loop.state import open_wheel
from trimtab.nouns import Project
from trimtab.serve import columns
from trimtab.serve.asked import open_asked
from trimtab.serve.batch import score
from trimtab.serve.scorer import Scorer
from trimtab.serve.sheet import write_sheet
from trimtab.store.lake import Lake

ROWS = 300_000


def time_batch(project: Project, folder: Path) -> dict[str, Any]:
    """Return rows a second and processor time a row: the bare model, the whole batch, and each stage of it."""
    source, threads = folder / "many.parquet", config.cores()
    make_rows(ROWS).write_parquet(source)
    wheel = open_wheel(project.folder)
    live = _open(wheel, 1)
    bare = time_bare(live.model.package, source, threads)
    begin, cpu = clock.monotonic_ns(), time.process_time()
    score(project, lambda _: live, wheel.lake, source, folder / "out.parquet", lambda _: None)
    whole = {"rows_a_second": ROWS * 1e9 / (clock.monotonic_ns() - begin)}
    whole["cpu_us"] = (time.process_time() - cpu) / ROWS * 1e6
    stages = time_stages(project, live, source, folder)
    share, of_cpu = whole["rows_a_second"] / bare["rows_a_second"], bare["cpu_us"] / whole["cpu_us"]
    said = (
        f"{ROWS:,} rows of a Parquet file, {threads} threads, one Version. The bare model on an encoded matrix: "
        f"{bare['rows_a_second']:,.0f} rows a second, {bare['cpu_us']:.1f} us of CPU a row. `trimtab score`, from file "
        f"to file with its log: {whole['rows_a_second']:,.0f} rows a second ({share:.0%}), {whole['cpu_us']:.1f} us "
        f"({of_cpu:.0%} by CPU). Where the time goes, us of CPU a row:"
    )
    lines = [said, "", *(f"- {stage}: {spent:.2f}" for stage, spent in stages.items())]
    return {"bare": bare, "score": whole, "stages_us": stages, "share": share, "share_of_cpu": of_cpu, "lines": lines}


def make_rows(count: int) -> pl.DataFrame:
    """Return rows to answer."""
    random = np.random.default_rng(3)
    numbers: dict[str, Any] = {f"n{number}": random.normal(size=count) for number in range(16)}
    return pl.DataFrame({**numbers, **{f"c{number}": random.choice(list("abcdef"), count) for number in range(4)}})


def time_bare(package: Any, source: Path, threads: int) -> dict[str, float]:
    """Return what the model alone does on a matrix, with as many threads."""
    frame = pl.read_parquet(source, n_rows=100_000)
    matrix = package.encoder.encode_frame(frame)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(package.predictor.predict, [matrix[:100]] * threads * 4))
        begin, cpu = clock.monotonic_ns(), time.process_time()
        list(pool.map(package.predictor.predict, np.array_split(matrix, threads * 4)))
        seconds, spent = (clock.monotonic_ns() - begin) / 1e9, time.process_time() - cpu
    return {"rows_a_second": len(matrix) / seconds, "cpu_us": spent / len(matrix) * 1e6}


def time_stages(project: Project, live: Any, source: Path, folder: Path) -> dict[str, float]:
    """Return microseconds of processor time a row, stage by stage, one after another."""
    spent: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        result = work()
        spent[stage] = spent.get(stage, 0.0) + (time.process_time() - begin) / ROWS * 1e6
        return result

    contract = compile_frame(live.model.contract, text=False)
    scorer, lake, parts = Scorer(project, live, text=False), Lake(folder / "scratch"), []
    chunks = iter(open_asked(source, ()).source.read(None))
    package = live.model.package
    while (chunk := timed("read", lambda: next(chunks, None))) is not None:
        asked = chunk.frame.with_columns(_arrived_at=pl.lit(clock.now(), pl.Datetime("us", "UTC")))
        clean = timed("contract", lambda asked=asked: contract.apply(asked)).clean
        matrix = timed("encode", lambda clean=clean: package.encoder.encode_frame(clean))
        timed("model", lambda matrix=matrix: package.predictor.predict(matrix))
        raw = asked.drop("_row", "_offset", "_arrived_at")
        timed("JSON of the row", lambda raw=raw: (columns.json_texts(raw), columns.are_written_alike(raw, raw)))
        part = scorer.answer(chunk)
        parts.append(folder / f"{len(parts)}.rows")
        timed("step on disk", lambda part=part: part.shown.write_parquet(parts[-1], compression="lz4"))
        timed("log", lambda part=part: lake.append("predictions", part.log))
    timed("output", lambda: write_sheet(parts, folder / "again.parquet", folder))
    return spent
