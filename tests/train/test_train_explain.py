"""What moved an answer: exact parts by column, in log-odds or in the target's unit, for every task."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab.nouns import Task
from trimtab.train.artefact import Package, open_version
from trimtab.train.fit import fit

SETTINGS: dict[str, dict[str, Any]] = {"linear": {"C": 1.0}, "boosting": {"leaves": 7, "trees": 20}}
SETTINGS["ensemble"] = {"weights": {"linear": 0.4, "boosting": 0.6}, **SETTINGS}
EXACT = ("linear", "boosting", "ensemble")


def raw_answers(package: Package, frame: Any) -> np.ndarray:
    """The answers before calibration."""
    raw: np.ndarray = getattr(package.predictor, "raw", package.predictor).predict(package.encoder.encode_frame(frame))
    return raw


@pytest.mark.parametrize("family", EXACT)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_parts_sum_to_the_raw_answer(family: str, task: Task, make_version: Any) -> None:
    world, folder, _ = make_version(family, task)
    package = open_version(folder)
    found = package.explain(world.frame)
    assert found is not None
    for one, raw in zip(found, raw_answers(package, world.frame).tolist(), strict=True):
        assert set(one.parts) == {column.name for column in world.contract.features}
        assert one.base + sum(one.parts.values()) == pytest.approx(one.score, rel=1e-9, abs=1e-9)
        assert one.raw == pytest.approx(raw, rel=1e-9, abs=1e-9)
    assert found[0].unit == {"binary": "log-odds of yes", "regression": "price"}[task]


@pytest.mark.parametrize("family", EXACT)
def test_of_several_classes_the_one_decided_for_is_explained(family: str, make_version: Any, tmp_path: Path) -> None:
    """With a cost for mistaking `low` rows that is no longer always the likeliest class."""
    world, _, _ = make_version(family, "multiclass")
    choice = world.choose(recipe={"family": family, "params": SETTINGS[family]})
    object.__setattr__(choice, "class_costs", (20.0, 1.0, 1.0))
    fit(world.frame, world.contract, world.project, choice, tmp_path / "v")
    package = open_version(tmp_path / "v")
    answers, found = package.predict(world.frame), package.explain(world.frame)
    decided = [package.decide(answer) for answer in answers.tolist()]
    assert found is not None
    assert [one.unit for one in found] == [f"the score of {name}" for name in decided]
    assert decided != [package.classes[place] for place in answers.argmax(axis=1)]
    raw, scores = (
        raw_answers(package, world.frame),
        package.predictor.contributions(package.encoder.encode_frame(world.frame)),
    )
    assert scores is not None
    for row, one in enumerate(found):
        whole = [math.exp(score) for score in scores[row].sum(axis=1)]
        share = math.exp(one.base + sum(one.parts.values())) / sum(whole)
        assert share == pytest.approx(raw[row, package.classes.index(decided[row])], rel=1e-9)


def test_a_forest_has_no_exact_parts(make_version: Any) -> None:
    world, folder, _ = make_version("forest")
    assert open_version(folder).explain(world.frame) is None
