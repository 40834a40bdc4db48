"""Drift of a Window: what moved and matters stands first, with its direction and the floor of chance."""

import polars as pl
from tests.monitor.world import FEATURES, know, make_rows

from trimtab.metrics.profile import Profile
from trimtab.monitor.drift import judge_drift, sum_drift
from trimtab.nouns import State

REFERENCE = know(make_rows(4000, seed=9)).features
WEIGHTS = {"warmth": 0.7, "price": 0.2, "kind": 0.1}


def recount(rows: pl.DataFrame) -> Profile:
    return REFERENCE.recount(rows)


def test_windows_of_the_same_world_pass() -> None:
    for seed in range(20):
        found = judge_drift(REFERENCE, recount(make_rows(300, seed=seed)), WEIGHTS)
        assert sum_drift("inputs", found).state is State.PASS


def test_what_moved_and_weighs_most_stands_first() -> None:
    rows = make_rows(300).with_columns(warmth=pl.col("warmth") - 2.0, price=pl.col("price") * 3.0)
    found = judge_drift(REFERENCE, recount(rows), WEIGHTS)
    assert [(one.column, one.drifted) for one in found] == [("price", True), ("warmth", True), ("kind", False)]
    assert ", higher (chance reaches" in found[0].judgement.reasons[0]
    assert ", lower (chance reaches" in found[1].judgement.reasons[0]
    whole = sum_drift("inputs", found)
    assert whole.state is State.FAIL
    assert whole.reasons[0] == "2 of 3 columns moved, 90% of the importance"


def test_a_sure_but_small_move_is_no_drift() -> None:
    rows = make_rows(200_000, seed=3).with_columns(warmth=pl.col("warmth") + 0.4)
    found = next(one for one in judge_drift(REFERENCE, recount(rows), WEIGHTS) if one.column == "warmth")
    assert found.distance.distance > 0.02
    assert not found.drifted


def test_nulls_count_as_drift() -> None:
    rows = make_rows(300).with_columns(price=pl.lit(None, pl.Float64))
    found = judge_drift(REFERENCE, recount(rows), WEIGHTS)[0]
    assert (found.column, found.drifted) == ("price", True)
    assert "nulls +100%" in found.judgement.reasons[0]


def test_too_few_rows_cannot_tell() -> None:
    found = judge_drift(REFERENCE, recount(make_rows(29)), WEIGHTS)
    assert {one.judgement.state for one in found} == {State.CANNOT_TELL}
    assert sum_drift("inputs", found).state is State.CANNOT_TELL
    assert len(found) == len(FEATURES)
