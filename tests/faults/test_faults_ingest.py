"""Fifty kills during ingest of each kind of source: what is kept in the end is what an undisturbed run keeps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BATTERY = Path(__file__).parent / "ingest_battery.py"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize("mode", ["csv", "database", "api"])
def test_fifty_kills_lose_and_repeat_nothing(mode: str) -> None:
    result = run_battery(mode)
    assert result["differ"] == []
    assert result["rows"] > 25_000
    assert result["cut_short"] >= 5
    assert result["behind_a_commit"] >= 3


@pytest.mark.parametrize("mode", ["csv", "database", "api"])
def test_a_position_that_does_not_travel_with_its_rows_is_caught(mode: str) -> None:
    assert run_battery(mode, "careless")["differ"]


def run_battery(mode: str, *words: str) -> Any:
    command = [sys.executable, str(BATTERY), mode, "50", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
