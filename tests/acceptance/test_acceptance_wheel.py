"""The wheel turns with real parts: a CSV, the command line, a real server, catalog and lake; in under a minute."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

SETTINGS = """
[monitor]
window = 100
min_rows = 50
min_labels = 50
[triggers]
use = ["risk"]
[trim]
recalibrate = false
[promote]
style = "switch"
[retrain]
cooldown = "1 windows"
"""


def make_rows(count: int, seed: int, *, turned: bool = False) -> list[dict[str, Any]]:
    """Rows whose label follows two numbers and a category; `turned` is the world after a change."""
    random = np.random.default_rng(seed)
    size, speed = random.normal(50, 10, count), random.normal(0, 1, count)
    colour = random.choice(["red", "green", "blue"], count)
    score = (size - 50) / 10 * (-1.5 if turned else 1.5) + speed + (colour == "red")
    label = random.random(count) < 1 / (1 + np.exp(-score))
    return [
        {"Größe (cm)": round(float(size[i]), 3), "speed": round(float(speed[i]), 3), "plan/type": str(colour[i]),
         "late": "yes" if label[i] else "no"}
        for i in range(count)
    ]  # fmt: skip


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [";".join(f'"{name}"' for name in rows[0]), *(";".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def trimtab(*words: str | Path, code: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "trimtab.cli", *map(str, words), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextmanager
def serving(project: Path) -> Iterator[httpx.Client]:
    """A real worker on a free port; it must end with 0 when it is asked to."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "trimtab.cli", "serve", str(project), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert worker.stdout is not None
    line = worker.stdout.readline()
    try:
        address = next(word for word in line.split() if word.startswith("http://")).rstrip(",")
        with httpx.Client(base_url=address, timeout=20) as client:
            yield client
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        worker.stdout.close()


def ask_and_tell(client: httpx.Client, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send rows without their label, then their outcomes; return the replies."""
    asked = [{name: value for name, value in row.items() if name != "late"} for row in rows]
    replies: list[dict[str, Any]] = client.post("/predict", json={"rows": asked}).json()["results"]
    outcomes = [
        {"prediction_id": reply["prediction_id"], "value": row["late"]}
        for reply, row in zip(replies, rows, strict=True)
    ]
    told = client.post("/outcomes", json={"outcomes": outcomes})
    assert told.status_code == 200, told.text
    return replies


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("wheel")
    data = home / "Übung 1;final.csv"
    write_csv(data, make_rows(1200, 1))
    trimtab("init", home / "late", "--data", data, "--target", "late", "--order", "file")
    text = (home / "late" / "trimtab.toml").read_text(encoding="utf-8").split("[monitor]")[0]
    (home / "late" / "trimtab.toml").write_text(text + SETTINGS, encoding="utf-8")
    return home / "late"


@pytest.mark.slow
def test_the_wheel_turns(project: Path) -> None:
    """Six steps: rows in, contract, served and logged, measured, retrained, replaced on evidence; all journalled."""
    ingested = trimtab("ingest", project)
    assert ingested["rows"] == {"in": 1200, "accepted": 1200, "quarantined": 0, "rejected": 0}
    trained = trimtab("train", project)
    assert trained["promoted"] is True
    assert trained["chosen"] in {"linear", "ensemble"}, trained["reasons"]  # the world is a line, and noise

    with serving(project) as client:
        model = client.get("/model").json()
        one = client.post("/predict", json={"Größe (cm)": 70, "speed": 1.5, "plan/type": "red"}).json()
        assert (one["logged"], one["prediction"]) == ("durable", "yes")
        bad = client.post("/predict", json={"Größe (cm)": "tall", "plan/type": None})
        assert bad.status_code == 422
        assert {error["field"] for error in bad.json()["errors"]} == {"Größe (cm)", "speed", "plan/type"}

        calm = ask_and_tell(client, make_rows(200, 2))
        first = trimtab("tick", project)["turn"]
        assert first["decisions"] == []
        assert first["forwarded"] == {"predictions": 201, "outcomes": 200}

        for step in range(6):
            replies = ask_and_tell(client, make_rows(100, 10 + step, turned=True))
            turned = trimtab("tick", project)["turn"]
            if any(decision["action"] == "promote" for decision in turned["decisions"]):
                break
        else:
            pytest.fail(f"no promotion: {turned['decisions']}")
        deadline = time.monotonic() + 10
        while client.get("/model").json()["epoch"] == model["epoch"]:
            assert time.monotonic() < deadline, "the worker did not follow the epoch"
            time.sleep(0.1)
        newer = client.post("/predict", json={"Größe (cm)": 70, "speed": 0.0, "plan/type": "blue"}).json()
        assert newer["epoch"] == model["epoch"] + 1
        assert newer["version"] != model["version"]

    for reply in (calm[0], replies[-1]):
        told = trimtab("explain", reply["prediction_id"], "--project", project)
        assert told["same"] is True
        assert told["output"]["probability"] == reply["probability"]
        assert told["outcome"]["value"] in {"yes", "no"}
    journal = trimtab("journal", project, "--verify")
    actions = [decision["action"] for decision in journal["decisions"]]
    assert actions[0] == "promote"
    assert actions[-2:] == ["retrain", "promote"]
    status = trimtab("status", project)
    assert status["champion"]["family"] == trained["chosen"]
    assert status["epoch"] == 2

    back = trimtab("rollback", project)
    assert back["decision"]["action"] == "roll_back"
    assert trimtab("status", project)["epoch"] == 3
