"""Twenty kill -9 of a serving worker under load, on one folder: no acknowledged prediction is lost, none is kept twice.

The short form, with its negative control, is tests/serve/test_serve_kill.py; this one uses the same world.
"""

import importlib.util
import random
import signal
from pathlib import Path
from typing import Any

import pytest

KILLS = 20


def borrow(name: str) -> Any:
    """Return a module of tests/serve; the folders of tests are no packages."""
    spec = importlib.util.spec_from_file_location(f"faults_{name}", Path(__file__).parents[1] / "serve" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.faults
def test_twenty_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    world, kill = borrow("conftest"), borrow("test_serve_kill")
    small = world.build_world(tmp_path, world.CONTRACT, "binary")
    small.make_project(tmp_path / "p")
    row = {name: value for name, value in world.make_rows(1, 3)[0].items() if name != "churned"}
    moments = random.Random(11)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        server = world.launch(tmp_path / "p")
        acknowledged += kill.load_and_kill(server, row, moments.uniform(0, 0.4))
        server.stop(signal.SIGKILL)
    kept = kill.kept_ids(tmp_path / "p")
    assert len(set(acknowledged)) == len(acknowledged) > KILLS
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
