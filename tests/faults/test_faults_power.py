"""Power cuts at 500 system calls: nothing that was acknowledged is lost; without syncs some is."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BATTERY = Path(__file__).parent / "power_battery.py"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def run_battery(synchronous: str, points: int) -> dict[str, int]:
    command = [sys.executable, str(BATTERY), synchronous, str(points)]
    result: dict[str, int] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def test_five_hundred_cuts_lose_and_repeat_nothing(times: Callable[..., int], tell: Callable[..., None]) -> None:
    result = run_battery("FULL", times(500))
    tell("power cuts", result["points"], result["lost"] + result["repeated"])
    assert (result["lost"], result["repeated"]) == (0, 0)


def test_a_spool_that_does_not_sync_loses_some() -> None:
    assert run_battery("OFF", 60)["lost"] > 0
