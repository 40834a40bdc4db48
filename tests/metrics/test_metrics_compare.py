"""Intervals hold what they promise: the right width, on the right side, and again on the next run."""

import math
import time
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

from trimtab import metrics
from trimtab.metrics.base import Answers, Labels
from trimtab.metrics.compare import (
    _quantile,
    mean_interval,
    metric_improvement,
    metric_interval,
    paired_difference,
    standard_error,
)
from trimtab.nouns import Task


def draw(rows: int, skill: float, seed: int = 0) -> tuple[Labels, Answers]:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, rows)
    return labels, skill * labels + (1 - skill) * chance.random(rows)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 29, 1000])
def test_student_quantile_is_right_without_scipy(freedom: int) -> None:
    assert _quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=4e-4)


@pytest.mark.parametrize("many", [5, 20, 200])
@pytest.mark.parametrize("freedom", [10, 29, 1000])
def test_the_quantile_of_many_intervals_together_is_right_too(freedom: int, many: int) -> None:
    assert _quantile(freedom, many) == pytest.approx(stats.t.ppf(1 - 0.025 / many, freedom), rel=1e-3)
    assert math.isnan(_quantile(3, many))


def test_many_intervals_hold_together() -> None:
    """Of 20 intervals all hold in 95 of 100 worlds; of plain ones hardly ever."""
    worlds = np.random.default_rng(4).random((300, 20, 40))
    held = []
    for many in (20, 1):
        found = [[mean_interval(rows, many) for rows in world] for world in worlds]
        held.append(sum(all(one.low <= 0.5 <= one.high for one in world) for world in found))
    assert held[0] >= 275
    assert held[1] < 200


def test_mean_interval_is_students() -> None:
    losses = np.random.default_rng(1).exponential(size=25)
    expected = stats.t.interval(0.95, 24, losses.mean(), stats.sem(losses))
    found = mean_interval(losses)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-6)
    assert standard_error(losses) == pytest.approx(stats.sem(losses))


def test_mean_interval_covers_the_truth_95_times_in_100() -> None:
    chance = np.random.default_rng(2)
    found = [mean_interval(chance.beta(2, 5, 40)) for _ in range(1000)]
    covered = sum(one.low <= 2 / 7 <= one.high for one in found)
    assert 930 <= covered <= 970


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_have_no_interval(rows: int) -> None:
    found = mean_interval(np.full(rows, 0.5))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.rows == rows


def test_pairing_sees_what_separate_intervals_hide() -> None:
    hard = np.random.default_rng(3).random(200)
    a, b = hard + 0.02, hard
    assert mean_interval(a).low < mean_interval(b).high
    assert paired_difference(a, b).low > 0.019


def test_the_interval_of_auc_agrees_with_the_formula_of_hanley_and_mcneil() -> None:
    """Another road to the same place: within a tenth."""
    labels, answers = draw(800, 0.3)
    found = metric_interval(metrics.get("roc_auc"), labels, answers, seed=7)
    error = hanley_mcneil(found.value, int(labels.sum()), int((1 - labels).sum()))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def hanley_mcneil(area: float, positive: int, negative: int) -> float:
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positive - 1) * (one - area**2) + (negative - 1) * (two - area**2)
    return math.sqrt(spread / (positive * negative))


class Opaque:
    """A stranger's metric that says its score and nothing about rows."""

    works_with: ClassVar[frozenset[Task]] = frozenset({"binary"})

    def __init__(self, inner: metrics.Metric) -> None:
        self.inner = inner
        self.name, self.bigger_is_better = inner.name, inner.bigger_is_better

    def score(self, labels: Labels, answers: Answers) -> float:
        return self.inner.score(labels, answers)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "rmse", "brier"])
def test_intervals_from_parts_agree_with_resampling(name: str) -> None:
    labels, answers = draw(1500, 0.3)
    parts = metric_interval(metrics.get(name), labels, answers, seed=7)
    drawn = metric_interval(Opaque(metrics.get(name)), labels, answers, seed=7)  # type: ignore[arg-type]
    assert parts.value == pytest.approx(drawn.value, abs=1e-12)
    assert (parts.low, parts.high) == pytest.approx((drawn.low, drawn.high), abs=0.2 * (drawn.high - drawn.low))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "rmse"])
