from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.nouns.project import CostSpec
from trimtab.train.threshold import choose_threshold, mistake_costs


def count_cost(labels: Any, answers: Any, threshold: Any, cost: Any) -> Any:
    """The definition, row by row."""
    alarms = sum(1 for y, p in zip(labels, answers, strict=True) if p >= threshold and y == 0)
    missed = sum(1 for y, p in zip(labels, answers, strict=True) if p < threshold and y == 1)
    return alarms * cost.false_positive + missed * cost.false_negative


@settings(deadline=None, max_examples=80)
@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.7, 1.0])), max_size=20),
    cost=st.builds(CostSpec, st.sampled_from([0.0, 1.0, 3.0]), st.sampled_from([0.0, 1.0, 5.0])),
)
def test_no_threshold_is_cheaper(rows: list[tuple[int, float]], cost: Any) -> None:
    labels, answers = np.array([y for y, _ in rows], dtype=int), np.array([p for _, p in rows], dtype=float)
    chosen = choose_threshold(labels, answers, cost)
    least = min(count_cost(labels, answers, threshold, cost) for threshold in np.linspace(0, 1, 101))
    assert 0.0 <= chosen <= 1.0
    assert count_cost(labels, answers, chosen, cost) <= least + 1e-9


def test_costs_follow_the_definition() -> None:
    labels, answers = np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8])
    found = mistake_costs(labels, answers, np.array([0.1, 0.4, 0.5, 0.9]), CostSpec(1.0, 5.0))
    assert found.tolist() == [2.0, 1.0, 6.0, 10.0]


@pytest.mark.parametrize(("false_positive", "false_negative", "ideal"), [(1, 1, 0.5), (1, 4, 0.2), (0, 0, 0.5)])
def test_without_rows_it_is_the_one_for_exact_answers(
    false_positive: float, false_negative: float, ideal: float
) -> None:
    nothing = np.array([])
    assert choose_threshold(nothing, nothing, CostSpec(false_positive, false_negative)) == ideal


def test_of_equally_cheap_thresholds_the_one_nearest_to_the_ideal_is_taken() -> None:
    labels, answers = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.9, 0.95])
    assert choose_threshold(labels, answers, CostSpec()) == 0.5
