"""A hundred kills of `trimtab score`: every row is in an output and in the log, once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

BATTERY = Path(__file__).parent / "score_battery.py"


@pytest.mark.faults
def test_a_hundred_kills_lose_and_repeat_no_row(
    small: Any, tmp_path: Path, times: Callable[..., int], tell: Callable[..., None]
) -> None:
    small.make_project(tmp_path / "p")
    rows = [{name: value for name, value in row.items() if name != "churned"} for row in small.make_rows(3000, 3)]
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "in.parquet")
    kills = times(100)
    command = [sys.executable, str(BATTERY), str(tmp_path / "p"), str(tmp_path / "in.parquet"), ".parquet", str(kills)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    tell("kills of a batch", kills, result["lost"] + result["repeated"] + result["unknown"])
    assert (result["lost"], result["repeated"], result["unknown"], result["left"]) == (0, 0, 0, [])
    assert result["in_order"]
    assert result["cut_short"] > kills / 3
