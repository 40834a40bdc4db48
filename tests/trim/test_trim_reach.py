"""Intervals hold the truth as often as promised, whatever comes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.trim import reach as reaches
from trimtab.trim.reach import REMEMBERED, Reach

COVERAGE = 0.9
NOTHING = np.empty(0)


def follow(spreads: list[float], *, rows: int = 400, seed: int = 7, delay: int = 1) -> list[float]:
    """Return the share held, batch by batch, where errors spread like this and labels come so many batches late."""
    chance, reach, far, held, told = np.random.default_rng(seed), Reach(), 1.645, [], []
    for place, spread in enumerate(spreads):
        errors = np.abs(chance.normal(scale=spread, size=rows))
        told.append((errors, errors <= far))
        held.append(float(told[-1][1].mean()))
        if place - delay + 1 >= 0:
            old, was_held = told[place - delay + 1]
            reach = reaches.learn(reach, old, was_held.astype(float), COVERAGE)
            far = reaches.half_width(reach, COVERAGE) or 0.0
    return held


@pytest.mark.parametrize("delay", [1, 5])
@pytest.mark.parametrize(
    "spreads",
    [[1.0] * 60, list(np.linspace(1.0, 4.0, 60)), [1.0 + (place // 10 % 2) for place in range(60)], [4.0] * 60],
    ids=["still", "growing", "turning", "another one from the start"],
)
def test_intervals_hold_what_was_promised(spreads: list[float], delay: int) -> None:
    assert np.mean(follow(spreads, delay=delay)) == pytest.approx(COVERAGE, abs=0.01 if delay == 1 else 0.03)


def test_without_the_factor_they_would_lag() -> None:
    """The quantile of the last twelve batches is always late where errors grow: what the factor is for."""
    spreads = list(np.linspace(1.0, 4.0, 60))
    still = Reach()
    late = []
    chance = np.random.default_rng(7)
    for spread in spreads:
        errors = np.abs(chance.normal(scale=spread, size=400))
        late.append(float((errors <= (reaches.half_width(still, COVERAGE) or 1.645)).mean()))
        still = reaches.learn(still, errors, NOTHING, COVERAGE)
    assert np.mean(late) < 0.87


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=500), st.floats(0.05, 0.99))
def test_the_width_is_a_quantile_of_the_errors(errors: list[float], coverage: float) -> None:
    far = reaches.half_width(reaches.learn(Reach(), np.array(errors), NOTHING, coverage), coverage)
    assert far is not None
    short = 1.0 / 64  # a batch is kept by 64 points
    assert np.mean(np.array(errors) <= far * (1 + 1e-6)) >= coverage - short


def test_it_is_small_and_survives_a_file() -> None:
    reach = Reach()
    for seed in range(30):
        reach = reaches.learn(reach, np.random.default_rng(seed).random(5000), np.ones(10), COVERAGE)
    assert len(reach.errors) == REMEMBERED
    text = json.dumps(reaches.to_plain(reach))
    assert len(text) < 10_000
    assert reaches.from_plain(json.loads(text)) == reach


@pytest.mark.parametrize("batches", [1, 5])
def test_what_is_forgotten_leaves_no_trace(batches: int) -> None:
    """Errors and factor are as they were; so batches that are learnt anew are not counted twice."""
    chance = np.random.default_rng(7)
    told = [(np.abs(chance.normal(size=200)), chance.random(200) < 0.7) for _ in range(10)]
    course = [Reach()]
    for errors, held in told:
        course.append(reaches.learn(course[-1], errors, held.astype(float), COVERAGE))
    assert reaches.forget(course[10], batches) == course[10 - batches]
    assert reaches.forget(course[1], 5) == Reach()


def test_nothing_known_is_no_width() -> None:
    assert reaches.half_width(Reach(), COVERAGE) is None
    assert reaches.learn(Reach(), NOTHING, NOTHING, COVERAGE) == Reach()


def test_one_disaster_does_not_widen_for_ever() -> None:
    reach = reaches.learn(Reach(), np.ones(100), np.ones(100), COVERAGE)
    for _ in range(50):
        reach = reaches.learn(reach, np.ones(100), np.zeros(100), COVERAGE)
    assert reaches.half_width(reach, COVERAGE) == pytest.approx(np.exp(2.0))
