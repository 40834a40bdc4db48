"""Weights follow the best member, on every stretch, and let the others come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trimtab.trim.weights import learn_weights


@settings(deadline=None, max_examples=60)
@given(losses=arrays(float, (30, 4), elements=st.floats(0, 1)))
def test_weights_are_shares_and_nobody_is_gone(losses: np.ndarray) -> None:
    weights = np.full(4, 0.25)
    for lost in losses:
        weights = learn_weights(weights, lost, eta=5.0, share=0.1)
        assert weights.sum() == pytest.approx(1.0)
        assert weights.min() >= 0.1 / 4 - 1e-12


@settings(deadline=None, max_examples=60)
@given(losses=arrays(float, (40, 3), elements=st.floats(0, 1)), begin=st.integers(0, 20))
def test_on_any_stretch_little_is_lost_against_the_best_member(losses: np.ndarray, begin: int) -> None:
    """Adaptive regret of fixed share with eta <= 1 and losses in [0, 1] (Hedge: an eighth of eta a round)."""
    eta, share, weights, lost = 1.0, 0.1, np.full(3, 1 / 3), []
    for row in losses:
        lost.append(float(weights @ row))
        weights = learn_weights(weights, row, eta=eta, share=share)
    rounds = len(losses) - begin
    bound = (np.log(3 / share) + rounds * np.log(1.0 / (1.0 - share))) / eta + rounds * eta / 8.0
    assert sum(lost[begin:]) <= losses[begin:].sum(axis=0).min() + bound + 1e-9


def test_a_loss_that_is_no_number_counts_as_the_worst() -> None:
    learnt = learn_weights(np.full(3, 1 / 3), np.array([0.1, np.nan, 0.9]), eta=5.0, share=0.1)
    assert learnt[1] == pytest.approx(learnt[2])
    same = np.array([0.5, 0.5])
    assert learn_weights(same, np.array([np.nan, np.inf]), eta=5.0, share=0.1) is same
