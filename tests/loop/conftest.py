"""Small worlds for the loop: a CSV in file order whose label follows two numbers, and a world that turns half way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trimtab.loop.begin import begin
from trimtab.loop.cycle import ingest
from trimtab.loop.state import Wheel, open_wheel

SETTINGS = """
[train]
families = ["linear"]
[monitor]
window = 150
min_rows = 100
min_labels = 100
[triggers]
use = ["risk"]
[trim]
versions = 1
recalibrate = false
[retrain]
cooldown = "1 windows"
limit = "0s"
"""


def say_nothing(_: str) -> None:
    pass


def write_rows(path: Path, rows: int, turned_at: int, seed: int = 3) -> None:
    """Rows a, b, y; from row `turned_at` on the effect of `a` is the opposite."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=rows), random.normal(size=rows)
    sign = np.where(np.arange(rows) < turned_at, 1.0, -1.0)
    label = random.random(rows) < 1 / (1 + np.exp(-(2 * sign * a + b)))
    lines = [f"{x:.4f},{z:.4f},{'yes' if y else 'no'}" for x, z, y in zip(a, b, label, strict=True)]
    path.write_text("a,b,y\n" + "\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Wheel]:
    """A function that makes an ingested project of so many rows, the world turning at one of them."""

    def make(rows: int, turned_at: int, settings: str = SETTINGS) -> Wheel:
        write_rows(tmp_path / "rows.csv", rows, turned_at)
        folder = tmp_path / "project"
        begin(folder, tmp_path / "rows.csv", target="y", order="file", tell=say_nothing)
        file = folder / "trimtab.toml"
        file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + settings, encoding="utf-8")
        wheel = open_wheel(folder)
        ingest(wheel, tell=say_nothing)
        return wheel

    return make
