"""A Verdict compares two Versions on the same rows; above 0 the challenger is better, in every metric."""

import numpy as np
import pytest

from trimtab import metrics
from trimtab.evaluate import compare
from trimtab.nouns import Judgement, State, Task, Verdict

PASSED = Judgement("golden", State.PASS, ("answered",))
ROWS = 400


def world(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, good answers and poor answers of a task."""
    chance = np.random.default_rng(5)
    if task == "regression":
        truth = chance.normal(size=ROWS)
        return truth, truth + chance.normal(scale=0.2, size=ROWS), truth + chance.normal(scale=0.9, size=ROWS)
    classes = 2 if task == "binary" else 3
    labels = chance.integers(0, classes, ROWS)
    happened = (labels[:, None] == np.arange(classes)).astype(float)
    good, poor = (skill * happened + (1 - skill) * chance.dirichlet(np.ones(classes), ROWS) for skill in (0.6, 0.2))
    return (labels, good[:, 1], poor[:, 1]) if task == "binary" else (labels, good, poor)


def judge(task: Task, *, swap: bool = False) -> Verdict:
    labels, good, poor = world(task)
    return compare("v4", "v3", labels, poor if swap else good, good if swap else poor, task, 3.0, [PASSED])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_better_challenger_is_better_in_every_metric(task: Task) -> None:
    verdict = judge(task)
    assert set(verdict.differences) == {"risk"} | {metric.name for metric in metrics.for_task(task)}
    assert all(0 < gain.low < gain.value < gain.high for gain in verdict.differences.values())
    assert {gain.rows for gain in verdict.differences.values()} == {verdict.rows} == {ROWS}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_changing_places_changes_the_sign(task: Task) -> None:
    there, back = judge(task).differences, judge(task, swap=True).differences
    assert all(back[name].value == pytest.approx(-there[name].value) for name in there)


def test_differences_are_the_differences_of_the_scores() -> None:
    labels, good, poor = world("binary")
    for metric in metrics.for_task("binary"):
        gain = metric.score(labels, good) - metric.score(labels, poor)
        found = judge("binary").differences[metric.name].value
        assert found == pytest.approx(gain if metric.bigger_is_better else -gain)


def test_the_same_inputs_give_the_same_verdict() -> None:
    assert judge("binary") == judge("binary")


def test_the_gates_decide_the_state() -> None:
    labels, good, poor = world("binary")
    unsure = Judgement("paired", State.CANNOT_TELL, ("few rows",))
    verdict = compare("v4", "v3", labels, good, poor, "binary", 1.0, [PASSED, unsure])
    assert (judge("binary").state, verdict.state) == (State.PASS, State.CANNOT_TELL)


def test_one_class_leaves_out_what_is_undefined() -> None:
    verdict = compare("v4", "v3", np.zeros(50, int), np.full(50, 0.1), np.full(50, 0.2), "binary", 1.0, [PASSED])
    assert "roc_auc" not in verdict.differences
    assert verdict.differences["brier"].value == pytest.approx(0.03)


def test_without_rows_only_the_gates_speak() -> None:
    none = np.array([])
    verdict = compare("v4", "v3", none, none, none, "binary", 1.0, [PASSED])
    assert (verdict.rows, verdict.differences, verdict.state) == (0, {}, State.PASS)


def test_answers_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="3 labels, 3 and 2 answers are not pairs"):
        compare("v4", "v3", np.zeros(3), np.zeros(3), np.zeros(2), "binary", 1.0, [])
