"""Realised performance: measured on the rows whose outcome is known, judged against what the hold-out promised."""

import math
from dataclasses import replace

import numpy as np
import pytest

from trimtab import metrics
from trimtab.monitor import Reference, Scored, WindowPerformance, cut, realised
from trimtab.nouns import Interval, State

ROWS, SIZE = 2000, 500
REFERENCE = Reference(Interval(0.10, 0.09, 0.11, 800))  # limit .12


def scored(skill: float = 0.6, seed: int = 0) -> Scored:
    """Answers whose mean Brier loss is (1 - skill)^2 / 3, so .053 with the default skill."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, ROWS)
    answers = skill * labels + (1 - skill) * chance.random(ROWS)
    return Scored("binary", answers, labels, np.ones(ROWS, dtype=bool))


def perform(given: Scored, reference: Reference = REFERENCE, min_labels: int = 100) -> tuple[WindowPerformance, ...]:
    return realised(cut(np.arange(ROWS), SIZE, 1), given, reference, min_labels=min_labels)


def test_good_windows_pass_and_say_their_numbers() -> None:
    found = perform(scored())
    assert [one.judgement.state for one in found] == [State.PASS] * 4
    assert "over 500 of 500 predictions; hold-out 0.100, limit 0.120" in found[0].judgement.reasons[0]


def test_each_window_is_measured_on_its_own_rows() -> None:
    given = scored()
    found = perform(given)
    part = slice(SIZE, 2 * SIZE)
    for metric in metrics.for_task("binary"):
        assert found[1].metrics[metric.name].value == metric.score(given.labels[part], given.answers[part])


def test_the_window_in_which_the_model_broke_fails() -> None:
    given = scored()
    broken = given.answers.copy()
    broken[SIZE : 2 * SIZE] = 1 - broken[SIZE : 2 * SIZE]
    states = [one.judgement.state for one in perform(replace(given, answers=broken))]
    assert states == [State.PASS, State.FAIL, State.PASS, State.PASS]


def test_a_window_fails_only_when_its_whole_interval_is_above_the_limit() -> None:
    found = perform(scored())[0].risk
    within = Reference(Interval(found.low - 0.01, 0.0, found.low - 0.005 + 1e-9, 9), {}, 0.005, 0.0)
    beyond = Reference(Interval(found.low - 0.01, 0.0, found.low - 0.005 - 1e-9, 9), {}, 0.005, 0.0)
    assert [perform(scored(), one)[0].judgement.state for one in (within, beyond)] == [State.PASS, State.FAIL]


def test_rows_without_outcome_are_not_measured() -> None:
    """Labels of unknown rows may hold anything; they change nothing."""
    given = scored()
    known = np.random.default_rng(1).random(ROWS) < 0.5
    junk = np.where(known, given.labels, 99)
    found = perform(replace(given, labels=junk, known=known))
    expected = metrics.get("brier").score(given.labels[:SIZE][known[:SIZE]], given.answers[:SIZE][known[:SIZE]])
    assert found[0].risk.value == pytest.approx(expected)
    assert found[0].window.coverage == pytest.approx(known[:SIZE].mean())


def test_too_few_outcomes_cannot_tell() -> None:
    known = np.arange(ROWS) % SIZE < 99
    found = perform(replace(scored(skill=0.0), known=known))
    assert {one.judgement.state for one in found} == {State.CANNOT_TELL}
    assert found[0].judgement.reasons == ("cannot tell: 99 of 500 outcomes have arrived, 100 are needed",)


def test_no_outcome_at_all_is_no_error() -> None:
    found = perform(replace(scored(), known=np.zeros(ROWS, dtype=bool)))
    assert (found[0].metrics, found[0].risk.rows) == ({}, 0)
    assert math.isnan(found[0].risk.value)
    assert found[0].judgement.evidence["risk"] is None


def test_without_a_hold_out_risk_it_cannot_tell() -> None:
    assert perform(scored(), Reference(None))[0].judgement.state is State.CANNOT_TELL


def test_regression_is_judged_by_its_bounded_loss() -> None:
    chance = np.random.default_rng(2)
    labels = chance.normal(size=ROWS)
    given = Scored("regression", labels + chance.normal(scale=0.1, size=ROWS), labels, np.ones(ROWS, bool), scale=4.0)
    found = perform(given)
    assert set(found[0].metrics) == {"rmse", "mae"}
    assert found[0].risk.value == pytest.approx(found[0].metrics["mae"].value / 4.0)


def test_multiclass_is_measured_too() -> None:
    chance = np.random.default_rng(2)
    given = Scored("multiclass", chance.dirichlet([1, 1, 1], ROWS), chance.integers(0, 3, ROWS), np.ones(ROWS, bool))
    assert set(perform(given)[3].metrics) == {"log_loss", "brier", "accuracy", "roc_auc", "average_precision"}
