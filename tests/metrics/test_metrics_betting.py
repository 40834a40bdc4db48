"""Betting gives the wealth that the definition says, in logarithms, and never more evidence than chance allows."""

import math
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.metrics.betting import STEPS, from_log, log_evidence, log_growth, log_mean, risk_limit
from trimtab.nouns import Interval

GAINS = st.lists(st.floats(-1, 1), min_size=1, max_size=50)


@given(GAINS)
@settings(deadline=None, max_examples=100)
def test_log_evidence_is_the_log_of_the_mean_product(gains: list[float]) -> None:
    bets = [0.9 * step for step in STEPS]
    wealth = sum(prod(1 + bet * gain for gain in gains) for bet in bets) / len(bets)
    assert log_evidence(np.array(gains), bets) == pytest.approx(math.log(wealth), abs=1e-9)


@given(GAINS, st.integers(1, 10))
@settings(deadline=None, max_examples=100)
def test_batches_multiply_to_the_whole(gains: list[float], size: int) -> None:
    sizes = [len(gains[begin : begin + size]) for begin in range(0, len(gains), size)]
    whole = log_growth(np.array(gains), [0.5], [len(gains)])
    assert log_growth(np.array(gains), [0.5], sizes).sum() == pytest.approx(whole[0, 0], abs=1e-12)


@given(GAINS)
@settings(deadline=None, max_examples=100)
def test_better_and_worse_are_never_both_shown(gains: list[float]) -> None:
    bets = [0.95 * step for step in STEPS]
    assert min(log_evidence(np.array(gains), bets), log_evidence(-np.array(gains), bets)) < math.log(5)


def test_a_hundred_thousand_rows_do_not_overflow() -> None:
    found = log_evidence(np.full(100_000, 0.5), [0.1, 0.9])
    assert found == pytest.approx(100_000 * math.log(1.45) - math.log(2))
    assert from_log(found) < math.inf


def test_no_rows_are_no_evidence() -> None:
    assert log_evidence(np.array([]), [0.5]) == 0.0
    assert log_growth(np.array([]), [0.5], []).shape == (0, 1)


def test_a_bet_that_can_lose_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="loses everything"):
        log_growth(np.array([-1.0]), [1.0], [1])


def test_batches_must_be_backed_by_rows() -> None:
    with pytest.raises(ValueError, match="batches name 5 rows, but there are 3"):
        log_growth(np.zeros(3), [0.5], [2, 3])


def test_log_mean_of_nothing_won_is_nothing() -> None:
    assert log_mean(np.array([-math.inf, -math.inf])) == -math.inf
    assert log_mean(np.array([-math.inf, math.log(4)])) == pytest.approx(math.log(2))


def test_the_limit_takes_the_larger_tolerance() -> None:
    assert risk_limit(Interval(0.2, 0.18, 0.22, 9), 0.005, 0.1) == pytest.approx(0.24)
    assert risk_limit(Interval(0.01, 0.0, 0.02, 9), 0.005, 0.1) == pytest.approx(0.025)
