"""The short form of the kill battery; `make faults` runs the long one with all its controls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BATTERY = Path(__file__).parents[1] / "faults" / "kill_battery.py"


def run_battery(mode: str, kills: int) -> dict[str, int]:
    command = [sys.executable, str(BATTERY), mode, str(kills)]
    result: dict[str, int] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


@pytest.mark.parametrize("mode", ["write", "forward"])
def test_kill_9_loses_and_repeats_nothing_that_was_acknowledged(mode: str) -> None:
    result = run_battery(mode, 2)
    assert (result["lost"], result["repeated"]) == (0, 0)
    assert result["acknowledged"] > 100


def test_the_battery_finds_a_spool_that_answers_too_early() -> None:
    assert run_battery("hasty", 2)["lost"] > 0
