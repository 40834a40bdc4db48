"""What one online answer costs, stage by stage, and what a client sees. Run: `python benchmarks/serve.py`.

The project is made on the spot: 20 columns, LightGBM, 5,000 rows. Figures are medians; HTTP goes through loopback to a
real worker in a process of its own, with `synchronous=FULL` on the disk of the temporary folder.
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

import msgspec
import numpy as np
import polars as pl
import uvloop

from trimtab import clock, config
from trimtab.contract.clean import compile_frame
from trimtab.contract.infer import infer
from trimtab.nouns import Decision, Member, Project, Snapshot, Trim, Version
from trimtab.serve.decode import _decode, decode
from trimtab.serve.live import Shelf
from trimtab.store import open_blobs, open_catalog
from trimtab.store.record import PredictionRecord, encode, features_text, json_text
from trimtab.store.spool import Spool
from trimtab.train.fit import choose, fit

ROWS = 5000
SLOW = 0.005
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
STAGE = re.compile(r'trimtab_latency_seconds_(sum|count)\{stage="(\w+)",worker="w0"\} (\S+)')
SLOWLY = """
import time
from trimtab.store.segment import Draft
write = Draft.write
Draft.write = lambda self, records: (time.sleep({}), write(self, records))
"""
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


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it was answered. An HTTP library would cost more than the worker."""

    def __init__(self, request: bytes, until: float, spent: list[float]) -> None:
        self._request, self._until, self._spent = request, until, spent
        self._got = b""
        self._begin = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def itself(self) -> "Client":
        """Return this one: a protocol is made by a function."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Note how long a whole answer took, and ask again."""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < int(LENGTH.findall(head)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(body.decode())
        self._got = b""
        self._spent.append((time.perf_counter() - self._begin) * 1000)
        if time.perf_counter() < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Say that it is over."""
        self.closed.set_result(None)

    def _ask(self) -> None:
        self._begin = time.perf_counter()
        self._transport.write(self._request)


async def drive(port: int, body: bytes, connections: int, seconds: float) -> list[float]:
    """Return milliseconds of each request over so many connections."""
    head = f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {len(body)}\r\n\r\n"
    spent: list[float] = []
    until = time.perf_counter() + seconds
    clients = [Client(head.encode() + body, until, spent) for _ in range(connections)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(client.itself, "127.0.0.1", port)
    await asyncio.gather(*(client.closed for client in clients))
    return spent


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stage_times(port: int) -> dict[str, tuple[float, float]]:
    """Return the seconds and the number of requests of each stage that a worker has counted so far."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        found = STAGE.findall(reply.read().decode())
    sums = {stage: float(value) for kind, stage, value in found if kind == "sum"}
    return {stage: (sums[stage], float(value)) for kind, stage, value in found if kind == "count"}


def time_http(project: Project, row: dict[str, Any], start: str, syncs: float) -> None:
    """Print what a client sees at 1, 16 and 64 connections, what it costs the worker, and how well commits are shared.

    `syncs` is how many commits a second the disk does for one record after another.
    """
    body = msgspec.json.encode(row)
    with subprocess.Popen(
        [sys.executable, "-c", start, str(project.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        line = child.stdout.readline() if child.stdout else ""
        port = int(re.findall(r":(\d+) ", line)[0])
        uvloop.run(drive(port, body, 4, 0.5))
        for connections in (1, 16, 64):
            before, stages = cpu_seconds(child.pid), stage_times(port)
            spent = uvloop.run(drive(port, body, connections, 4))
            used = (cpu_seconds(child.pid) - before) / len(spent)
            model = [now - then for now, then in zip(stage_times(port)["model"], stages["model"], strict=True)]
            rate, (p50, p99) = len(spent) / 4, np.quantile(spent, [0.5, 0.99])
            print(
                f"{connections:3d} connections: {rate:5.0f} answers a second ({rate / syncs:4.1f} a commit of this "
                f"disk), p50 {p50:.2f} ms, p99 {p99:.2f} ms, worker CPU {used * 1e6:.0f} us an answer, "
                f"model {model[0] / model[1] * 1e6:.0f} us"
            )
        child.terminate()


def commits_a_second(folder: Path) -> float:
    """Return how many commits a second the spool does for records that come one after another."""
    spool = Spool(folder, "alone")
    body = b"x" * 1500
    milliseconds = microseconds(lambda: spool.put([("prediction", clock.uuid7(), body)]).result(), 500) / 1000
    spool.close()
    return 1000 / milliseconds


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        row = {name: value for name, value in make_frame().row(7, named=True).items() if name != "y"}
        for stage, spent in time_stages(project, row).items():
            print(f"{spent:8.1f} us  {stage}")
        syncs = commits_a_second(Path(folder) / "spool")
        print(f"This disk does {syncs:.0f} commits a second, one record after another.")
        time_http(project, row, START, syncs)
        slow = 1 / (1 / syncs + SLOW)
        print(f"With a disk that is {SLOW * 1000:.0f} ms slower, {slow:.0f} commits a second:")
        time_http(project, row, SLOWLY.format(SLOW) + START, slow)


if __name__ == "__main__":
    main()
