"""The check that every family must pass, run over the built-in ones; and what is particular to each."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab.errors import DataError, VersionError
from trimtab.nouns import Task
from trimtab.plugins import load
from trimtab.train.encode import Encoder
from trimtab.train.families.base import Family, Problem
from trimtab.train.labels import encode_labels, order_classes

FAMILIES = ["baseline", "linear", "boosting", "ensemble"]
TASKS = ["binary", "multiclass", "regression"]
SETTINGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "linear": {"C": 1.0},
    "boosting": {"leaves": 7, "categories": "sets", "trees": 20},
    "ensemble": {
        "weights": {"linear": 0.3, "boosting": 0.7},
        "linear": {"C": 1.0},
        "boosting": {"leaves": 7, "categories": "sets", "trees": 20},
    },
}


def prepare(world: Any, family: Family) -> Any:
    encoder = Encoder.fit(world.contract, world.frame, form=family.form)
    target = world.contract.target
    problem = Problem(target.task, len(order_classes(target)), encoder.categorical, encoder.codes)
    return encoder.encode_frame(world.frame), encode_labels(world.frame["_label"], target), problem


def fit_family(name: str, world: Any) -> Any:
    family = load("families", name)()
    X, y, problem = prepare(world, family)
    fitted = family.fit(X, y, problem=problem, params=SETTINGS[name], seed=3, threads=1)
    return family, fitted, X, problem


def export_family(family: Family, fitted: Any, folder: Path) -> Any:
    folder.mkdir()
    return {file: (folder / file).read_bytes() for file in family.export(fitted, folder)}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_keeps_its_promises(name: str, task: Task, make_world: Any, tmp_path: Path) -> None:
    """Same seed, same bytes; a round trip through plain files; a row alone equals a row among many, bit for bit."""
    world = make_world(task, rows=400)
    family, fitted, X, problem = fit_family(name, world)
    files = export_family(family, fitted, tmp_path / "a")
    assert files == export_family(family, fit_family(name, world)[1], tmp_path / "b")
    predictor = family.load(files, problem, X.shape[1])
    many = predictor.predict(X)
    alone = np.array([predictor.predict_row(row) for row in X.tolist()])
    assert many.tobytes() == alone.tobytes()
    scale = max(1.0, np.abs(many).max())
    assert np.abs(many - fitted.predict(X)).max() / scale <= 1e-6
    assert predictor.predict(X[:0]).shape == many[:0].shape


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FAMILIES)
def test_contributions_sum_to_the_raw_score(name: str, task: Task, make_world: Any, tmp_path: Path) -> None:
    family, fitted, X, problem = fit_family(name, make_world(task, rows=400))
    predictor = family.load(export_family(family, fitted, tmp_path / "a"), problem, X.shape[1])
    raw = predictor.contributions(X).sum(axis=-1)
    if task == "binary":
        raw = 1 / (1 + np.exp(-raw))
    if task == "multiclass":
        raw = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(raw, predictor.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["linear", "boosting", "ensemble"])
def test_threads_that_ask_at_once_get_the_answers_of_one(name: str, make_world: Any, tmp_path: Path) -> None:
    family, fitted, X, problem = fit_family(name, make_world(rows=400))
    predictor = family.load(export_family(family, fitted, tmp_path / "a"), problem, X.shape[1])
    expected = predictor.predict(X).tolist()
    wrong: list[int] = []

    def ask(start: Any) -> Any:
        for _ in range(60):
            wrong.extend(i for i in range(start, len(X), 2) if predictor.predict_row(X[i].tolist()) != expected[i])

    threads = [threading.Thread(target=ask, args=(start,)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_boosting_answers_twenty_thousand_single_rows_like_a_batch() -> None:
    chance = np.random.default_rng(5)
    X = chance.normal(size=(20_000, 8))
    X[:, 0] = chance.integers(0, 12, 20_000)
    X[chance.random(X.shape) < 0.05] = np.nan
    y = (np.nan_to_num(X[:, 1]) + np.sin(np.nan_to_num(X[:, 0])) > 0).astype(np.int64)
    family: Any = load("families", "boosting")()
    fitted = family.fit(
        X[:5000], y[:5000], problem=Problem("binary", 2, (0,)), params=SETTINGS["boosting"], seed=1, threads=1
    )
    X[::50, 0] = 13.0  # the bucket of the unseen, which no tree has met
    alone = np.array([fitted.predict_row(row) for row in X.tolist()])
    assert fitted.predict(X).tobytes() == alone.tobytes()


TWO_THREADS = """
import numpy as np
from trimtab.train.families.base import Problem
from trimtab.train.families.boosting import Boosting
X = np.random.default_rng(3).normal(size=(20_000, 3))
y = (X.sum(axis=1) > 0).astype(int)
given = dict(problem=Problem("binary", 2), params={"trees": 5}, seed=1)
print(len({Boosting().fit(X, y, threads=threads, **given).text for threads in (1, 2)}))
"""


def test_the_number_of_threads_does_not_change_the_trees() -> None:
    """In a process of its own, whose threads wait without spinning: others may be busy on this machine."""
    calm = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run([sys.executable, "-c", TWO_THREADS], env=calm, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


def test_early_stopping_fixes_the_number_of_trees(make_world: Any) -> None:
    world = make_world(rows=400)
    family: Any = load("families", "boosting")()
    X, y, problem = prepare(world, family)
    stopped = family.fit(
        X[:300], y[:300], problem=problem, params={"leaves": 31}, seed=1, threads=1, valid=(X[300:], y[300:])
    )
    again = family.fit(X[:300], y[:300], problem=problem, params=stopped.params, seed=1, threads=1)
    assert 0 < stopped.params["trees"] < 200
    assert again.text == stopped.text


@pytest.mark.parametrize("seen", [(0, 2), (0, 1)])
def test_linear_gives_zero_to_a_class_that_its_rows_do_not_hold(seen: Any, tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.array(seen)[(X[:, 0] > 0).astype(int)]
    family: Any = load("families", "linear")()
    problem = Problem("multiclass", 3)
    fitted = family.fit(X, y, problem=problem, params={"C": 1.0}, seed=1, threads=1)
    predictor = family.load(export_family(family, fitted, tmp_path / "a"), problem, 2)
    absent = ({0, 1, 2} - set(seen)).pop()
    assert (predictor.predict(X)[:, absent] == 0).all()
    parts = predictor.contributions(X)
    assert parts is not None
    assert parts.shape == (60, 3, 3)


def test_linear_needs_two_classes() -> None:
    with pytest.raises(DataError, match="two classes"):
        load("families", "linear")().fit(
            np.zeros((9, 1)), np.ones(9, int), problem=Problem("binary", 2), params={"C": 1.0}, seed=1, threads=1
        )


def test_an_ensemble_answers_the_weighted_mean_of_its_parts(make_world: Any) -> None:
    """Of two models whose log-odds are known, its own lie between them as the weights say."""
    world = make_world(rows=400)
    family, fitted, X, _ = fit_family("ensemble", world)
    alone = []
    for name in ("linear", "boosting"):
        own = load("families", name)()
        rows, labels, problem = prepare(world, own)
        params = SETTINGS["ensemble"][name]
        answers = own.fit(rows, labels, problem=problem, params=params, seed=3, threads=1).predict(rows)
        alone.append(np.log(answers / (1 - answers)))
    given = fitted.predict(X)
    np.testing.assert_allclose(np.log(given / (1 - given)), 0.3 * alone[0] + 0.7 * alone[1], atol=1e-9)
    assert family.form == "both"


def test_an_ensemble_takes_the_weights_that_lose_least(make_world: Any) -> None:
    world = make_world(rows=400)
    family, fitted, X, problem = fit_family("ensemble", world)
    wanted: list[Any] = []
    for tenths in (1, 9):
        weights = {"linear": (10 - tenths) / 10, "boosting": tenths / 10}
        aim = replace(fitted, weights=weights).predict(X)
        found = family.pool((fitted.linear, fitted.boosting), problem, X, lambda given, aim=aim: abs(given - aim).sum())
        wanted.append((found.params["weights"], weights))
    assert all(found == weights for found, weights in wanted)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"format":2,"weights":{"linear":0.5,"boosting":0.5}}',
        b'{"format":1,"weights":{"linear":0.5}}',
        b'{"format":1,"weights":{"linear":-0.5,"boosting":1.5}}',
        b'{"format":1,"weights":{"linear":NaN,"boosting":0.5}}',
    ],
)
def test_odd_weights_of_an_ensemble_are_refused(text: bytes, make_world: Any, tmp_path: Path) -> None:
    family, fitted, X, problem = fit_family("ensemble", make_world(rows=400))
    files = export_family(family, fitted, tmp_path / "a")
    with pytest.raises(VersionError, match="ensemble"):
        family.load({**files, "ensemble.json": text}, problem, X.shape[1])


def test_an_ensemble_needs_every_class_where_it_learns(make_world: Any) -> None:
    """A line has no score for a class that it has not seen, and the trees have one."""
    family: Any = load("families", "ensemble")()
    X, _, problem = prepare(make_world("multiclass", rows=400), family)
    with pytest.raises(DataError, match="every class"):
        family.fit(X, np.arange(400) % 2, problem=problem, params=SETTINGS["ensemble"], seed=3, threads=1)


HOSTILE = {
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "empty": b"",
    "text": b"tree\nversion=v4\nnonsense\n",
    "nul": b"tree\nversion=v4\nnum_class=1\n\0",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    ("name", "file"), [("baseline", "baseline.json"), ("linear", "model.onnx"), ("boosting", "model.txt")]
)
def test_bytes_that_are_no_model_are_refused(name: str, file: str, data: bytes) -> None:
    files = {file: data, "coefficients.json": b'{"format":1,"weights":[[1.0]],"bias":[0.0],"seen":[0,1]}'}
    with pytest.raises(VersionError):
        load("families", name)().load(files, Problem("binary", 2), 1)


def test_a_model_of_another_shape_is_refused(make_world: Any, tmp_path: Path) -> None:
    """LightGBM would read beyond the row; onnxruntime would fail at the first request."""
    for name in ("linear", "boosting", "ensemble"):
        family, fitted, X, problem = fit_family(name, make_world(rows=400))
        files = export_family(family, fitted, tmp_path / name)
        with pytest.raises(VersionError, match=r"encoder|shape"):
            family.load(files, problem, X.shape[1] + 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_of_another_task_is_refused(name: str, make_world: Any, tmp_path: Path) -> None:
    """Three answers written where one is expected would go beyond the buffer."""
    family, fitted, X, problem = fit_family(name, make_world("multiclass", rows=400))
    files = export_family(family, fitted, tmp_path / "a")
    with pytest.raises(VersionError):
        family.load(files, Problem("binary", 2, problem.categorical, problem.codes), X.shape[1])


def test_onnx_with_tensors_outside_the_file_is_refused(make_world: Any, tmp_path: Path) -> None:
    import onnx

    family, fitted, X, problem = fit_family("linear", make_world(rows=400))
    files = export_family(family, fitted, tmp_path / "a")
    graph = onnx.load_model_from_string(files["model.onnx"])
    tensor = graph.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.ClearField("double_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"
    with pytest.raises(VersionError, match="names external data"):
        family.load({**files, "model.onnx": graph.SerializeToString()}, problem, X.shape[1])
