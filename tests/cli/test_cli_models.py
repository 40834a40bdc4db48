"""What `train`, `trials` and `explain` say of a contest, and what the verbs say of targets that cannot be learnt."""

import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab.cli import main

TRAIN = '\n[train]\nfamilies = ["baseline", "linear", "mine:broken"]\n'
Ask = Callable[..., tuple[int, dict[str, Any]]]


def begin(folder: Path, rows: str, *more: str) -> Path:
    """A project `p` on rows of CSV text, whose target is y; what init prints is the caller's."""
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    words = ["init", str(folder / "p"), "--data", str(folder / "rows.csv"), "--target", "y", "--order", "file", *more]
    assert main(words) == 0
    return folder / "p"


def write_rows(labels: Any, **columns: Any) -> str:
    names = [*columns, "y"]
    lines = (",".join(map(str, row)) for row in zip(*columns.values(), labels, strict=True))
    return "\n".join([",".join(names), *lines]) + "\n"


def draw(rows: int = 400) -> tuple[Any, Any]:
    chance = np.random.default_rng(5)
    size = chance.normal(size=rows).round(3)
    return size, np.where(chance.random(rows) < 1 / (1 + np.exp(-2 * size)), "yes", "no")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Families baseline, linear and one that crashes; not trained yet."""
    size, good = draw()
    folder = begin(tmp_path_factory.mktemp("models"), write_rows(good, size=size))
    settings = folder / "trimtab.toml"
    settings.write_text(re.sub(r"(?ms)^\[train\].*?(?=^\[|\Z)", "", settings.read_text()) + TRAIN)
    (folder / "mine.py").write_text("def broken():\n    raise RuntimeError('no licence')\n")
    return folder


@pytest.fixture
def ask(project: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(scope="module")
def trained(project: Path) -> dict[str, Any]:
    """What `train --json` says; the verb is run once."""
    out = StringIO()
    with redirect_stdout(out):
        assert main(["train", str(project), "--json"]) == 0
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_train_as_json_has_the_documented_keys(trained: dict[str, Any]) -> None:
    assert {"version", "task", "rows", "families", "chosen", "reasons", "promoted"} <= set(trained)
    assert (trained["task"], trained["rows"], trained["chosen"], trained["promoted"]) == ("binary", 400, "linear", True)
    assert re.fullmatch("[0-9a-f]{12}", trained["version"])
    assert all(isinstance(reason, str) and reason for reason in trained["reasons"])
    for family in trained["families"]:
        assert {"name", "metrics", "seconds", "dropped"} <= set(family)
        assert family["seconds"] >= 0
    metrics = trained["families"][1]["metrics"]
    assert {"log_loss", "brier", "roc_auc", "average_precision", "accuracy"} <= set(metrics)
    for one in metrics.values():
        assert {"value", "low", "high"} <= set(one)
        assert one["low"] <= one["value"] <= one["high"]


def test_a_family_that_crashes_is_dropped_with_its_reason(trained: dict[str, Any]) -> None:
    """The others go on; a dropped one has a reason and no metrics, the others metrics and no reason."""
    dropped = {one["name"]: (one["dropped"], one["metrics"]) for one in trained["families"]}
    assert "no licence" in dropped["mine:broken"][0]
    assert dropped["mine:broken"][1] == {}
    assert [name for name, (reason, _) in dropped.items() if not reason] == ["baseline", "linear"]


def test_trials_are_listed_shown_and_compared(trained: dict[str, Any], project: Path, ask: Ask) -> None:
    where = ("--project", str(project))
    listed = ask("trials", str(project))[1]["trials"]
    assert {one["family"] for one in listed} == {"baseline", "linear", "mine:broken"}
    shown = ask("trials", "show", "2", *where)[1]
    assert {"params", "score", "snapshot", "revision", "environment", "contract", "metric"} <= set(shown)
    assert shown["metric"] == "log_loss"
    first, other, *_ = (one["number"] for one in listed if one["family"] == "linear")
    told = ask("trials", "compare", str(first), str(other), *where)[1]
    assert told["settings"]["C"][0] != told["settings"]["C"][1]
    assert told["same_rows"] is True
    assert ask("trials", "show", "999", *where)[0] == 2


def test_explain_adds_up_to_the_answer(trained: dict[str, Any], project: Path, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("size\n1.5\n")
    answers = tmp_path / "answers.csv"
    ask("score", str(project), "--input", str(tmp_path / "new.csv"), "--output", str(answers))
    id_ = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", answers.read_text())[0]
    told = ask("explain", id_, "--project", str(project))[1]
    parts = told["explanation"]
    assert parts["base"] + sum(parts["parts"].values()) == pytest.approx(parts["score"])
    assert parts["raw"] == pytest.approx(1 / (1 + np.exp(-parts["score"])))
    if told["calibration"] == "identity":
        assert parts["raw"] == pytest.approx(told["output"]["probability"])


def test_a_training_that_fails_leaves_the_champion(trained: dict[str, Any], project: Path, ask: Ask) -> None:
    settings = project / "trimtab.toml"
    before, blobs = settings.read_text(), sorted((project / ".trimtab" / "blobs").rglob("*"))
    settings.write_text(before.replace('"baseline", "linear", ', ""))
    try:
        assert ask("train", str(project))[0] == 1
    finally:
        settings.write_text(before)
    champion = ask("status", str(project))[1]["champion"]
    assert champion["id"] == trained["version"]
    assert sorted((project / ".trimtab" / "blobs").rglob("*")) == blobs
    assert ask("versions", str(project), "--verify")[0] == 0


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["same"] * 300, "same value in every labelled row"),
        ([""] * 300, "labelled in 0 of 300 rows"),
        (["3.5"] * 300, "same value in every labelled row"),
        (["yes", "no"] * 30, "200 are needed"),
    ],
)
def test_init_says_why_a_target_cannot_be_learnt(
    labels: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text(write_rows(labels, size=range(len(labels))))
    words = ["init", str(tmp_path / "p"), "--data", str(tmp_path / "rows.csv"), "--target", "y"]
    assert main(words) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_class_of_one_row_is_told_by_init_and_refused_by_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begin(tmp_path, write_rows(["yes", *["no"] * 299], size=draw(300)[0]))
    assert "Class 'yes' has 1 row only" in capsys.readouterr().out
    assert main(["train", str(folder)]) == 1
    assert "no: 299, yes: 1" in capsys.readouterr().err


def test_odd_columns_are_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Leaky, empty and constant columns that a person insists on are warned of by name and number."""
    size, good = draw()
    rows = write_rows(good, size=size, twin=(good == "yes") * 1.0 + size / 1e3, gone=[""] * 400, same=[4] * 400)
    folder = begin(tmp_path, rows)
    contract = folder / "contract.toml"
    text = contract.read_text().replace('\nrole = "ignore"\n', "\n").replace('"text"', '"number"')
    contract.write_text(text.replace('clean = ["trim"]\n', ""))
    assert main(["train", str(folder)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"Warning: one column alone tells nearly all of the target \('twin' (0\.9|1\.)\d* of it\)", told)
    assert "there is no value in 'gone'" in told
    assert "there is one value only in 'same'" in told
