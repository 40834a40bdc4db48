"""Corrections: none without news, the right one with much of it, and never a wild one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.nouns import Member, Task
from trimtab.trim.blend import IDENTITY, Blend
from trimtab.trim.recalibrate import FAST, LONE, SLOW, correct, in_units, logit, recalibrate, summarise

PACES = [FAST, SLOW, LONE]


def sigmoid(scores: np.ndarray) -> np.ndarray:
    shares: np.ndarray = 1.0 / (1.0 + np.exp(-scores))
    return shares


def binary_batches(slope: float, shift: float, count: int = 12, rows: int = 800) -> list[np.ndarray]:
    """Batches whose true log-odds are slope x said + shift."""
    chance, found = np.random.default_rng(5), []
    for _ in range(count):
        said = sigmoid(chance.normal(scale=1.5, size=rows))
        labels = (chance.random(rows) < sigmoid(slope * logit(said) + shift)).astype(float)
        found.append(summarise("binary", said, labels, 1.0))
    return found


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_nothing_remembered_is_the_identity(task: Task) -> None:
    assert recalibrate(task, [], [], FAST) == IDENTITY


def test_a_wrong_scale_and_a_shift_of_the_base_rate_are_found() -> None:
    slope, shift = recalibrate("binary", binary_batches(0.6, 0.8), [1.0] * 12, SLOW)
    # Most of the way: the pull towards none weighs as much as a fifth of a batch, whatever came.
    assert 0.6 < slope < 0.75
    assert 0.65 < shift < 0.85


def test_what_is_right_already_is_hardly_moved() -> None:
    for pace in PACES:
        slope, shift = recalibrate("binary", binary_batches(1.0, 0.0), [1.0] * 12, pace)
        assert slope == pytest.approx(1.0, abs=0.08)
        assert shift == pytest.approx(0.0, abs=0.12)


def test_one_batch_moves_less_than_twelve_and_the_fast_pace_forgets_the_old() -> None:
    old, new = binary_batches(1.0, 0.0, 11), binary_batches(1.0, 1.0, 1)
    fast, slow = (recalibrate("binary", [*old, *new], [1.0] * 12, pace)[1] for pace in (FAST, SLOW))
    assert 0.0 < slow < fast < 1.0
    assert abs(recalibrate("binary", new, [1.0], SLOW)[1]) < 1.0


@settings(deadline=None, max_examples=60)
@given(
    answers=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    positive=st.booleans(),
    weight=st.floats(0.0, 1.0),
)
def test_no_batch_makes_it_wild(answers: list[float], positive: bool, weight: float) -> None:
    said = np.array(answers)
    summary = summarise("binary", said, np.full(len(said), float(positive)), 1.0)
    for pace in PACES:
        slope, shift = recalibrate("binary", [summary], [weight], pace)
        assert 0.2 <= slope <= 3.0
        assert -3.0 <= shift <= 3.0


def test_a_temperature_is_found() -> None:
    """Answers that are too sure by a factor of two are cooled; probabilities stay in their order."""
    chance = np.random.default_rng(7)
    summaries = []
    for _ in range(12):
        true = chance.dirichlet([1.0, 1.0, 1.0], size=600)
        labels = np.array([chance.choice(3, p=row) for row in true]).astype(float)
        sharp = true**2 / (true**2).sum(axis=1, keepdims=True)
        summaries.append(summarise("multiclass", sharp, labels, 1.0))
    slope, shift = recalibrate("multiclass", summaries, [1.0] * 12, SLOW)
    assert 0.5 < slope < 0.65
    assert shift == 0.0


@settings(deadline=None, max_examples=30)
@given(slope=st.floats(0.5, 1.8), shift=st.floats(-2.0, 2.0), scale=st.floats(0.01, 1000.0))
def test_numbers_are_corrected_alike_in_every_unit(slope: float, shift: float, scale: float) -> None:
    chance = np.random.default_rng(9)
    said = chance.normal(size=2000) * 3.0 + 5.0
    true = slope * said + shift + chance.normal(size=2000) * 0.5
    found = recalibrate(
        "regression", [summarise("regression", said * scale, true * scale, scale)] * 12, [1.0] * 12, SLOW
    )
    corrected = correct("regression", said * scale, in_units(found, scale)) / scale
    before, after = ((true - said) ** 2).mean(), ((true - corrected) ** 2).mean()
    noise = 0.25
    assert after - noise <= 0.4 * (before - noise) + 0.02


@settings(deadline=None, max_examples=40)
@given(answers=st.lists(st.floats(0, 1), min_size=1, max_size=20), slope=st.floats(0.2, 3), shift=st.floats(-3, 3))
def test_what_is_learnt_from_is_what_is_served(answers: list[float], slope: float, shift: float) -> None:
    """`correct` over many rows is the member of a Blend, but for rounding."""
    served = Blend("binary", (Member("a", 1.0, (slope, shift)),)).answer_rows([np.array(answers)])
    assert correct("binary", np.array(answers), (slope, shift)) == pytest.approx(served, abs=1e-12)
