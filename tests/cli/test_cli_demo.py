"""The demonstration, whole: real server, real lake, real catalog, and a kept project on which the verbs work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trimtab.cli import main

pytestmark = pytest.mark.slow
TRIMTAB = [sys.executable, "-m", "trimtab.cli"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "digits"


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict[str, Any]:
    """What `trimtab demo --keep DIR --json` tells, without a terminal."""
    command = [*TRIMTAB, "demo", "--keep", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_every_step_was_reached(shown: dict[str, Any]) -> None:
    assert shown["missed"] == []


def test_no_acknowledged_answer_was_lost(shown: dict[str, Any]) -> None:
    assert (shown["predictions"], shown["outcomes"], shown["lost"]) == (897, 897, 0)


def test_calm_rows_start_no_retrain(shown: dict[str, Any]) -> None:
    calm = [step for step in shown["by_step"] if not step["planted"]]
    assert len(calm) == 2
    assert [step["decisions"] for step in calm] == [[], []]


def test_planted_fault_is_noticed_at_once(shown: dict[str, Any]) -> None:
    first = next(step for step in shown["by_step"] if step["planted"])
    assert first["fired"] == ["risk"]


def test_later_version_answers_better_than_the_first_would_have(shown: dict[str, Any]) -> None:
    assert shown["promotions"] == 2
    assert shown["brier"]["served"] < shown["brier"]["frozen"] / 2


def test_both_curves_are_one_until_the_first_version_is_replaced(shown: dict[str, Any]) -> None:
    own = [step["brier"] for step in shown["by_step"] if step["version"] == "v1"]
    assert own
    assert [scores["served"] for scores in own] == pytest.approx([scores["frozen"] for scores in own], abs=1e-12)


def test_kept_folder_holds_a_project_and_the_chart(
    shown: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (folder / "wheel.svg").read_text().startswith("<svg")
    assert (folder / "wheel.png").read_bytes().startswith(b"\x89PNG")
    assert main(["status", str(folder)]) == 0
    assert f"{shown['by_step'][-1]['version']} (boosting) answers" in capsys.readouterr().out


def test_second_demonstration_in_the_same_folder_is_refused(
    shown: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--keep", str(folder)]) == 2
    assert "not empty" in capsys.readouterr().err
