"""One row or many, the answers of a Trim have the same bits; a plain Trim changes nothing."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.nouns import Member, Task, Trim
from trimtab.trim.blend import LEAST, MOST, Blend

CHANCE = st.floats(0.0, 1.0)
SLOPE, SHIFT = st.floats(0.2, 3.0), st.floats(-3.0, 3.0)


def member(version: str, weight: float, *calibration: float) -> Member:
    return Member(version, weight, calibration or (1.0, 0.0))


def bits(values: Any) -> bytes:
    return np.asarray(values, dtype=np.float64).tobytes()


def test_plain_trim_passes_answers_on_untouched() -> None:
    blend = Blend("binary", [member("a", 1.0)])
    given_answers = np.array([0.0, 1.0, 0.1 + 0.2, 5e-324])
    assert blend.is_plain
    assert blend.answer_rows([given_answers]) is given_answers
    assert blend.answer_row([1.0]) == 1.0


@given(st.lists(st.tuples(CHANCE, CHANCE), min_size=1, max_size=20), SLOPE, SHIFT, CHANCE)
def test_rows_and_row_have_the_same_bits(rows: list[tuple[float, float]], a: float, b: float, weight: float) -> None:
    blend = Blend(
        "binary", [member("a", weight), member("b", (1 - weight) / 2, a, b), member("a", (1 - weight) / 2, b, a)]
    )
    answers = np.array(rows).T
    many = blend.answer_rows(list(answers))
    assert bits(many) == bits([blend.answer_row(row) for row in rows])
    assert ((many >= LEAST) & (many <= MOST)).all()


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@given(data=st.data(), slope=SLOPE, shift=SHIFT)
def test_rows_in_which_versions_are_left_out_have_the_bits_of_one_row(
    task: Task, data: st.DataObject, slope: float, shift: float
) -> None:
    shifts = (shift, 0.0, -shift) if task == "multiclass" else (shift,)
    blend = Blend(task, [member("a", 0.5), member("b", 0.3, slope, *shifts), member("c", 0.2, slope, 0.0)])
    number = st.floats(-1e6, 1e6) if task == "regression" else st.sampled_from([0.0, 1.0, math.nan]) | CHANCE
    answer = st.lists(CHANCE, min_size=3, max_size=3) if task == "multiclass" else number
    rows = data.draw(st.lists(st.tuples(answer, st.none() | answer, st.none() | answer), min_size=1, max_size=12))
    nothing = [math.nan] * 3 if task == "multiclass" else math.nan
    given_answers = [np.array([nothing if one is None else one for one in given]) for given in zip(*rows, strict=True)]
    present = np.array([[one is not None for one in given] for given in zip(*rows, strict=True)])
    many, one = blend.answer_rows(given_answers, present), np.array([blend.answer_row(row) for row in rows])
    assert bits(np.nan_to_num(many, nan=2.0)) == bits(np.nan_to_num(one, nan=2.0))


def test_blend_is_the_formula() -> None:
    blend = Blend("binary", [member("a", 0.75, 2.0, -0.5), member("b", 0.25)])
    bent = 1 / (1 + math.exp(-(2.0 * math.log(0.3 / 0.7) - 0.5)))
    assert blend.answer_row([0.3, 0.8]) == pytest.approx(0.75 * bent + 0.25 * 0.8, abs=1e-15)
    assert blend.versions == ("a", "b")


def test_answer_lies_between_its_members() -> None:
    blend = Blend("regression", [member("a", 0.5, 1.0, 2.0), member("b", 0.5)])
    assert blend.answer_row([10.0, 20.0]) == 0.5 * 12.0 + 0.5 * 20.0


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), SLOPE, st.lists(SHIFT, min_size=3, max_size=3))
def test_classes_still_sum_to_one(given_answer: list[float], slope: float, shifts: list[float]) -> None:
    answer = [one / sum(given_answer) for one in given_answer]
    blend = Blend("multiclass", [member("a", 0.4, slope, *shifts), member("b", 0.6, slope, 0.0)])
    blended = blend.answer_row([answer, answer])
    assert sum(blended) == pytest.approx(1.0)
    assert bits(blend.answer_rows([np.array([answer]), np.array([answer])])) == bits([blended])


def test_a_member_without_a_finite_answer_is_not_hidden() -> None:
    blend = Blend("binary", [member("a", 0.5), member("b", 0.5, 2.0, 0.1)])
    assert math.isnan(blend.answer_row([float("nan"), 0.5]))
    assert math.isnan(blend.answer_row([0.5, float("nan")]))


def test_calibration_of_another_task_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit the task binary"):
        Blend("binary", [member("a", 1.0, 1.0, 0.0, 0.0)])


def test_champion_has_the_greatest_weight_over_all_its_members() -> None:
    members = (member("a", 0.3), member("b", 0.4), member("a", 0.3, 2.0, 0.0))
    assert Trim(1, members).champion == "a"
    assert Trim(1, (member("a", 0.5), member("b", 0.5))).champion == "b"
