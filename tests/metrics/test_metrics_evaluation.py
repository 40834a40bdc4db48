"""The account of a model: its figures agree with scikit-learn, cover the truth, and survive being stored."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from trimtab.metrics.base import Answers, Labels
from trimtab.metrics.calibration_error import BINS, ExpectedCalibrationError
from trimtab.metrics.compare import metric_interval
from trimtab.metrics.confusion import count_confusion, decision_intervals, share_interval
from trimtab.metrics.evaluation import Evaluation, Later, Wrong, count_cost, decide, draw_calibration, measure
from trimtab.metrics.importance import Importance, measure_importance
from trimtab.metrics.slices import Slice
from trimtab.nouns import Interval


def draw(rows: int, seed: int, tilt: float = 1.0) -> tuple[Labels, Answers]:
    chance = np.random.default_rng(seed)
    truth = chance.uniform(0.02, 0.98, rows)
    return (chance.random(rows) < truth).astype(int), truth**tilt


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=50))
@settings(deadline=None, max_examples=60)
def test_decisions_of_three_classes_equal_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, decided = np.array(rows).T
    found = decision_intervals(labels, decided, 3)
    assert count_confusion(labels, decided, 3) == tuple(
        map(tuple, reference.confusion_matrix(labels, decided, labels=[0, 1, 2]).tolist())
    )
    expected = reference.precision_recall_fscore_support(
        labels, decided, labels=[0, 1, 2], average=None, zero_division=np.nan
    )
    for name, values in zip(("precision", "recall", "f1"), expected[:3], strict=True):
        known = [value for value in values if not math.isnan(value)]
        assert (name in found) is bool(known)
        assert not known or found[name].value == pytest.approx(np.mean(known))
    assert found["accuracy"].value == reference.accuracy_score(labels, decided)


def test_binary_decisions_are_those_of_the_positive_class() -> None:
    labels, answers = draw(500, 1)
    decided = decide("binary", answers, 0.7)
    found = {name: one.value for name, one in decision_intervals(labels, decided, 2).items()}
    expected = reference.precision_recall_fscore_support(labels, answers >= 0.7, average="binary")
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(expected[:3])


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_intervals_of_decisions_cover_the_truth_about_95_times_in_100(name: str) -> None:
    labels, answers = draw(120_000, 2)
    decided = decide("binary", answers, 0.6)
    truth = decision_intervals(labels, decided, 2)[name].value
    parts = [slice(begin, begin + 300) for begin in range(0, 120_000, 300)]
    found = [decision_intervals(labels[part], decided[part], 2)[name] for part in parts]
    assert 366 <= sum(one.low <= truth <= one.high for one in found) <= 394


def test_a_share_has_wilsons_interval() -> None:
    found = share_interval(10, 10)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.7225, 1.0), abs=1e-4)


def test_calibration_error_is_the_mean_gap_of_its_bins() -> None:
    labels, answers = draw(3000, 3, tilt=2.0)
    bins = draw_calibration(labels, answers)
    gaps = sum(abs(one.stated - one.happened.value) * one.happened.rows for one in bins) / len(labels)
    assert len(bins) == BINS
    assert {one.happened.rows for one in bins} == {200}
    assert ExpectedCalibrationError().score(labels, answers) == pytest.approx(gaps)


def test_calibration_error_is_seen_where_it_is_and_nearly_none_where_it_is_not() -> None:
    ece = ExpectedCalibrationError()
    honest, tilted = (metric_interval(ece, *draw(20_000, 4, tilt), seed=7) for tilt in (1.0, 2.0))
    assert honest.value < 0.02
    assert tilted.low > 0.1


def test_importance_finds_the_column_that_counts_and_leaves_the_rows_alone() -> None:
    chance = np.random.default_rng(5)
    matrix = chance.normal(size=(2500, 3))
    labels, kept = 2 * matrix[:, 0] + matrix[:, 2], matrix.copy()
    predict = lambda given: 2 * given[:, 0] + given[:, 2]  # noqa: E731
    losses = lambda truth, answers: np.abs(truth - answers)  # noqa: E731
    columns = {"a": [0], "idle": [1], "c": [2]}
    found = measure_importance(predict, losses, (matrix, labels), columns, seed=7)
    assert [one.column for one in found] == ["a", "c", "idle"]
    assert found[0].loss.low > found[1].loss.high
    assert (found[2].loss.value, found[2].loss.high) == (0.0, 0.0)
    assert found == measure_importance(predict, losses, (matrix, labels), columns, seed=7)
    assert (matrix == kept).all()


def test_cost_counts_each_mistake_at_its_price() -> None:
    labels, decided = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    found = count_cost(labels, decided, [[0.0, 1.0], [5.0, 0.0]])
    assert found is not None
    assert found.value == 1500.0
    assert count_cost(labels, decided, []) is None


def test_coverage_is_the_share_of_rows_within_reach() -> None:
    found = measure("regression", np.arange(10.0), np.arange(10.0) + np.arange(10), seed=7, reach=3.0)
    assert found["interval_coverage"].value == 0.4


def test_an_evaluation_is_the_same_after_json() -> None:
    one = Interval(0.5, 0.4, math.inf, 9)
    slice_ = Slice({"a": "b"}, 9, one, one, {"brier": one})
    whole = Evaluation(
        rows=9,
        classes=("no", "yes"),
        metrics={"brier": one},
        decisions={"f1": one},
        confusion=((1, 2), (3, 3)),
        calibration=draw_calibration(*draw(40, 6)),
        cost=one,
        loss="log_loss",
        slices=(slice_,),
        worst=(slice_,),
        candidates=4,
        importance=(Importance("a", one),),
        aging="log_loss",
        later=(Later("row 1", "row 9", one, one),),
        wrong=(Wrong(7, "no", "yes", 2.0),),
    )
    plain = json.loads(json.dumps(whole.to_plain(), allow_nan=False))
    assert Evaluation.from_plain(plain).to_plain() == plain
    assert Evaluation.from_plain(plain).slices[0].where == {"a": "b"}


@pytest.mark.parametrize("plain", [{}, {"format": 2}, {"format": 1, "rows": 3}, {"format": 1, "slices": [3]}])
def test_what_is_no_evaluation_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="evaluation"):
        Evaluation.from_plain(plain)
