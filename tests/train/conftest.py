"""Small real worlds: clean frames with nulls, categories and times, made by seed, and Versions fitted on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from trimtab.nouns import Column, Contract, Project, Row, Target, Task
from trimtab.nouns.contract import Order
from trimtab.nouns.project import TrainSpec
from trimtab.train.fit import choose, fit

START = datetime(2025, 1, 1, tzinfo=UTC)
COLUMNS = (
    Column("id", "text", role="key"),
    Column("size (cm)", "number"),
    Column("rooms", "integer", required=True),
    Column("new", "boolean"),
    Column("carrier", "category", values=("Ä", "B", "C", "d d")),
    Column("asked", "time"),
    Column("day", "date"),
)
RECIPES: dict[str, dict[str, Any]] = {
    "baseline": {},
    "linear": {"C": 1.0},
    "forest": {"leaf_rows": 5, "column_share": 0.4, "trees": 20},
    "boosting": {"leaves": 7, "categories": "sets", "trees": 30},
    "ensemble": {
        "weights": {"linear": 0.4, "boosting": 0.6},
        "linear": {"C": 1.0},
        "boosting": {"leaves": 7, "categories": "sets", "trees": 30},
    },
}


@dataclass(frozen=True)
class World:
    """One prediction problem: clean rows, their contract, their project."""

    frame: pl.DataFrame
    contract: Contract
    project: Project

    def with_train(self, **changes: Any) -> "World":
        return replace(self, project=replace(self.project, train=replace(self.project.train, **changes)))

    def choose(self, **more: Any) -> Any:
        return choose(self.frame, self.contract, self.project, tell=lambda _: None, **more)

    def fit(self, family: str, folder: Path) -> str:
        choice = self.choose(recipe={"family": family, "params": RECIPES[family]})
        return fit(self.frame, self.contract, self.project, choice, folder)

    def values(self) -> list[tuple[Any, ...]]:
        return self.frame.select([column.name for column in self.contract.columns]).rows()


def _with_nulls(values: list[Any], chance: np.random.Generator, share: float = 0.1) -> list[Any]:
    return [None if gap else value for value, gap in zip(values, chance.random(len(values)) < share, strict=True)]


def _make_features(rows: int, chance: np.random.Generator) -> pl.DataFrame:
    times = [START + timedelta(minutes=37 * row) for row in range(rows)]
    return pl.DataFrame(
        {
            "id": [f"row {row}" for row in range(rows)],
            "size (cm)": _with_nulls(chance.normal(10, 3, rows).tolist(), chance),
            "rooms": chance.integers(1, 9, rows).tolist(),
            "new": _with_nulls((chance.random(rows) < 0.4).tolist(), chance),
            "carrier": _with_nulls(chance.choice(["Ä", "B", "C", "d d", "new one"], rows).tolist(), chance),
            "asked": pl.Series(_with_nulls(times, chance), dtype=pl.Datetime("us", "UTC")),
            "day": pl.Series(_with_nulls([time.date() for time in times], chance), dtype=pl.Date),
            "_event_at": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
        },
        strict=False,
    )


def _make_signal(frame: pl.DataFrame, chance: np.random.Generator) -> np.ndarray:
    size = frame.get_column("size (cm)").fill_null(10.0).to_numpy()
    carrier = frame.get_column("carrier").to_list()
    lift = np.array([1.5 if name == "B" else -0.5 for name in carrier])
    return np.asarray((size - 10) / 2 + lift + chance.logistic(0, 0.5, len(frame)))


def _make_label(signal: np.ndarray, task: Task) -> tuple[pl.Series, Target]:
    if task == "regression":
        return pl.Series("_label", signal * 100), Target("price", task)
    if task == "binary":
        return pl.Series("_label", np.where(signal > 0, "yes", "no")), Target("sold", task, "yes", ("yes", "no"))
    names = np.array(["low", "middle", "top"])[np.digitize(signal, [-1.5, 1.5])]
    return pl.Series("_label", names), Target("class", task, "", ("low", "middle", "top"))


def build_world(folder: Path, task: Task = "binary", rows: int = 600, order: Order = "event_time") -> World:
    chance = np.random.default_rng(11)
    features = _make_features(rows, chance)
    label, target = _make_label(_make_signal(features, chance), task)
    event = "asked" if order == "event_time" else ""
    contract = Contract(Row(key=("id",), event_time=event, order=order), target, COLUMNS)
    project = Project(
        "houses",
        folder,
        folder / ".trimtab",
        folder / "contract.toml",
        "Will it sell?",
        train=TrainSpec(threads=1, budget=timedelta(0)),
    )
    return World(features.with_columns(label), contract, project)


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[..., World]:
    return lambda *given, **named: build_world(tmp_path, *given, **named)


@pytest.fixture(scope="session")
def make_version(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Task], tuple[World, Path, str]]:
    """Give a fitted Version (world, folder, id); each is made once and must not be changed."""
    made: dict[tuple[str, Task], tuple[World, Path, str]] = {}

    def make(family: str, task: Task = "binary") -> tuple[World, Path, str]:
        if (family, task) not in made:
            folder = tmp_path_factory.mktemp("version") / family
            world = build_world(folder.parent, task)
            made[family, task] = (world, folder, world.fit(family, folder))
        return made[family, task]

    return make
