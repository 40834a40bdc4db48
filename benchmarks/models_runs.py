"""The runs of `benchmarks/models.py`: each set, sample and tool once, kept in .bench/models/results.jsonl.

A run that stands there is not repeated; trimtab's own are repeated when its code has changed.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from environments import FOLDER, python_of
from models_sets import SAMPLES, TABLES, Sample, cut_samples

from trimtab.metrics.calibration_error import ExpectedCalibrationError

SECONDS = 60
THREADS = 2
PLAIN = ("base rate", "linear", "forest", "LightGBM")
RESULTS = FOLDER / "results.jsonl"
HERE = Path(__file__).parent
CODE = HERE.parent / "src" / "trimtab" / "train"

REQUIREMENTS: Mapping[str, Sequence[str]] = {
    "flaml": ["flaml[automl]==2.7.0", "pyarrow"],
    "autogluon": ["autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3"],
}
TOOLS = ("trimtab", "flaml", "autogluon", "plain")
LEAST_SHARE = 0.4
"""A run that got less processor time than this share of its wall clock, on a busy machine, is repeated."""

Result = dict[str, Any]


def code_of(tool: str) -> str:
    """Return what a tool's results depend on: the hash of trimtab's training code, or the version of another tool."""
    if tool in REQUIREMENTS:
        return REQUIREMENTS[tool][0]
    if tool == "plain":
        return "1"
    texts = [path.read_bytes() for path in sorted(CODE.rglob("*.py"))]
    return hashlib.sha256(b"\n".join(texts)).hexdigest()[:12]


def read_results() -> list[Result]:
    """Return all results so far, oldest first."""
    if not RESULTS.exists():
        return []
    results = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    return [one for one in results if one["tool"] == "plain" or one["busy"] >= LEAST_SHARE * one["seconds"]]


def missing_runs(tools: Sequence[str], sets: Sequence[str], samples: int = SAMPLES) -> Iterator[tuple[Sample, str]]:
    """Yield what was not run yet, sample by sample, so that a run that is cut off is balanced."""
    done = {(one["set"], one["sample"], one["tool"], one["code"]) for one in read_results()}
    for number in range(samples):
        for table in TABLES:
            wanted = [tool for tool in tools if (table.name, number, tool, code_of(tool)) not in done]
            if wanted and table.name in sets:
                sample = cut_samples(table)[number]
                yield from ((sample, tool) for tool in wanted)


def run(sample: Sample, tool: str) -> None:
    """Run a tool on a sample in a process of its own, score its answers, and keep the result."""
    folder, code = sample.write(), code_of(tool)
    python = python_of(tool, REQUIREMENTS[tool]) if tool in REQUIREMENTS else Path(sys.executable)
    command = [str(python), str(HERE / f"models_{tool}.py"), str(folder), str(SECONDS), str(THREADS)]
    # Threads that wait by spinning would take the processor from whatever else runs.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(THREADS)}
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise SystemExit(f"{tool} failed on {sample.name}:\n{done.stderr[-3000:]}")
    found = json.loads((folder / f"{tool}.json").read_text(encoding="utf-8"))
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    for one in found if isinstance(found, list) else [found]:
        answers, raw, classes = one.pop("answers"), one.pop("raw", None), one.pop("classes")
        result = {"set": sample.table.name, "sample": sample.number, "tool": tool, "code": code, **one}
        result |= {"score": score(sample, answers, classes), "seconds": round(seconds, 1), "busy": round(busy, 1)}
        if raw and classes:
            result |= {"ece_before": miscalibration(sample, raw), "ece_after": miscalibration(sample, answers)}
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        told = f"{sample.name} {one.get('name', tool)}: {result['score']:.4f}, {seconds:.0f} s, {busy:.0f} s busy"
        print(told, one.get("about", ""), flush=True)


def score(sample: Sample, answers: Sequence[Any], classes: Sequence[str]) -> float:
    """Return the mean log loss of the later rows, or the root of their mean squared error."""
    truth = sample.test["target"]
    if not classes:
        return float(np.sqrt(np.square(np.array(answers) - truth.to_numpy()).mean()))
    chances = np.array(answers, dtype=np.float64)
    places = {name: place for place, name in enumerate(classes)}
    own = chances[np.arange(len(truth)), [places.get(one, 0) for one in truth]]
    own = np.where([one in places for one in truth], own, 0.0)
    return float(-np.log(np.clip(own, 1e-15, None)).mean())


def miscalibration(sample: Sample, answers: Sequence[Sequence[float]]) -> float:
    """Return the expected calibration error on the later rows; classes stand in the order of their names."""
    names = sorted(sample.train["target"].unique())
    labels = np.array([names.index(one) if one in names else -1 for one in sample.test["target"]])
    given = np.array(answers, dtype=np.float64)
    return ExpectedCalibrationError().score(labels, given[:, 1] if given.shape[1] == 2 else given)
