"""The short form of the power battery; tests/faults/test_faults_power.py cuts at 500 calls."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BATTERY = Path(__file__).parents[1] / "faults" / "power_battery.py"


@pytest.mark.skipif(
    shutil.which("strace") is None and not os.environ.get("CI"), reason="needs strace: apt-get install strace"
)
@pytest.mark.parametrize(("synchronous", "loses"), [("FULL", False), ("OFF", True)])
def test_a_power_cut_loses_nothing_that_was_acknowledged_and_synced(synchronous: str, loses: bool) -> None:
    command = [sys.executable, str(BATTERY), synchronous, "12"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert (result["lost"] > 0, result["repeated"]) == (loses, 0)
    assert result["acknowledged"] > 200
