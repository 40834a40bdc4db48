"""Each planted fault is named, with its column; a world that stands still is told nothing of."""

import numpy as np
import polars as pl
import pytest
from tests.monitor.world import FEATURES, ROWS, SIZE, make_rows, watch

from trimtab.monitor.seen import draw_line
from trimtab.monitor.units import find_unit
from trimtab.testing.faults import Fault, plant_fault

START = ROWS - SIZE
SPARED = ("said", "seconds")


@pytest.mark.parametrize("seed", range(4))
def test_a_world_that_stands_still_is_told_nothing_of(seed: int) -> None:
    assert watch(make_rows(seed=seed)).diagnose() == ()


@pytest.mark.parametrize(
    ("kind", "column", "strength", "cause", "first"),
    [
        ("unit_change", "price", 2.54, "unit_change", START),
        ("unit_change", "warmth", 1000.0, "unit_change", START),
        ("null_storm", "warmth", 0.3, "null_storm", START),
        ("category_explosion", "kind", 0.2, "category_explosion", START),
        ("label_flip", "", 0.5, "concept_drift", START - 2 * SIZE),
        ("slow_drift", "warmth", 2.0, "covariate_shift", START - 8 * SIZE),
        ("season", "warmth", 1.5, "covariate_shift", START - 11 * SIZE),
        ("feed_stop", "price", 0.0, "feed_stopped", START),
        ("duplicate_feed", "", 0.5, "duplicate_feed", START - SIZE),
        ("base_rate_change", "", 3.0, "base_rate_change", START - 3 * SIZE),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_a_planted_fault_is_named_first_or_second(
    kind: str, column: str, strength: float, cause: str, first: int, seed: int
) -> None:
    fault = Fault(kind, first, 0, column, strength, "label", spared=SPARED, seed=seed)
    found = watch(plant_fault(make_rows(seed=seed), fault).rows).diagnose()[:2]
    named = [one for one in found if one.cause == cause]
    assert named, [(one.cause, one.strength) for one in found]
    assert not column or column in named[0].columns
    assert all(sentence and not sentence.endswith(".") for sentence in named[0].evidence)


def test_rows_that_never_came_are_missed() -> None:
    rows = make_rows()
    gap = rows.with_columns(seconds=pl.col("seconds") + 60.0 * 900 * (pl.int_range(pl.len()) >= START + 50))
    assert [one.cause for one in watch(gap).diagnose()] == ["feed_stopped"]
    silent = watch(rows).diagnose(quiet=60.0 * 900)
    assert [one.cause for one in silent] == ["feed_stopped"]
    assert "no row has come for" in silent[0].evidence[0]


def test_labels_that_come_late_are_missed() -> None:
    late = np.random.default_rng(4).exponential(60.0 * SIZE / 2, ROWS)
    late[START - 3 * SIZE :] += 60.0 * SIZE * 6
    assert [one.cause for one in watch(make_rows(), late).diagnose()] == ["label_delay"]


def test_a_fault_in_the_data_outranks_the_shift_that_it_makes() -> None:
    rows = plant_fault(make_rows(), Fault("unit_change", START, column="price", strength=100.0)).rows
    found = watch(rows).diagnose()
    assert found[0].cause == "unit_change"
    assert found[0].helps == "neither"
    assert all("price" not in one.columns for one in found[1:])


def test_how_a_shift_came_is_told() -> None:
    drift = plant_fault(make_rows(), Fault("slow_drift", START - 10 * SIZE, column="warmth", strength=3.0)).rows
    step = make_rows().with_columns(warmth=pl.col("warmth") + 8.0 * (pl.int_range(pl.len()) >= START - SIZE))
    forms = {name: watch(rows).diagnose()[0].form for name, rows in (("drift", drift), ("step", step))}
    assert forms == {"drift": "slow", "step": "step"}


@pytest.mark.parametrize(
    ("factor", "shift", "name"),
    [
        (2.20462, 0.0, "kilograms and pounds"),
        (1.8, 32.0, "Fahrenheit and Celsius"),
        (0.01, 0.0, "hundredths"),
        (7.3, 0.0, ""),
    ],
)
def test_another_unit_is_recognised(factor: float, shift: float, name: str) -> None:
    chance = np.random.default_rng(2)
    found = find_unit(chance.normal(20.0, 6.0, 800), factor * chance.normal(20.0, 6.0, 300) + shift)
    assert found is not None
    assert found.factor == pytest.approx(factor, rel=0.06)
    assert found.name == name
    assert found.left < 0.1 < found.distance


def test_a_move_by_so_much_is_no_other_unit() -> None:
    """What rises by a sum, not by a factor, has the same spread: no factor explains it."""
    chance = np.random.default_rng(2)
    found = find_unit(chance.normal(20.0, 3.0, 800), chance.normal(32.0, 3.0, 300))
    assert found is None or found.explained < 0.6 or found.left > 0.12


# --- bad input --------------------------------------------------------------------------------------------------------


def test_no_label_at_all_is_no_error() -> None:
    assert watch(make_rows(), np.full(ROWS, 1e12)).diagnose() == ()


def test_labels_of_one_class_give_a_finite_line() -> None:
    answers = np.linspace(0.1, 0.9, 200)
    for label in (0.0, 1.0):
        line = draw_line("binary", answers, np.full(200, label), 50)
        assert line is not None
        assert np.isfinite([line.slope, line.shift, line.slope_error, line.shift_error]).all()
    assert draw_line("binary", answers[:1], np.ones(1), 1) is None


@pytest.mark.parametrize("size", [1, 2])
def test_windows_of_one_row_are_told_nothing_of(size: int) -> None:
    watch(make_rows(20), size=size).diagnose()


def test_no_window_at_all() -> None:
    assert watch(make_rows(10)).look()[1] == []


@pytest.mark.parametrize("name", FEATURES)
def test_a_column_that_vanishes_or_is_all_null_is_a_storm_of_nulls(name: str) -> None:
    rows = make_rows()
    empty = rows.with_columns(pl.when(pl.int_range(pl.len()) < START).then(pl.col(name)).otherwise(None).alias(name))
    found = watch(empty).diagnose()
    assert (found[0].cause, found[0].columns) == ("null_storm", (name,))
    assert watch(rows.drop(name)).diagnose() == ()  # it was never there in these windows: nothing changed


def test_a_slice_that_vanishes_is_a_shift() -> None:
    rows, more = make_rows(), make_rows(3 * SIZE, seed=5)
    later = more.with_columns(pl.col("seconds") + rows["seconds"][-1]).filter(pl.col("kind") != "A")
    found = watch(pl.concat([rows, later])).diagnose()
    assert [(one.cause, one.columns) for one in found] == [("covariate_shift", ("kind",))]
