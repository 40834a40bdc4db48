"""A source that lies deviates from the others for certain; one that tells of other rows does not."""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from trimtab.monitor.sources import Batch, _pair, compare_source, measure_deviations
from trimtab.nouns import Task

Numbers = NDArray[np.float64]
LIMIT = log(2000.0)


def answers_of(task: Task, chance: np.random.Generator, rows: int) -> Numbers:
    if task == "regression":
        return chance.normal(size=rows)
    logits = chance.normal(0.0, 1.5, size=(rows, 3))
    return np.asarray(1.0 / (1.0 + np.exp(-logits[:, 0]))) if task == "binary" else _soften(logits)


def _soften(logits: Numbers) -> Numbers:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def tell(task: Task, answers: Numbers, chance: np.random.Generator) -> Numbers:
    """Labels as the answers expect them."""
    if task == "regression":
        return answers + 0.3 * chance.normal(size=len(answers))
    if task == "binary":
        return (chance.random(len(answers)) < answers).astype(float)
    return np.asarray((chance.random((len(answers), 1)) > answers.cumsum(axis=1)).sum(axis=1).astype(float))


def lie(task: Task, labels: Numbers) -> Numbers:
    if task == "regression":
        return np.asarray(np.roll(labels, 1))
    return np.asarray((labels + 1) % (2 if task == "binary" else 3))


def batches(task: Task, seed: int, number: int, lying: int = 0) -> list[Batch]:
    """The last so many batches with a liar in it, 60 labels to the others' 240; scale 1.2 is four usual errors."""
    chance = np.random.default_rng(seed)
    made: list[Batch] = []
    for place in range(number):
        found = {}
        for name, rows in (("a", 60), ("b", 200), ("c", 40)):
            answers = answers_of(task, chance, rows)
            labels = tell(task, answers, chance)
            told = lie(task, labels) if name == "a" and place >= number - lying else labels
            found[name] = measure_deviations(task, told, answers, 1.2)
        made.append(found)
    return made


TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


@pytest.mark.parametrize("task", TASKS)
def test_a_liar_is_found_in_three_batches_with_the_batch_that_it_began_with(task: Task) -> None:
    for seed in range(10):
        found = compare_source("a", batches(task, seed, 12, lying=3))
        assert found.evidence > LIMIT
        assert found.since in {8, 9}
        assert found.labels == 12 * 60
        assert compare_source("b", batches(task, seed, 12, lying=3)).evidence < LIMIT


@pytest.mark.parametrize("task", TASKS)
def test_honest_sources_are_not_doubted(task: Task) -> None:
    """30 sources in 40 batches each; at most one in a thousand batches is the promise."""
    assert max(compare_source(name, batches(task, seed, 40)).evidence for seed in range(10) for name in "abc") < LIMIT


def test_a_source_of_rows_that_nobody_knows_much_of_is_no_liar() -> None:
    """Half of its labels are wrong, as its answers of .5 say; all of the others' are right."""
    chance = np.random.default_rng(1)
    hard, easy = np.full(80, 0.5), np.full(80, 0.01)
    made = [
        {
            "a": measure_deviations("binary", tell("binary", hard, chance), hard, 1.0),
            "b": measure_deviations("binary", tell("binary", easy, chance), easy, 1.0),
        }
        for _ in range(40)
    ]
    assert compare_source("a", made).evidence < LIMIT


def test_a_liar_that_has_stopped_agrees_again() -> None:
    honest, lying = batches("binary", 3, 30), batches("binary", 3, 12, lying=12)
    assert compare_source("a", honest, kind=0).evidence > LIMIT
    assert compare_source("a", lying, kind=0).evidence < LIMIT


def test_without_others_nothing_can_be_said() -> None:
    alone = [{"a": one["a"]} for one in batches("binary", 1, 5, lying=5)]
    assert compare_source("a", alone).labels == 0
    assert compare_source("a", alone).evidence == -np.inf
    assert compare_source("z", batches("binary", 1, 5)).labels == 0


def test_each_pair_sees_every_other_source() -> None:
    """Labels are compared in the order in which they came, whichever way several sources stand."""
    batch = {"a": np.zeros((2, 1)), "b": np.zeros((4, 1)), "c": np.ones((4, 1))}
    assert _pair("a", batch).ravel().tolist() == [-0.5, -0.5]
