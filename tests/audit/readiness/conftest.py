"""A small project that has been in production: a pipeline, two Versions, answers over HTTP with their outcomes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from trimtab import config
from trimtab.audit.readiness.ground import Ground, copy_project, newest_rows, open_ground
from trimtab.loop.cycle import ingest, train
from trimtab.loop.stand import promote
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import tick
from trimtab.serve.child import Server
from trimtab.store.copy import copy_record

CONTRACT = """
format = 1
[row]
key = ["id"]
event_time = "moment"
order = "event_time"
[target]
column = "y"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "text"
role = "key"
required = true
[columns.moment]
type = "time"
role = "time"
[columns.a]
type = "number"
required = true
hard = [-100, 100]
[columns.b]
type = "number"
hard = [-100, 100]
[columns.kind]
type = "category"
values = ["x", "z"]
unseen = "reject"
"""

PROJECT = """
format = 1
[project]
name = "small"
[sources.events]
kind = "files"
path = "drop"
pattern = "*.csv"
format = "csv"
key = ["id"]
[pipeline]
sql = "pipeline.sql"
watermark = "moment"
[train]
families = ["baseline", "linear"]
budget = "0s"
[slices]
by = ["kind"]
[monitor]
window = 100
min_rows = 50
min_labels = 50
[triggers]
use = ["risk"]
"""

PIPELINE = """
select
    id,
    cast(moment as timestamptz) as moment,
    cast(a as double) * 2 + cast(b as double) as a,  -- a and b together
    cast(b as double) as b,
    kind,
    y
from events
"""

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def say_nothing(_: str) -> None:
    pass


def drop_rows(folder: Path, name: str, start: int, rows: int) -> None:
    """Write rows id, moment, a, b, kind, y into the drop; `kind` says nothing about y."""
    random = np.random.default_rng(start)
    a, b = random.normal(size=rows), random.normal(size=rows)
    label = random.random(rows) < 1 / (1 + np.exp(-(2 * a + b)))
    lines = [
        f"r{start + n},{(FIRST + timedelta(minutes=start + n)).isoformat()},{a[n]:.4f},{b[n]:.4f},"
        f"{'xz'[int(random.integers(2))]},{'yes' if label[n] else 'no'}"
        for n in range(rows)
    ]
    (folder / "drop").mkdir(parents=True, exist_ok=True)
    (folder / "drop" / f"{name}.csv").write_text("id,moment,a,b,kind,y\n" + "\n".join(lines) + "\n", encoding="utf-8")


def ask_and_tell(wheel: Wheel, rows: int) -> None:
    """Ask a real server about so many rows, and tell it what happened."""
    known = newest_rows(wheel)
    asked = [known[n % len(known)] for n in range(rows)]
    with Server(wheel.project.folder, wheel.project.folder / "server.log") as server:
        ids = [reply["prediction_id"] for n in range(0, rows, 20) for reply in server.predict(asked[n : n + 20])]
        outcomes = [
            {"prediction_id": id_, "value": "yes" if row["a"] > 0 else "no"}
            for id_, row in zip(ids, asked, strict=True)
        ]
        assert server.post("/outcomes", {"outcomes": outcomes})[0] == 200


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project. No test changes it; that it stays as it is, is itself tested."""
    folder = tmp_path_factory.mktemp("live") / "small"
    folder.mkdir()
    for name, text in (("contract.toml", CONTRACT), ("trimtab.toml", PROJECT), ("pipeline.sql", PIPELINE)):
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    drop_rows(folder, "1", 0, 1200)
    wheel = open_wheel(folder)
    ingest(wheel, tell=say_nothing)
    train(wheel, tell=say_nothing)
    drop_rows(folder, "2", 1200, 600)
    ingest(wheel, tell=say_nothing)
    promote(wheel, train(wheel, tell=say_nothing).version.id, by="me")
    ask_and_tell(wheel, 220)
    tick(wheel, tell=say_nothing)
    wheel.catalog.close()
    wheel.index.close()
    return folder


@pytest.fixture
def ground(project: Path) -> Iterator[Ground]:
    """A ground on the project."""
    with open_ground(project, say_nothing) as ground:
        yield ground


@dataclass(frozen=True)
class Twin:
    """A copy of the project that a test spoils: `wheel` is open on it."""

    folder: Path
    wheel: Wheel


@pytest.fixture
def twin(project: Path, tmp_path: Path) -> Iterator[Twin]:
    """A copy of the project, free to be spoiled."""
    folder = tmp_path / "twin"
    live = config.load(project)
    copy_record(live, copy_project(live, folder))
    wheel = open_wheel(folder)
    with closing(wheel.catalog), closing(wheel.index):
        yield Twin(folder, wheel)


@pytest.fixture
def rewrite(twin: Twin) -> Callable[[str, str, str], None]:
    """A function that replaces a piece of one of the copy's files."""

    def replace(name: str, old: str, new: str) -> None:
        file = twin.folder / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return replace
