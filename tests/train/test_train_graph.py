"""The same estimator becomes the same graph, whatever the order of sets in a process."""

import os
import subprocess
import sys

import pytest

MAKE = """
import hashlib
import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from trimtab.train.families.base import Problem
from trimtab.train.families.graph import convert

rows = np.random.default_rng(0).normal(size=(60, 2))
for task, model in (("binary", LogisticRegression()), ("regression", Ridge())):
    fitted = model.fit(rows, (rows[:, 0] > 0).astype(int))
    print(hashlib.sha256(convert(fitted, Problem(task, 2), 2, "model")).hexdigest())
"""


@pytest.mark.slow
def test_a_graph_has_the_same_bytes_in_every_process() -> None:
    """Under these two seeds of Python's hashes the converter lists what a graph imports in either order."""
    told = {
        subprocess.run(
            [sys.executable, "-c", MAKE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "116")
    }
    assert len(told) == 1
