"""The intervals of numbers follow the outcomes, in what is served and in a replay."""

import math
from pathlib import Path

import numpy as np
import pytest

from trimtab.loop.begin import begin
from trimtab.loop.cycle import ingest
from trimtab.loop.replay import replay
from trimtab.loop.state import Wheel, open_wheel

SETTINGS = (
    "[train]\nfamilies = ['linear']\nbudget = '5s'\n"
    "[monitor]\nwindow = 200\nmin_rows = 100\n[triggers]\nuse = ['risk']\n"
)


def say_nothing(_: str) -> None:
    """Take a line of progress."""


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    """An ingested project of numbers whose noise is three times as wide from row 3,000 on."""
    chance = np.random.default_rng(3)
    first = chance.random(6000)
    spread = np.where(np.arange(6000) < 3000, 0.1, 0.3)
    value = 2.0 * first + chance.normal(scale=spread)
    lines = [f"{x:.4f},{y:.4f}" for x, y in zip(first, value, strict=True)]
    (tmp_path / "rows.csv").write_text("x,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    folder = tmp_path / "project"
    begin(folder, tmp_path / "rows.csv", target="y", order="file", tell=say_nothing)
    file = folder / "trimtab.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + SETTINGS, encoding="utf-8")
    opened = open_wheel(folder)
    ingest(opened, tell=say_nothing)
    return opened


def test_intervals_hold_where_a_frozen_promise_does_not(wheel: Wheel) -> None:
    found = replay(wheel, policies=["governed", "never"], batch=200, label_delay=1, tell=say_nothing)
    held = {policy: line.coverage for policy, line in found.lines.items()}
    assert held["governed"] == pytest.approx(0.9, abs=0.02)
    assert held["never"] is not None
    assert held["never"] < 0.65
    assert not math.isnan(held["never"])
