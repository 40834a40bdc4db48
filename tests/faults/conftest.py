"""How often a battery tries (`--n`), how it tells its result, and the small world of the serving tests."""

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def times(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return what `--n` says, else the battery's own number."""
    return lambda own: request.config.getoption("--n") or own


@pytest.fixture
def tell() -> Callable[[str, int, int], None]:
    """Return the function that prints a result: by the rule of three, no failure in n tries means at most 3 / n."""
    begin = time.monotonic()

    def say(what: str, n: int, failures: int) -> None:
        bound = f", so with 95 % confidence at most {3 / n:.2g} of them fail" if not failures else ""
        sys.stdout.write(f"\n{what}: n = {n}, {failures} failures{bound}; {time.monotonic() - begin:.0f} s\n")

    return say


def borrow(name: str) -> Any:
    """Return a module of tests/serve; the folders of tests are no packages."""
    spec = importlib.util.spec_from_file_location(f"faults_{name}", Path(__file__).parents[1] / "serve" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for themselves there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the world of the serving tests, and what they use: `launch`, `load_and_kill`, `kept_ids`, `start_up`."""
    parts, kill, up = borrow("conftest"), borrow("test_serve_kill"), borrow("test_serve_up")
    world = parts.build_world(tmp_path_factory.mktemp("world"), parts.CONTRACT, "binary")
    row = {name: value for name, value in parts.make_rows(1, 3)[0].items() if name != "churned"}
    return SimpleNamespace(
        row=row,
        world=world,
        make_project=world.make_project,
        promote=world.promote,
        make_rows=parts.make_rows,
        launch=parts.launch,
        load_and_kill=kill.load_and_kill,
        kept_ids=kill.kept_ids,
        start_up=up.start,
    )
