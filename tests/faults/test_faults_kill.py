"""The long battery: twenty kills of each kind, and the controls that show what it would find. `make faults` runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BATTERY = Path(__file__).parent / "kill_battery.py"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def run_battery(mode: str) -> dict[str, int]:
    command = [sys.executable, str(BATTERY), mode, "20"]
    result: dict[str, int] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


@pytest.mark.parametrize("mode", ["write", "forward"])
def test_twenty_kills_lose_and_repeat_nothing(mode: str) -> None:
    result = run_battery(mode)
    assert (result["lost"], result["repeated"]) == (0, 0)
    assert result["acknowledged"] > 1000
    assert result["cut_short"] > 10


def test_a_spool_that_answers_before_it_commits_is_caught() -> None:
    assert run_battery("hasty")["lost"] > 0


def test_a_forwarder_without_transaction_ids_is_caught() -> None:
    assert run_battery("careless")["repeated"] > 0
