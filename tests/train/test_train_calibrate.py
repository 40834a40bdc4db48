"""Calibration: one map for a row and for many, learnt only where it holds on rows that it had not seen."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import VersionError
from trimtab.train.artefact import open_version
from trimtab.train.calibrate import Calibration, calibrate, conformal_quantile, read_calibration
from trimtab.train.choice import Tried
from trimtab.train.contest import judge, open_family, prepare
from trimtab.train.fit import fit

MAPS = (
    Calibration("sigmoid", (0.6, -0.4)),
    Calibration("isotonic", (0.1, 0.4, 0.9, 0.2, 0.5, 0.7)),
    Calibration(),
)


def bold_answers(rows: int, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and answers whose log-odds are `slope` times too large."""
    chance = np.random.default_rng(2)
    score = chance.normal(size=rows)
    labels = (chance.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return labels, 1 / (1 + np.exp(-slope * score))


@pytest.mark.parametrize("known", MAPS, ids=lambda known: known.kind)
@given(answers=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_many_rows_and_one_row_have_the_same_bits(known: Calibration, answers: list[float]) -> None:
    many, one = known.apply(np.array(answers)), known.compile()
    assert many.tobytes() == np.array([one(answer) for answer in answers]).tobytes()
    assert ((many >= 0) & (many <= 1)).all()


@pytest.mark.parametrize("known", MAPS, ids=lambda known: known.kind)
@given(answers=st.lists(st.sampled_from([0.1, 0.4, 0.9, -0.0, 1.5, -1.0]) | st.floats(allow_nan=False), min_size=1))
def test_what_is_no_probability_passes_both_unchanged(known: Calibration, answers: list[float]) -> None:
    one = known.compile()
    assert known.apply(np.array(answers)).tobytes() == np.array([one(answer) for answer in answers]).tobytes()
    assert np.isnan(known.apply(np.array([math.nan]))).all()


@given(rows=st.lists(st.lists(st.floats(-0.1, 1), min_size=3, max_size=3), min_size=1, max_size=20))
def test_classes_are_cooled_to_the_same_bits(rows: list[list[float]]) -> None:
    known = Calibration("temperature", (1.7,))
    assert known.apply(np.array(rows)).tobytes() == np.array(list(map(known.compile(), rows))).tobytes()


@pytest.mark.parametrize("known", MAPS, ids=lambda known: known.kind)
@given(pair=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_map_never_turns_two_answers_round(known: Calibration, pair: tuple[float, float]) -> None:
    low, high = known.apply(np.array(sorted(pair)))
    assert low <= high


def test_bold_answers_are_calmed_and_honest_ones_left_alone() -> None:
    found, brier = calibrate("binary", *bold_answers(800, 3.0), ordered=True)
    assert found.kind == "sigmoid"
    assert found.numbers[0] == pytest.approx(1 / 3, abs=0.1)
    assert brier["sigmoid"] < brier["identity"]
    assert calibrate("binary", *bold_answers(800, 1.0), ordered=True)[0].kind == "identity"


def test_a_shift_of_the_base_rate_is_not_learnt() -> None:
    """The fit that answers has seen newer rows than the one that is calibrated."""
    labels, answers = bold_answers(800, 1.0)
    shifted = 1 / (1 + np.exp(-(np.log(answers / (1 - answers)) - 1.0)))
    assert calibrate("binary", labels, shifted, ordered=True)[0].kind == "identity"


def test_a_bend_that_no_sigmoid_has_becomes_isotonic() -> None:
    chance = np.random.default_rng(5)
    answers = chance.random(4000)
    labels = (chance.random(4000) < np.where(answers > 0.5, 0.55, 0.05)).astype(np.int64)
    assert calibrate("binary", labels, answers, ordered=False)[0].kind == "isotonic"


def test_three_classes_are_cooled_and_still_sum_to_one() -> None:
    chance = np.random.default_rng(4)
    scores = chance.normal(size=(900, 3))
    honest = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = np.array([chance.choice(3, p=row) for row in honest])
    bold = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    found, _ = calibrate("multiclass", labels, bold, ordered=False)
    assert found.kind == "temperature"
    assert found.numbers[0] == pytest.approx(3.0, rel=0.2)
    np.testing.assert_allclose(found.apply(bold).sum(axis=1), 1.0)


@pytest.mark.parametrize(
    "plain",
    [
        {"format": 2, "kind": "identity"},
        {"format": 1, "kind": "sigmoid", "numbers": [1.0]},
        {"format": 1, "kind": "isotonic", "numbers": [0.5, 0.1, 0.2, 0.3]},
        {"format": 1, "kind": "temperature", "numbers": [2.0]},
        {"format": 1, "kind": "sigmoid", "numbers": [1.0, float("inf")]},
    ],
)
def test_what_is_no_map_of_two_classes_is_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(VersionError, match=r"calibration\.json"):
        read_calibration(plain, "binary")


def test_what_is_written_reads_back() -> None:
    for known in MAPS:
        assert read_calibration(json.loads(json.dumps(known.to_plain())), "binary") == known


def test_the_interval_holds_its_share_of_later_rows() -> None:
    chance = np.random.default_rng(1)
    errors = chance.normal(size=4000)
    reach = conformal_quantile(errors[:2000], np.zeros(2000), 0.9)
    assert (np.abs(errors[2000:]) <= reach).mean() == pytest.approx(0.9, abs=0.02)
    assert conformal_quantile(errors[:3], np.zeros(3), 0.9) == np.abs(errors[:3]).max()


def test_a_calibrated_version_serves_calibrated_answers(make_world: Any, tmp_path: Path) -> None:
    """Alone and among many alike; contributions stay those of the raw score."""
    world = make_world()
    choice = world.choose(recipe={"family": "boosting", "params": {"leaves": 7, "trees": 20}})
    object.__setattr__(choice, "calibration", MAPS[0].to_plain())  # a map as if the rows had asked for it
    fit(world.frame, world.contract, world.project, choice, tmp_path / "v")
    package = open_version(tmp_path / "v")
    raw = package.predictor.raw.predict(package.encoder.encode_frame(world.frame))  # type: ignore[attr-defined]
    many, one = package.predict(world.frame), package.compile_row()
    assert many.tobytes() == MAPS[0].apply(raw).tobytes()
    assert many.tobytes() == np.array([one(row) for row in world.values()]).tobytes()
    parts = package.contributions(world.frame)
    assert parts is not None
    np.testing.assert_allclose(1 / (1 + np.exp(-parts.sum(axis=1))), raw)


def test_a_number_comes_with_its_interval(make_version: Any) -> None:
    world, folder, _ = make_version("linear", "regression")
    package = open_version(folder)
    reply = package.compile_output()(10.0)
    assert package.interval_quantile is not None
    assert reply == {
        "prediction": 10.0,
        "interval": [10.0 - package.interval_quantile, 10.0 + package.interval_quantile],
    }
    inside = np.abs(package.predict(world.frame) - world.frame["_label"].to_numpy()) <= package.interval_quantile
    assert inside.mean() > 0.8


@pytest.mark.parametrize(
    ("noisy", "kind", "refused"), [(("calibration", "test"), "sigmoid", ""), (("calibration",), "identity", "sigmoid")]
)
def test_a_map_that_harms_later_rows_is_refused(
    make_world: Any, noisy: tuple[str, ...], kind: str, refused: str
) -> None:
    """Answers that were too bold for a while are calmed only if they still are on the test part."""
    ground = prepare(*vars(make_world(rows=4000).with_train(calibration=0.2)).values())
    family: Any = open_family("linear", ground.project)
    labels = (ground.rows("one_hot", np.arange(4000))[0][:, 0] > 0).astype(np.int64)
    chance = np.random.default_rng(3)
    for part in noisy:
        places = getattr(ground.parts, part)
        labels[places] ^= chance.random(len(places)) < 0.3
    ground = replace(ground, labels=labels)
    runner = judge(Tried("linear", {}, {}, 0.0), family, ground.fit(family, {"C": 1.0}, ground.parts.train), ground)
    assert (runner.calibration.kind, runner.refused) == (kind, refused)
