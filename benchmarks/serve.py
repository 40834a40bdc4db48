"""What one online answer costs, stage by stage, and what a client sees. Run: `python benchmarks/serve.py`.

The project is made on the spot: 20 columns, LightGBM, 5,000 rows. Figures are medians; HTTP goes through loopback to a
real worker in a process of its own, with `synchronous=FULL` on the disk of the temporary folder.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import polars as pl

from trimtab import clock, config
from trimtab.contract.clean import compile_frame
from trimtab.contract.infer import infer
from trimtab.nouns import Decision, Member, Project, Snapshot, Trim, Version
from trimtab.serve.decode import _decode, decode
from trimtab.serve.live import Shelf
from trimtab.serve.record import PredictionRecord, encode, features_text, json_text
from trimtab.store import open_blobs, open_catalog
from trimtab.train.fit import choose, fit

ROWS = 5000
START = "import sys; from pathlib import Path; from trimtab.serve.worker import run; run(Path(sys.argv[1]), port=0)"


def make_frame() -> pl.DataFrame:
    """Return 16 numbers and 4 categories with a label that depends on some of them."""
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {f"n{number}": random.normal(size=ROWS) for number in range(16)}
    columns |= {f"c{number}": random.choice(list("abcdef"), ROWS) for number in range(4)}
    score = columns["n0"] + columns["n1"] * columns["n2"] + (columns["c0"] == "a") + random.normal(size=ROWS)
    return pl.DataFrame({**columns, "y": np.where(score > 0, "yes", "no")})


def make_project(folder: Path) -> Project:
    """Return a project with one promoted Version."""
    frame = make_frame()
    contract = infer(frame, target="y", order="file").contract
    (folder / "trimtab.toml").write_text(
        'format = 1\n[project]\nname = "bench"\n[sources.rows]\nkind = "files"\npath = "rows.csv"\n'
    )
    (folder / "contract.toml").write_text(config.contract_text(contract))
    project = config.load(folder)
    project = replace(project, train=replace(project.train, families=("boosting",), threads=2))
    now = clock.now()
    clean = compile_frame(contract, text=False).apply(frame.with_columns(_arrived_at=pl.lit(now))).clean
    blobs, catalog = open_blobs(project), open_catalog(project)
    staged = blobs.stage()
    identifier = fit(clean, contract, project, choose(clean, contract, project, tell=lambda _: None), staged)
    blobs.keep(staged, identifier)
    version = Version(identifier, 0, "boosting", {}, contract.id, Snapshot(now, {}, ROWS, ""), {}, now)
    catalog.add_version(version)
    catalog.decide(
        Decision("promote", "rule:first", ("bench",), now, now, identifier, 1), Trim(1, (Member(identifier),))
    )
    catalog.close()
    return project


def microseconds(work: Callable[[], object], times: int = 5000) -> float:
    """Return the median of single calls."""
    spent = []
    for _ in range(times):
        begin = time.perf_counter_ns()
        work()
        spent.append(time.perf_counter_ns() - begin)
    return statistics.median(spent) / 1000


def time_stages(project: Project, row: dict[str, Any]) -> dict[str, float]:
    """Return microseconds of one row by stage."""
    catalog = open_catalog(project)
    model = Shelf(catalog, open_blobs(project), lambda _: "").open("champion", 0.5)
    catalog.close()
    body = msgspec.json.encode(row)
    values = model.row(row).values
    numbers = model.encode(values)
    record = PredictionRecord(
        id=clock.uuid7(),
        event_at="2026-01-01T00:00:00.000000Z",
        arrived_at="2026-01-01T00:00:00.000000Z",
        raw=json_text(row),
        features=features_text(model.columns, values),
        prediction="yes",
        output=json_text(model.output(model.answer(numbers))),
        version=model.id,
        epoch=1,
        contract=model.contract.id,
    )
    return {
        "decode alone": microseconds(lambda: _decode(body)),
        "decode with the search for repeated keys": microseconds(lambda: decode(body)),
        "check against the contract": microseconds(lambda: model.row(row)),
        "encode": microseconds(lambda: model.encode(values)),
        "model": microseconds(lambda: model.output(model.answer(numbers))),
        "raw and features as JSON": microseconds(lambda: (json_text(row), features_text(model.columns, values))),
        "record": microseconds(lambda: encode(record)),
    }


async def drive(url: str, body: bytes, connections: int, seconds: float) -> list[float]:
    """Return milliseconds of each request over so many connections."""
    spent: list[float] = []
    limits = httpx.Limits(max_connections=connections)

    async def ask(client: httpx.AsyncClient, until: float) -> None:
        while time.perf_counter() < until:
            begin = time.perf_counter()
            reply = await client.post(url, content=body, headers={"content-type": "application/json"})
            reply.raise_for_status()
            spent.append((time.perf_counter() - begin) * 1000)

    async with httpx.AsyncClient(limits=limits) as client:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(ask(client, until) for _ in range(connections)))
    return spent


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def time_http(project: Project, row: dict[str, Any]) -> None:
    """Print what a client sees at 1 and 16 connections, and what it costs the worker."""
    with subprocess.Popen(
        [sys.executable, "-c", START, str(project.folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        line = child.stdout.readline() if child.stdout else ""
        url = next(word for word in line.split() if word.startswith("http")) + "/predict"
        body = msgspec.json.encode(row)
        for connections in (1, 16):
            before = cpu_seconds(child.pid)
            spent = asyncio.run(drive(url, body, connections, 4))
            used = (cpu_seconds(child.pid) - before) / len(spent)
            p50, p99 = np.quantile(spent, [0.5, 0.99])
            print(
                f"{connections:2d} connections: {len(spent) / 4:6.0f} answers a second, p50 {p50:.2f} ms, "
                f"p99 {p99:.2f} ms, worker CPU {used * 1e6:.0f} us an answer"
            )
        child.terminate()


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        row = {name: value for name, value in make_frame().row(7, named=True).items() if name != "y"}
        for stage, spent in time_stages(project, row).items():
            print(f"{spent:8.1f} us  {stage}")
        time_http(project, row)


if __name__ == "__main__":
    main()
