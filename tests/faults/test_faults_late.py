"""The long battery of late rows: any orders and batches, against what plain Python says. `make faults` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[1] / "pipeline" / "test_pipeline_late.py"

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_whatever_the_order_late_rows_within_lateness_are_kept() -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", "-m", "faults", str(ROOM)], check=False)
    assert done.returncode == 0
