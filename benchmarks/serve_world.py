"""The project, the clients and the clocks of `benchmarks/serve.py`.

The project is made on the spot: 20 columns, LightGBM, 5,000 rows.
"""

import asyncio
import os
import re
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

import msgspec
import numpy as np
import polars as pl

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
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
STAGE = re.compile(r'trimtab_latency_seconds_(sum|count)\{stage="(\w+)",worker="w0"\} (\S+)')


def make_frame(seed: int = 1) -> pl.DataFrame:
    """Return 16 numbers and 4 categories with a label that depends on some of them."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"n{number}": random.normal(size=ROWS) for number in range(16)}
    columns |= {f"c{number}": random.choice(list("abcdef"), ROWS) for number in range(4)}
    score = columns["n0"] + columns["n1"] * columns["n2"] + (columns["c0"] == "a") + random.normal(size=ROWS)
    return pl.DataFrame({**columns, "y": np.where(score > 0, "yes", "no")})


def make_project(folder: Path) -> Project:
    """Return a project with one promoted Version; its rows lie beside it, without a source that reads them."""
    frame = make_frame()
    frame.write_csv(folder / "rows.csv")
    contract = infer(frame, target="y", order="file").contract
    (folder / "trimtab.toml").write_text('format = 1\n[project]\nname = "bench"\n[loop]\nevery = "5s"\n')
    (folder / "contract.toml").write_text(config.contract_text(contract))
    project = config.load(folder)
    promote(project, add_version(project, frame))
    return project


def add_version(project: Project, frame: pl.DataFrame) -> str:
    """Fit boosting on a frame, keep it as a Version, and return its id."""
    contract = config.load_contract(project.contract)
    project = replace(project, train=replace(project.train, families=("boosting",), threads=1, budget=timedelta()))
    now = clock.now()
    asked = frame.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64), _arrived_at=pl.lit(now))
    clean = compile_frame(contract, text=False).apply(asked).clean
    blobs = open_blobs(project)
    staged = blobs.stage()
    identifier = fit(clean, contract, project, choose(clean, contract, project, tell=lambda _: None), staged)
    blobs.keep(staged, identifier)
    with closing(open_catalog(project)) as catalog:
        catalog.add_version(Version(identifier, 0, "boosting", {}, contract.id, Snapshot(now, {}, ROWS, ""), {}, now))
    return identifier


def promote(project: Project, *versions: str) -> None:
    """Let Versions answer with equal weights."""
    now, members = clock.now(), tuple(Member(one, 1 / len(versions)) for one in versions)
    with closing(open_catalog(project)) as catalog:
        epoch = catalog.epoch() + 1
        decision = Decision("promote", "rule:bench", ("bench",), now, now, versions[0], epoch)
        catalog.decide(decision, Trim(epoch, members))


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
    """One connection that asks at fixed moments. A wait counts from the moment, also where the last answer was late."""

    def __init__(self, request: bytes, first: float, every: float, until: float, spent: list[float]) -> None:
        self._request, self._every, self._until, self._spent = request, every, until, spent
        self._due, self._got = first, b""
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()

    def itself(self) -> "Client":
        """Return this one: a protocol is made by a function."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask when it is time."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop.call_later(max(0.0, self._due - time.perf_counter()), self._transport.write, self._request)

    def data_received(self, data: bytes) -> None:
        """Note how long a whole answer took, and ask again when it is time."""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < int(LENGTH.findall(head)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(body.decode())
        self._got = b""
        now = time.perf_counter()
        self._spent.append((now - self._due) * 1000)
        self._due += self._every
        if self._due < self._until:
            self._loop.call_later(max(0.0, self._due - now), self._transport.write, self._request)
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Say that it is over."""
        if not self.closed.done():
            self.closed.set_result(None)


async def drive(  # noqa: PLR0917 - what a load is made of
    url: str, path: str, body: bytes, rate: float, seconds: float, connections: int = 16
) -> list[float]:
    """Return the milliseconds of each of `rate` requests a second, spread evenly over some connections."""
    host, port = url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    spent: list[float] = []
    begin, every = time.perf_counter() + 0.1, connections / rate
    starts = [begin + number / rate for number in range(connections)]
    clients = [Client(request, start, every, begin + seconds, spent) for start in starts]
    for client in clients:
        await asyncio.get_running_loop().create_connection(client.itself, host, int(port))
    await asyncio.gather(*(client.closed for client in clients))
    return spent


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its living children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)


def resident_mb(pid: int) -> float:
    """Return the memory that a process has in the machine's."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def stage_times(url: str) -> dict[str, tuple[float, float]]:
    """Return the seconds and the number of requests of each stage that a worker has counted so far."""
    with urlopen(f"{url}/metrics") as reply:  # noqa: S310 - our own
        found = STAGE.findall(reply.read().decode())
    sums = {stage: float(value) for kind, stage, value in found if kind == "sum"}
    return {stage: (sums[stage], float(value)) for kind, stage, value in found if kind == "count"}


def commits_a_second(folder: Path) -> float:
    """Return how many commits a second the spool does for records that come one after another."""
    spool = Spool(folder, "alone")
    body = b"x" * 1500
    milliseconds = microseconds(lambda: spool.put([("prediction", clock.uuid7(), body)]).result(), 500) / 1000
    spool.close()
    return 1000 / milliseconds
