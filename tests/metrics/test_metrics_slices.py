"""Slices: what is planted is found, what is not there is not told, and intervals mean what they say."""

import time

import numpy as np
import pytest

from trimtab.metrics.slices import Parting, find_slices, measure_slices, part_by_size, part_by_value


def make_rows(rows: int, seed: int, columns: int = 6) -> tuple[list[Parting], np.ndarray]:
    chance = np.random.default_rng(seed)
    partings = [part_by_size(f"x{one}", chance.normal(size=rows)) for one in range(columns)]
    partings.append(part_by_value("carrier", chance.choice(["A", "B", "C", "D"], rows).tolist()))
    return partings, chance.exponential(0.3, rows)


def test_a_planted_pair_is_found_with_its_true_size() -> None:
    partings, losses = make_rows(6000, 1)
    names = partings[-1].names
    bad = (partings[-1].codes == names.index("B")) & (partings[2].codes == 0)
    losses[bad] += 0.4
    found = find_slices(partings, losses, lambda _: {}, seed=7)
    assert len(found.slices) == 1
    (slice_,) = found.slices
    assert slice_.where == {"x2": partings[2].names[0], "carrier": "B"}
    assert slice_.rows == bad.sum()
    assert slice_.difference.low <= 0.4 <= slice_.difference.high


def test_where_nothing_is_wrong_a_search_tells_of_something_about_one_time_in_twenty() -> None:
    """Hundreds of slices are tried each time: without the correction nearly every search would find one."""
    told = sum(bool(find_slices(*make_rows(800, seed), lambda _: {}, seed=seed).slices) for seed in range(60))
    assert told <= 7


def test_the_rows_that_serve_to_find_a_slice_do_not_measure_it() -> None:
    partings, losses = make_rows(4000, 3)
    bad = partings[0].codes == 3
    losses[bad] += 0.5
    (slice_,) = find_slices(partings, losses, lambda rows: {"seen": int(rows.sum())}, seed=7).slices  # type: ignore[dict-item]
    assert {slice_.loss.rows, slice_.difference.rows} == {slice_.metrics["seen"]}  # type: ignore[comparison-overlap]
    assert slice_.rows * 0.4 < slice_.loss.rows < slice_.rows * 0.6


def test_declared_slices_are_all_told_unless_they_are_tiny() -> None:
    values = ["A"] * 50 + ["B"] * 29 + [None] * 40
    losses = np.array([0.1] * 50 + [0.9] * 29 + [0.5] * 40)
    found = measure_slices([part_by_value("carrier", values)], losses, lambda _: {})
    assert [(one.where["carrier"], one.rows, round(one.loss.value, 3)) for one in found] == [
        ("A", 50, 0.1),
        ("missing", 40, 0.5),
    ]


def test_ranges_of_numbers_hold_the_rows_of_their_parts() -> None:
    numbers = np.append(np.random.default_rng(5).normal(size=400).round(1), np.nan)
    parting = part_by_size("x", numbers)
    for code in range(4):
        above, up_to = parting.find_range(code) or (np.nan, np.nan)
        assert ((numbers > above) & (numbers <= up_to)).tolist() == (parting.codes == code).tolist()
    assert parting.find_range(4) is None  # "missing"
    assert part_by_value("y", ["a", "b"]).find_range(0) is None


@pytest.mark.parametrize("numbers", [[np.nan] * 40, [3.0] * 40, [0.0, 1.0] * 20])
def test_odd_columns_of_numbers_are_parted_too(numbers: list[float]) -> None:
    parting = part_by_size("x", np.array(numbers))
    assert (parting.codes >= 0).all()
    assert len(parting.names) >= len(set(parting.codes.tolist()))


def test_a_hundred_thousand_rows_of_thirty_columns_take_seconds() -> None:
    partings, losses = make_rows(100_000, 5, columns=29)
    began = time.process_time()
    find_slices(partings, losses, lambda _: {}, seed=7)
    assert time.process_time() - began < 10
