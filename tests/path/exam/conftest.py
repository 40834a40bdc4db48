"""Submissions handed in for real: written as a file, run in the sandbox or without one, graded."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trimtab.nouns import State
from trimtab.path.exam import Graded
from trimtab.path.exam.grade import grade
from trimtab.path.exam.planted import write_reference
from trimtab.path.exam.sandbox import Limits, find_cage
from trimtab.path.exam.tasks import ask
from trimtab.path.exam.world import make_world

SEED, SECOND = 11, 12
QUICK = Limits(seconds=3.0)
HandIn = Callable[..., Graded]

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None and not os.environ.get("CI"), reason="needs bubblewrap: apt-get install bubblewrap"
)


@pytest.fixture
def hand_in(tmp_path: Path) -> HandIn:
    """Grade a script's text on two lists."""

    def hand_in_text(text: str, *, name: str = "exam.py", limits: Limits = QUICK, **options: object) -> Graded:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return grade(file, SEED, SECOND, limits=limits, **options)  # type: ignore[arg-type]

    return hand_in_text


@pytest.fixture
def without_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which bubblewrap is not found."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    find_cage.cache_clear()
    yield
    find_cage.cache_clear()


@pytest.fixture(params=["sandbox", "unsandboxed"])
def anywhere(request: pytest.FixtureRequest) -> bool:
    """Both kinds of machine, one after the other; whether it is the one with a sandbox."""
    if request.param == "unsandboxed":
        request.getfixturevalue("without_bubblewrap")
    elif shutil.which("bwrap") is None and not os.environ.get("CI"):
        pytest.skip("needs bubblewrap: apt-get install bubblewrap")
    return bool(request.param == "sandbox")


@pytest.fixture(scope="session")
def right() -> str:
    """The script that passes."""
    return write_reference(ask(make_world(SEED)))


def passed_tasks(graded: Graded) -> set[str]:
    """Return the names of the tasks that are right."""
    return {result.task for result in graded.results if result.state is State.PASS}
