"""A small real world: a project on disk with two trained Versions, and real servers in child processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from trimtab import config
from trimtab.contract.clean import compile_frame
from trimtab.nouns import Contract, Decision, Member, Project, Snapshot, Trim, Version
from trimtab.serve.app import build_app
from trimtab.serve.desk import Desk
from trimtab.serve.live import Shelf
from trimtab.store import open_blobs, open_catalog, open_index, spool_folder
from trimtab.store.catalog import Catalog
from trimtab.store.spool import Spool
from trimtab.train.fit import choose, fit

START = """
import sys
from pathlib import Path
from trimtab.serve.worker import run
run(Path(sys.argv[1]), port=int(sys.argv[2]))
"""

CONTRACT = """
format = 1
[row]
key = ["customer"]
event_time = "asked_at"
[target]
column = "churned"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.customer]
type = "text"
role = "key"
[columns.asked_at]
type = "time"
role = "time"
[columns.size]
type = "number"
required = true
hard = [0, 1000]
soft = [1, 500]
[columns.age]
type = "integer"
[columns."plan/type"]
type = "category"
clean = ["trim", "lower"]
values = ["a", "b", "c"]
[columns.color]
type = "category"
values = ["red", "blue"]
unseen = "reject"
[columns.member]
type = "boolean"
[columns."Größe (cm)"]
type = "number"
numeric_text = "repair"
missing = "default"
default = 170.0
"""

PROJECT = """
format = 1
[project]
name = "churn"
question = "Will this customer leave?"
[sources.rows]
kind = "files"
path = "rows.csv"
"""

REGRESSION = CONTRACT.replace('task = "binary"\npositive = "yes"\nclasses = ["no", "yes"]', 'task = "regression"')
MULTICLASS = CONTRACT.replace(
    'task = "binary"\npositive = "yes"\nclasses = ["no", "yes"]', 'task = "multiclass"\nclasses = ["x", "y", "z"]'
)


def make_rows(count: int, seed: int, task: str = "binary") -> list[dict[str, Any]]:
    """Return typed rows with their label, some fields null."""
    random = np.random.default_rng(seed)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = []
    for number in range(count):
        size, age = float(random.uniform(1, 500)), int(random.integers(18, 90))
        plan = str(random.choice(["a", "b", "c"]))
        score = size / 100 - 3 + (1 if plan == "a" else 0) + random.normal()
        label = {"binary": "yes" if score > 0 else "no", "regression": repr(score)}.get(
            task, "xyz"[int(abs(score)) % 3]
        )
        row = {
            "customer": f"c{number}",
            "asked_at": (begin + timedelta(minutes=number)).isoformat(),
            "size": size,
            "age": age if random.random() > 0.1 else None,
            "plan/type": plan if random.random() > 0.1 else None,
            "color": str(random.choice(["red", "blue"])),
            "member": bool(random.random() > 0.5),
            "Größe (cm)": float(random.normal(170, 10)),
        }
        rows.append({**row, "churned": label})
    return rows


def clean_rows(contract: Contract, rows: list[dict[str, Any]]) -> pl.DataFrame:
    frame = (
        pl.DataFrame(rows, infer_schema_length=None).with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    )
    return compile_frame(contract, text=False).apply(frame.with_columns(_arrived_at=pl.lit(datetime.now(UTC)))).clean


@dataclass
class World:
    """Version folders that were fitted once, by name: `first`, `second`."""

    contract: Contract
    folders: Mapping[str, Path]
    ids: Mapping[str, str]
    thresholds: Mapping[str, float | None]
    task: str = "binary"

    def make_project(self, folder: Path, *, serve: str = "", promoted: str | None = "first") -> Project:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trimtab.toml").write_text(PROJECT + (f"[serve]\n{serve}\n" if serve else ""))
        (folder / "contract.toml").write_text(config.contract_text(self.contract))
        project = config.load(folder)
        if promoted:
            self.promote(project, promoted)
        return project

    def keep(self, project: Project, name: str) -> Path:
        """Keep the files of a Version in a project, as every fit does."""
        blobs = open_blobs(project)
        staged = blobs.stage()
        for file in self.folders[name].iterdir():
            (staged / file.name).write_bytes(file.read_bytes())
        return blobs.keep(staged, self.ids[name])

    def share(self, project: Project, *members: Member, threshold: float | None = None) -> Trim:
        """Let several Versions answer together from the next epoch on; a member's `version` is a name of this world."""
        with closing(open_catalog(project)) as catalog:
            for name in dict.fromkeys(member.version for member in members):
                self.keep(project, name)
                catalog.add_version(self.describe(name))
            named = tuple(replace(member, version=self.ids[member.version]) for member in members)
            trim = Trim(catalog.epoch() + 1, named, threshold)
            now = datetime.now(UTC)
            catalog.decide(Decision("trim", "rule:test", ("a test asked for it",), now, now, trim.champion), trim)
        return trim

    def describe(self, name: str) -> Version:
        now = datetime.now(UTC)
        return Version(self.ids[name], 0, "baseline", {}, self.contract.id, Snapshot(now, {}, 600, "f"), {}, now)

    def promote(self, project: Project, name: str, *, spoil: Callable[[Path], None] | None = None) -> Version:
        """Let a Version answer from the next epoch on, as the loop does; `spoil` may damage its files first."""
        home = self.keep(project, name)
        if spoil is not None:
            spoil(home)
        catalog = open_catalog(project)
        now = datetime.now(UTC)
        version = catalog.add_version(self.describe(name))
        epoch = catalog.epoch() + 1
        decision = Decision("promote", "rule:test", ("a test asked for it",), now, now, version.id, epoch)
        catalog.decide(decision, Trim(epoch, (Member(version.id),), self.thresholds[name]))
        catalog.close()
        return version