def test_improvements_from_parts_agree_with_resampling(name: str) -> None:
    labels, good = draw(1500, 0.4)
    bad = draw(1500, 0.2, seed=1)[1] * 0.5 + good * 0.5
    parts = metric_improvement(metrics.get(name), labels, good, bad, seed=7)
    drawn = metric_improvement(Opaque(metrics.get(name)), labels, good, bad, seed=7)  # type: ignore[arg-type]
    assert (parts.low, parts.high) == pytest.approx((drawn.low, drawn.high), abs=0.2 * (drawn.high - drawn.low))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "rmse"])
def test_intervals_cover_the_truth_about_95_times_in_100(name: str) -> None:
    labels, answers = draw(200_000, 0.3)
    truth = metrics.get(name).score(labels, answers)
    parts = [slice(begin, begin + 400) for begin in range(0, 200_000, 400)]
    found = [metric_interval(metrics.get(name), labels[part], answers[part], seed=7) for part in parts]
    covered = sum(one.low <= truth <= one.high for one in found)
    assert 460 <= covered <= 489


def test_an_interval_ends_at_a_perfect_score() -> None:
    labels = np.repeat([0, 1], 50)
    answers = np.linspace(0, 1, 100)
    answers[49] = 0.51
    found = [metric_interval(metric, labels, answers, seed=7) for metric in metrics.for_task("binary")]
    assert max(one.high for one in found[2:]) == 1.0
    assert min(one.low for one in found) >= 0.0


def test_more_rows_than_a_resample_holds_still_narrow_the_interval() -> None:
    labels, answers = draw(80_000, 0.3)
    auc = Opaque(metrics.get("roc_auc"))
    few = metric_interval(auc, labels[:20_000], answers[:20_000], seed=7)  # type: ignore[arg-type]
    many = metric_interval(auc, labels, answers, seed=7)  # type: ignore[arg-type]
    assert (many.high - many.low) / (few.high - few.low) == pytest.approx(0.5, rel=0.25)


@pytest.mark.parametrize("metric", metrics.for_task("binary"), ids=lambda metric: metric.name)
def test_interval_holds_its_value_and_repeats(metric: metrics.Metric) -> None:
    labels, answers = draw(300, 0.2)
    found = metric_interval(metric, labels, answers, seed=7)
    assert found.low < found.value < found.high
    assert found.value == metric.score(labels, answers)
    assert found == metric_interval(metric, labels, answers, seed=7)


def test_one_class_gives_nan_and_no_warning() -> None:
    found = metric_interval(metrics.get("roc_auc"), np.ones(50), np.linspace(0, 1, 50), seed=7)
    assert math.isnan(found.value)
    assert math.isnan(found.low)


def test_a_rare_class_survives_resamples_without_it() -> None:
    labels = np.zeros(60, dtype=int)
    labels[0] = 1
    auc = Opaque(metrics.get("roc_auc"))
    found = metric_interval(auc, labels, np.linspace(1, 0, 60), seed=7)  # type: ignore[arg-type]
    assert found.value == 1.0
    assert found.low <= 1.0 <= found.high


@pytest.mark.parametrize("name", ["log_loss", "roc_auc", "accuracy"])
def test_improvement_is_positive_for_the_better_answers_whatever_the_direction(name: str) -> None:
    labels, good = draw(500, 0.5)
    _, bad = draw(500, 0.1)
    found = metric_improvement(metrics.get(name), labels, good, bad, seed=7)
    assert found.low > 0
    assert metric_improvement(metrics.get(name), labels, bad, good, seed=7).value == pytest.approx(-found.value)


def test_regression_improvement_is_in_the_targets_unit() -> None:
    labels = np.arange(100.0)
    found = metric_improvement(metrics.get("rmse"), labels, labels + 1, labels + 3, seed=7)
    assert (found.value, found.low) == pytest.approx((2.0, 2.0))


def test_a_window_is_measured_in_well_under_a_millisecond() -> None:
    """A tick measures every window of a champion's life again: resampling would cost it minutes."""
    labels, answers = draw(500, 0.3)
    began = time.perf_counter()
    for _ in range(100):
        metric_interval(metrics.get("roc_auc"), labels, answers, seed=7)
    assert time.perf_counter() - began < 0.1 * 5
