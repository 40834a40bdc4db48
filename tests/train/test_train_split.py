from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import DataError
from trimtab.nouns.contract import Order
from trimtab.nouns.project import TrainSpec
from trimtab.train.split import NAMES, Parts, cut_rows

HOUR = timedelta(hours=1)
DEFAULT = TrainSpec()


def cut(
    rows: int,
    order: Order = "event_time",
    *,
    events: np.ndarray | None = None,
    spec: TrainSpec = DEFAULT,
    matures: timedelta = timedelta(0),
    seed: int = 7,
) -> Parts:
    return cut_rows(rows, spec, order=order, seed=seed, events=events, matures=matures)


def hourly(rows: int) -> Any:
    return np.datetime64("2025-01-01T00:00", "us") + np.arange(rows) * np.timedelta64(1, "h")


def collect(parts: Any) -> Any:
    return [getattr(parts, name).tolist() for name in NAMES]


@settings(deadline=None, max_examples=50)
@given(rows=st.integers(20, 500), order=st.sampled_from(["event_time", "file", "none"]))
def test_every_row_is_in_one_part(rows: int, order: Order) -> None:
    parts = cut(rows, order)
    assert sorted(row for part in collect(parts) for row in part) == list(range(rows))
    assert sum(parts.sizes.values()) == rows


def test_ordered_parts_follow_each_other_by_their_shares() -> None:
    parts = cut(200, "file")
    assert parts.sizes == {"train": 120, "validation": 30, "calibration": 20, "test": 30}
    assert np.concatenate([getattr(parts, name) for name in NAMES]).tolist() == list(range(200))


def test_chance_repeats_with_its_seed_and_only_with_it() -> None:
    assert collect(cut(100, "none")) == collect(cut(100, "none"))
    assert collect(cut(100, "none", seed=8)) != collect(cut(100, "none"))


def test_labels_that_were_not_known_yet_are_left_out() -> None:
    events = hourly(200)
    parts = cut(200, events=events, matures=5 * HOUR)
    assert parts.sizes == {"train": 116, "validation": 26, "calibration": 16, "test": 30}
    for before, after in (("train", "validation"), ("validation", "calibration"), ("calibration", "test")):
        first, last = getattr(parts, after)[0], getattr(parts, before)[-1]
        assert events[first] - events[last] >= np.timedelta64(5, "h")


def test_an_automatic_gap_that_costs_too_much_is_left_away_with_a_warning() -> None:
    parts = cut(200, events=hourly(200), matures=12 * HOUR)
    assert parts.warnings == ("gap_shortened:calibration",)
    assert parts.sizes["calibration"] == 20
    assert parts.sizes["train"] == 109


def test_a_declared_gap_is_kept_or_refused() -> None:
    with pytest.raises(DataError, match="leaves 9 of the 20 rows of the calibration part"):
        cut(200, events=hourly(200), spec=TrainSpec(gap=12 * HOUR))


def test_a_gap_needs_a_time() -> None:
    assert cut(200, "file", events=hourly(200), matures=5 * HOUR).sizes["train"] == 120


def test_rows_out_of_order_are_not_split() -> None:
    with pytest.raises(ValueError, match="order of their event time"):
        cut(200, events=hourly(200)[::-1])


def test_an_empty_part_is_an_error_that_names_the_numbers() -> None:
    with pytest.raises(DataError, match="3 rows leave a part of the split empty: train 3"):
        cut(3, "file")
