"""The metrics agree with scikit-learn on every input that both define, and say NaN where nothing can be said."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from trimtab import metrics
from trimtab.errors import UsageError
from trimtab.metrics.base import Answers, Labels, RowMetric

# Few distinct values on purpose: ties are where a ranking metric goes wrong.
PROBABILITY = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 1.0]) | st.floats(0, 1)
ROWS = st.lists(st.tuples(st.integers(0, 1), PROBABILITY), min_size=1, max_size=60)

REFERENCE = {
    "log_loss": lambda y, p: reference.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15), labels=[0, 1]),
    "brier": lambda y, p: reference.brier_score_loss(y, p, pos_label=1, labels=[0, 1]),
    "accuracy": lambda y, p: reference.accuracy_score(y, (p >= 0.5).astype(int)),
}


def unpack(rows: list[tuple[int, float]]) -> tuple[Labels, Answers]:
    return np.array([label for label, _ in rows]), np.array([answer for _, answer in rows], dtype=float)


@pytest.mark.parametrize("name", sorted(REFERENCE))
@given(rows=ROWS)
@settings(deadline=None, max_examples=60)
def test_binary_score_equals_scikit_learn(name: str, rows: list[tuple[int, float]]) -> None:
    labels, answers = unpack(rows)
    # 1 - (1 - 1e-15) is 9.992e-16 in floats, so the reference's clipped rows differ in the fifth digit.
    expected = pytest.approx(REFERENCE[name](labels, answers), rel=1e-4 if name == "log_loss" else 1e-12)
    assert metrics.get(name).score(labels, answers) == expected


@given(rows=ROWS)
@settings(deadline=None, max_examples=150)
def test_ranking_metrics_equal_scikit_learn_with_ties(rows: list[tuple[int, float]]) -> None:
    labels, answers = unpack(rows)
    auc, average = (
        metrics.get("roc_auc").score(labels, answers),
        metrics.get("average_precision").score(labels, answers),
    )
    if 0 < labels.sum() < len(labels):
        assert auc == pytest.approx(reference.roc_auc_score(labels, answers), abs=1e-12)
    else:
        assert math.isnan(auc)
    if labels.sum():
        assert average == pytest.approx(reference.average_precision_score(labels, answers), abs=1e-12)
    else:
        assert math.isnan(average)


def test_ranking_of_several_classes_is_the_mean_over_those_that_are_there() -> None:
    """Each class against all others; a class without rows is left out, and so is a single class that is all rows."""
    chance = np.random.default_rng(3)
    labels, answers = chance.integers(0, 3, 200), chance.dirichlet([1.0, 1.0, 1.0, 1.0], 200).round(2)
    each = [(labels == place, answers[:, place]) for place in range(3)]
    auc, average = metrics.get("roc_auc"), metrics.get("average_precision")
    assert auc.score(labels, answers) == pytest.approx(np.mean([reference.roc_auc_score(*one) for one in each]))
    expected = np.mean([reference.average_precision_score(*one) for one in each])
    assert average.score(labels, answers) == pytest.approx(expected)
    assert math.isnan(auc.score(np.zeros(9, int), answers[:9]))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_regression_scores_equal_scikit_learn(rows: list[tuple[float, float]]) -> None:
    labels, answers = np.array(rows).T
    expected = (reference.root_mean_squared_error(labels, answers), reference.mean_absolute_error(labels, answers))
    assert [metrics.get(name).score(labels, answers) for name in ("rmse", "mae")] == pytest.approx(expected)


def test_multiclass_scores_equal_scikit_learn(three_classes: tuple[Labels, Answers]) -> None:
    labels, answers = three_classes
    found = {metric.name: metric.score(labels, answers) for metric in metrics.for_task("multiclass")}
    assert found == pytest.approx(
        {
            "log_loss": reference.log_loss(labels, answers),
            "brier": reference.brier_score_loss(labels, answers, scale_by_half=True),
            "roc_auc": reference.roc_auc_score(labels, answers, multi_class="ovr"),
            "average_precision": reference.average_precision_score(np.eye(3)[labels], answers),
            "accuracy": reference.accuracy_score(labels, answers.argmax(axis=1)),
        }
    )


@given(rows=ROWS, threshold=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
@settings(deadline=None, max_examples=60)
def test_decisions_at_a_threshold_equal_scikit_learn(rows: list[tuple[int, float]], threshold: float) -> None:
    labels, answers = unpack(rows)
    found = [score(labels, answers, threshold) for score in (metrics.precision, metrics.recall, metrics.f1)]
    expected = reference.precision_recall_fscore_support(
        labels, answers >= threshold, average="binary", zero_division=np.nan
    )
    assert found == pytest.approx(expected[:3], nan_ok=True)


def test_a_certain_mistake_costs_a_finite_log_loss() -> None:
    assert metrics.get("log_loss").score(np.array([1]), np.array([0.0])) == pytest.approx(34.539, abs=1e-3)


@pytest.mark.parametrize("metric", metrics.BUILT_IN, ids=lambda metric: metric.name)
def test_no_rows_give_nan_without_a_warning(metric: metrics.Metric) -> None:
    assert math.isnan(metric.score(np.array([]), np.array([])))


@pytest.mark.parametrize("metric", metrics.BUILT_IN, ids=lambda metric: metric.name)
def test_a_broken_answer_never_looks_like_a_good_score(metric: metrics.Metric) -> None:
    """A NaN among the answers gives NaN, or a worse score than a right answer would."""
    labels, right = np.array([0, 1, 1, 0]), np.array([0.0, 1.0, 1.0, 0.0])
    broken = metric.score(labels, np.array([0.0, np.nan, 1.0, 0.0]))
    perfect = metric.score(labels, right)
    assert math.isnan(broken) or (broken < perfect if metric.bigger_is_better else broken > perfect)


@pytest.mark.parametrize("metric", metrics.BUILT_IN, ids=lambda metric: metric.name)
def test_direction_is_true(metric: metrics.Metric) -> None:
    labels = np.array([0, 1, 1, 0])
    good, bad = np.array([0.2, 0.9, 0.7, 0.1]), np.array([0.8, 0.1, 0.6, 0.9])
    better = metric.score(labels, good) - metric.score(labels, bad)
    assert (better > 0) is metric.bigger_is_better


@pytest.mark.parametrize("metric", [m for m in metrics.BUILT_IN if isinstance(m, RowMetric)], ids=lambda m: m.name)
def test_the_mean_of_the_losses_is_the_score(metric: RowMetric) -> None:
    labels, answers = np.array([0, 1, 1]), np.array([0.3, 0.4, 0.9])
    mean = metric.losses(labels, answers).mean()
    assert metric.score(labels, answers) == pytest.approx(1 - mean if metric.bigger_is_better else mean)


def test_a_column_of_answers_is_refused_before_it_is_broadcast() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        metrics.get("rmse").score(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="one probability per row"):
        metrics.get("roc_auc").score(np.array([0, 1]), np.zeros((2, 1)))


def test_an_unknown_metric_is_named_with_the_nearest_known() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'log_loss'\?"):
        metrics.get("logloss")


def test_each_task_has_its_default_first() -> None:
    names = [metrics.default(task).name for task in ("binary", "multiclass", "regression")]
    assert names == ["log_loss", "log_loss", "rmse"]


def test_bounded_losses_stay_in_the_unit_interval(three_classes: tuple[Labels, Answers]) -> None:
    labels, answers = three_classes
    many = metrics.bounded_losses("multiclass", labels, answers, 1.0)
    wild = metrics.bounded_losses("regression", np.array([0.0, 1e9]), np.array([1.0, -1e9]), 4.0)
    assert many.min() >= 0.0
    assert many.max() <= 1.0
    assert wild.tolist() == [0.25, 1.0]


def test_bounded_loss_of_two_classes_does_not_depend_on_how_they_are_written() -> None:
    labels, answers = np.array([0, 1, 1]), np.array([0.3, 0.4, 0.9])
    both = np.stack([1 - answers, answers], axis=1)
    one = metrics.bounded_losses("binary", labels, answers, 1.0)
    assert one == pytest.approx(metrics.bounded_losses("multiclass", labels, both, 1.0))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan])
def test_a_regression_loss_needs_a_scale(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        metrics.bounded_losses("regression", np.zeros(2), np.zeros(2), scale)


@pytest.fixture
def three_classes() -> tuple[Labels, Answers]:
    chance = np.random.default_rng(3)
    return chance.integers(0, 3, 200), chance.dirichlet([1.0, 1.0, 1.0], 200)
