"""Fifty kills during ingest of each kind of source: what is kept in the end is what an undisturbed run keeps."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BATTERY = Path(__file__).parent / "ingest_battery.py"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def run_battery(mode: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, str(BATTERY), mode, "50"], check=True, capture_output=True, text=True)
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("mode", ["csv", "database", "api"])
def test_fifty_kills_lose_and_repeat_nothing(mode: str) -> None:
    result = run_battery(mode)
    assert result["differ"] == []
    assert int(str(result["rows"])) > 25_000
    assert int(str(result["cut_short"])) > 25


def test_a_lake_that_forgets_transactions_is_caught() -> None:
    assert run_battery("careless")["differ"]