def build_world(root: Path, text: str, task: str, names: Sequence[str] = ("first", "second", "third")) -> World:
    contract = config.parse_contract(text, "contract.toml")
    project = Project("churn", root, root / ".trimtab", root / "contract.toml")
    project = replace(project, train=replace(project.train, families=("boosting",), threads=1))
    folders, ids, thresholds = {}, {}, {}
    for seed, name in enumerate(names, start=1):
        frame = clean_rows(contract, make_rows(600, seed, task))
        choice = choose(frame, contract, project, tell=lambda _: None)
        folders[name] = root / name
        ids[name] = fit(frame, contract, project, choice, folders[name])
        thresholds[name] = choice.threshold
    return World(contract, folders, ids, thresholds, task)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The binary world; fitting takes about a second, so it is shared."""
    return build_world(tmp_path_factory.mktemp("world"), CONTRACT, "binary")


@pytest.fixture(scope="session")
def other_worlds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, World]:
    texts = {"regression": REGRESSION, "multiclass": MULTICLASS}
    return {
        task: build_world(tmp_path_factory.mktemp(task), text, task, ["first", "second"])
        for task, text in texts.items()
    }


@pytest.fixture(scope="session")
def wider_world(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The binary world with one more Version, `strict`: its Contract demands an age, and reads colours otherwise."""
    text = CONTRACT.replace('type = "integer"', 'type = "integer"\nrequired = true').replace(
        'values = ["red", "blue"]', 'values = ["blue", "red"]'
    )
    strict = build_world(tmp_path_factory.mktemp("strict"), text, "binary", ["strict"])
    return World(
        world.contract,
        {**world.folders, **strict.folders},
        {**world.ids, **strict.ids},
        {**world.thresholds, **strict.thresholds},
    )


@dataclass
class Server:
    """A real worker in a child process."""

    folder: Path
    process: subprocess.Popen[str]
    url: str = ""
    ready: str = ""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        if not self.ready:
            raise AssertionError(self.process.communicate()[1])
        self.url = next((word for word in self.ready.replace(";", " ").split() if word.startswith("http://")), "")
        self.client = httpx.Client(base_url=self.url or "http://none", timeout=10)

    def ask(self, body: object, path: str = "/predict", **options: Any) -> httpx.Response:
        if isinstance(body, (bytes, str)):
            headers = {"content-type": "application/json", **options.pop("headers", {})}
            return self.client.post(path, content=body, headers=headers, **options)
        return self.client.post(path, json=body, **options)

    def wait_for(self, check: Callable[[], bool], seconds: float = 8) -> None:
        until = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.05)

    def stop(self, sig: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop the worker and return its exit code and standard error."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(sig)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def launch(folder: Path, port: int = 0, code: str = START) -> Server:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return Server(folder, process)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Return the function that starts a worker; every worker is stopped at the end."""
    servers: list[Server] = []

    def start(folder: Path, **options: Any) -> Server:
        servers.append(launch(folder, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop(signal.SIGKILL)  # tests of a clean stop ask for it themselves


@pytest.fixture(scope="session")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker for tests that leave no trace for the others."""
    folder = tmp_path_factory.mktemp("shared") / "churn"
    world.make_project(folder)
    running = launch(folder)
    yield running
    running.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def tight(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker that takes one request at a time, two rows at most, and waits a moment for a body."""
    folder = tmp_path_factory.mktemp("tight") / "churn"
    limits = "limits = { seconds = 0.3, queue = 1, rows = 50 }"
    world.make_project(folder, serve=limits)
    running = launch(folder)
    yield running
    running.stop(signal.SIGKILL)


@dataclass
class Local:
    """A worker's app inside the test's own process: the same desk, spool and Version, without socket and watcher."""

    project: Project
    desk: Desk
    shelf: Shelf

    def ask(self, body: object, path: str = "/predict") -> httpx.Response:
        return asyncio.run(self._send("POST", path, json=body))

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path))

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=build_app(self.desk))
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            return await client.request(method, path, **content)


@pytest.fixture
def local() -> Iterator[Callable[[Project], Local]]:
    """Return the function that opens a project as a worker does."""
    opened: list[Local] = []
    catalogs: list[Catalog] = []

    def open_local(project: Project) -> Local:
        catalog, blobs = open_catalog(project), open_blobs(project)
        shelf = Shelf(catalog, blobs, lambda _: "")  # the golden rows' child process is the real servers' business
        desk = Desk(project, Spool(spool_folder(project), "w0"), open_index(project))
        live, trouble = shelf.open_first()
        if live is not None:
            desk.show(live)
        if trouble:
            desk.report("version", trouble)
        opened.append(Local(project, desk, shelf))
        catalogs.append(catalog)
        return opened[-1]

    yield open_local
    for one in opened:
        one.desk.spool.close()
        one.desk.claims.close()
        one.desk.index.close()
    for catalog in catalogs:
        catalog.close()


@pytest.fixture
def good() -> dict[str, Any]:
    """A row without any warning."""
    return {
        "customer": "c1",
        "asked_at": "2026-02-01T12:00:00Z",
        "size": 300.5,
        "age": 41,
        "plan/type": "a",
        "color": "red",
        "member": True,
        "Größe (cm)": 181.5,
    }
