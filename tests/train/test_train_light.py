"""What a serving worker imports to open and ask a Version must stay light."""

import subprocess
import sys
from typing import Any

import pytest

HEAVY = (
    "sklearn",
    "lightgbm",
    "scipy",
    "pandas",
    "polars",
    "pyarrow",
    "deltalake",
    "duckdb",
    "altair",
    "onnx",
    "skl2onnx",
)
ASK = """
import sys
from trimtab.train import golden
from trimtab.train.artefact import open_version
from pathlib import Path
folder = Path(sys.argv[1])
package = open_version(folder)
assert golden.check_golden(package, (folder / "golden.jsonl").read_bytes()) == ""
print(*sys.modules)
"""


@pytest.mark.parametrize("family", ["baseline", "linear", "boosting", "ensemble"])
def test_opening_and_asking_imports_no_training_library(family: str, make_version: Any) -> None:
    _, folder, _ = make_version(family)
    done = subprocess.run([sys.executable, "-c", ASK, str(folder)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint(HEAVY)
    assert ("onnxruntime" in loaded) == (family == "linear")
