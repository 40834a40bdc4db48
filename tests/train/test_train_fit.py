import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab.errors import DataError, StoreError
from trimtab.metrics.figures import spread
from trimtab.nouns import Interval, Task
from trimtab.train.artefact import open_version
from trimtab.train.families.linear import Line, Linear
from trimtab.train.fit import _check_parity, _without_nan
from trimtab.train.manifest import REQUIRED
from trimtab.train.promise import read_interval

MODEL_FILES = {
    "baseline": {"baseline.json"},
    "linear": {"model.onnx", "coefficients.json"},
    "forest": {"model.onnx", "reading.json"},
    "boosting": {"model.txt"},
    "ensemble": {"model.txt", "coefficients.json", "ensemble.json"},
}


@pytest.mark.parametrize("family", MODEL_FILES)
def test_two_fits_of_the_same_rows_have_the_same_id(family: str, make_version: Any, tmp_path: Path) -> None:
    world, folder, identifier = make_version(family)
    assert world.fit(family, tmp_path / "again") == identifier
    assert {path.name for path in folder.iterdir()} == REQUIRED | MODEL_FILES[family] | {
        "account.json",
        "manifest.json",
    }


def test_other_rows_another_id(make_world: Any, make_version: Any, tmp_path: Path) -> None:
    assert make_world(rows=599).fit("baseline", tmp_path / "a") != make_version("baseline")[2]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", MODEL_FILES)
def test_an_opened_version_answers_rows_and_frames_alike(family: str, task: Task, make_version: Any) -> None:
    world, folder, identifier = make_version(family, task)
    package = open_version(folder, expect=identifier)
    answer = package.compile_row()
    many, alone = package.predict(world.frame), np.array([answer(row) for row in world.values()])
    assert many.tobytes() == alone.tobytes()
    parts = package.contributions(world.frame)
    if family == "forest":
        assert parts is None
        return
    assert parts is not None
    assert parts.shape == (len(world.frame), len(package.encoder.names) + 1)
    assert package.contract == world.contract


def test_a_version_knows_how_good_it_is(make_version: Any) -> None:
    world, folder, _ = make_version("linear")
    package, choice = open_version(folder), world.choose(recipe={"family": "linear", "params": {"C": 1.0}})
    assert package.metrics == choice.metrics
    assert (package.risk, package.scale, package.threshold) == (choice.risk, choice.scale, choice.threshold)
    assert package.recipe == {"family": "linear", "params": {"C": 1.0}}
    assert package.base == (world.frame["_label"] == "yes").mean()


def test_decisions_are_words(make_version: Any) -> None:
    binary = open_version(make_version("linear")[1])
    assert binary.threshold is not None
    assert binary.classes == ("no", "yes")
    assert binary.decide(binary.threshold) == "yes"
    assert binary.decide(np.nextafter(binary.threshold, 0)) == "no"
    assert binary.decide(0.3, threshold=0.2) == "yes"
    assert open_version(make_version("linear", "multiclass")[1]).decide([0.1, 0.2, 0.7]) == "top"
    assert open_version(make_version("linear", "regression")[1]).decide(0.1) == "0.1"


def test_the_card_tells_the_truth_in_plain_words(make_version: Any) -> None:
    _, folder, _ = make_version("linear")
    card = (folder / "card.md").read_text()
    measured = Interval(**json.loads((folder / "metrics.json").read_text())["metrics"]["log_loss"])
    assert "Will it sell?" in card
    assert "600 labelled rows, from 2025-01-01" in card
    assert f"| log_loss | {spread(measured)} |" in card
    assert "cheapest on 60 calibration rows" in card


def test_no_file_holds_a_time_of_creation_or_a_key(make_version: Any) -> None:
    _, folder, _ = make_version("linear")
    golden = (folder / "golden.jsonl").read_text()
    assert "row 5" not in golden
    assert "seconds" not in (folder / "metrics.json").read_text()


def test_json_holds_no_nan(make_version: Any) -> None:
    _, folder, _ = make_version("baseline", "multiclass")
    for path in folder.glob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


def test_what_could_not_be_measured_is_null_on_disk_and_nan_again() -> None:
    found = _without_nan({"auc": asdict(Interval(math.nan, 0.1, math.inf, 3)), "rows": (1, 2)})
    assert found == {"auc": {"value": None, "low": 0.1, "high": None, "rows": 3}, "rows": [1, 2]}
    assert math.isnan(read_interval(found["auc"]).value)


def test_a_folder_with_something_in_it_is_left_alone(make_world: Any, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="not empty"):
        make_world().fit("baseline", tmp_path / "full")
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"


class TwistedLine:
    """A fitted model whose packaged form answers otherwise: what a silent conversion error looks like."""

    def __init__(self, line: Any) -> None:
        self.params: Mapping[str, Any] = {}
        self.line = line

    def predict(self, matrix: Any) -> Any:
        return self.line.predict(matrix) + 1e-4


def test_a_package_that_answers_otherwise_than_the_fit_is_refused(make_version: Any) -> None:
    world, folder, _ = make_version("linear")
    package = open_version(folder)
    with pytest.raises(DataError, match=r"linear model is 0\.0001 away from the fitted one"):
        _check_parity(TwistedLine(package.predictor), package, package.encoder.encode_frame(world.frame))


def test_linear_is_the_line_that_scikit_learn_fitted(make_world: Any) -> None:
    """Parity on real data with its own units, to a millionth of the largest answer."""
    from sklearn.datasets import load_diabetes

    from trimtab.train.families.base import Problem

    X, y = load_diabetes(return_X_y=True, scaled=False)
    fitted = Linear().fit(X, y, problem=Problem("regression"), params={"C": 1.0}, seed=1, threads=1)
    assert isinstance(fitted, Line)
    np.testing.assert_allclose(fitted.predict(X), fitted.estimator.predict(X))
