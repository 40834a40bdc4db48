"""Profiles: counted in constant space, merged without loss, and compared with a floor that chance keeps to."""

import json
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from trimtab.metrics.bins import BINS, NumberBins, ValueBins
from trimtab.metrics.distance import chi_squared_quantile, chi_squared_tail, measure_distance
from trimtab.metrics.profile import ColumnProfile, Profile, answer_columns

NUMBERS = st.lists(st.none() | st.floats(-1e9, 1e9) | st.just(math.nan) | st.sampled_from([0.1, 0.3, 7.0]), max_size=60)
WORDS = st.lists(st.none() | st.sampled_from(["a", "b", "", "ä", "count", "x" * 2000]), max_size=60)
CHANCE = np.random.default_rng(5)


def numbers(values: Sequence[float | None]) -> pl.Series:
    return pl.Series("count", values, pl.Float64)


def words(values: Sequence[str | None]) -> pl.Series:
    return pl.Series("count", values, pl.String)


@given(fitted=NUMBERS, first=NUMBERS, second=NUMBERS)
@example(fitted=[], first=[1.0], second=[None])
@example(fitted=[1e9, 1e9 + 1], first=[1e9 + 2], second=[-1e9])
@settings(deadline=None)
def test_merged_numbers_equal_the_profile_of_all_rows(
    fitted: list[float | None], first: list[float | None], second: list[float | None]
) -> None:
    reference = ColumnProfile.fit(numbers(fitted))
    parts = [reference.recount(numbers(one)) for one in (first, second)]
    union = reference.recount(numbers(first + second))
    assert parts[0].merge(parts[1]) == parts[1].merge(parts[0]) == union
    assert union.merge(reference.blank(0)) == union
    assert union.rows == len(first) + len(second)


@given(fitted=WORDS, first=WORDS, second=WORDS)
@settings(deadline=None)
def test_merged_words_equal_the_profile_of_all_rows(
    fitted: list[str | None], first: list[str | None], second: list[str | None]
) -> None:
    reference = ColumnProfile.fit(words(fitted))
    parts = [reference.recount(words(one)) for one in (first, second)]
    assert parts[0].merge(parts[1]) == reference.recount(words(first + second))


@given(fitted=NUMBERS)
@settings(deadline=None)
def test_a_profile_is_the_same_after_it_was_written(fitted: list[float | None]) -> None:
    profile = Profile.fit(
        pl.DataFrame({"count": numbers(fitted), "word": words(["a", None] * 30)[: len(fitted)]}), ["count", "word"]
    )
    again = Profile.from_plain(json.loads(json.dumps(profile.to_plain())))
    assert again.columns == profile.columns
    assert again.rows == profile.rows


def test_profiles_over_other_bins_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different bins"):
        ColumnProfile.fit(numbers([1.0])).merge(ColumnProfile.fit(numbers([2.0])))


@pytest.mark.parametrize("values", [CHANCE.normal(size=5000), CHANCE.lognormal(8, 3, 5000), 1e9 + CHANCE.random(5000)])
def test_bins_are_quantiles(values: np.ndarray) -> None:
    """No inner bin holds more than a few 254ths of the fitted rows, and none lies outside the outer edges."""
    profile = ColumnProfile.fit(pl.Series(values))
    assert len(profile.counts) == BINS
    assert profile.counts[[0, -1]].tolist() == [0, 0]
    assert profile.counts.max() <= 3 * 5000 / 254


def test_rows_beyond_the_fitted_ones_fall_into_the_outer_bins() -> None:
    profile = ColumnProfile.fit(numbers([float(place) for place in range(1000)])).recount(
        numbers([-1.0, 0.0, 999.0, 1000.5])
    )
    assert (profile.counts[0], profile.counts[-1]) == (1, 1)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300, unique=True))
@example(values=[5e-324])
@example(values=[-5e-324, 1e-310])
@settings(deadline=None)
def test_no_edge_tells_a_number_that_only_one_row_has(values: list[float]) -> None:
    """Numbers of two digits are round anyway, and of very few rows all that is kept are the coarse ends."""
    told = set(NumberBins.fit(numbers(values)).edges.tolist())
    assert {one for one in values if float(f"{one:.1e}") != one} & told == set()


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), asked=st.lists(st.floats(-2e6, 2e6), max_size=50)
)
@settings(deadline=None)
def test_the_tree_finds_the_same_bins_as_a_sorted_search(values: list[float], asked: list[float]) -> None:
    bins, found = NumberBins.fit(numbers(values)), np.array(asked)
    places = np.searchsorted(bins.edges, found - bins.origin, side="left")
    assert bins.count_values(found).tolist() == np.bincount(places, minlength=bins.size).tolist()


def test_state_of_a_column_has_a_bound() -> None:
    wild = CHANCE.normal(size=300_000) * 10.0 ** CHANCE.integers(-8, 8, 300_000)
    long = [f"{'ab' * 30}{place}" for place in range(9000)]
    for column in (pl.Series(wild), pl.Series(long)):
        assert len(json.dumps(ColumnProfile.fit(column).to_plain(), separators=(",", ":")).encode()) <= 5000


def test_values_without_a_bin_are_counted_as_one() -> None:
    profile = ColumnProfile.fit(words(["a"] * 9 + ["b"])).recount(words(["a", "c", "d", None]))
    assert (profile.counts.tolist(), profile.nulls) == ([1, 0, 2], 1)
    assert profile.unlisted_share == 2 / 3


def test_moments_count_by_their_hour_and_dates_by_their_weekday() -> None:
    moments = pl.Series(["2026-01-01 10:30", "2027-05-05 10:00"]).str.to_datetime()
    assert ColumnProfile.fit(moments).bins.same_as(ValueBins(("10",)))
    assert ColumnProfile.fit(moments.dt.date()).bins.same_as(ValueBins(("3", "4")))


def test_a_column_that_vanishes_is_null_throughout() -> None:
    reference = Profile.fit(pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), ["a", "b"])
    window = reference.recount(pl.DataFrame({"a": [1.5, 3.0, 4.0]}))
    assert [one.null_share for one in window.columns.values()] == [0.0, 1.0]
    distance = measure_distance(reference.columns["b"], window.columns["b"])
    assert (distance.nulls, distance.distance, distance.rows) == (1.0, 0.0, 3)


def test_distances_are_those_of_scipy() -> None:
    """With fewer values than bins every value has its own, so the figures are exact."""
    first, second = CHANCE.integers(0, 12, 800).astype(float), CHANCE.integers(0, 15, 300).astype(float)
    reference = ColumnProfile.fit(pl.Series(first))
    found = measure_distance(reference, reference.recount(pl.Series(second)))
    assert found.distance == pytest.approx(stats.ks_2samp(first, second).statistic)
    above = np.sign(second[:, None] - first[None, :]).mean()
    assert found.shift == pytest.approx(above, abs=1e-9)
    table = np.array([[np.sum(one == value) for value in range(12)] for one in (first, second)])
    table[:, -1] += np.array([0, np.sum(second > 11)])
    expected = stats.chi2_contingency(table, correction=False)
    assert found.chi_squared == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-4)


@pytest.mark.parametrize("freedom", [1, 4, 19, 40])
@pytest.mark.parametrize("share", [0.99, 0.999, 0.999999])
def test_chi_squared_is_near_that_of_scipy(freedom: int, share: float) -> None:
    value = chi_squared_quantile(share, freedom)
    exact = stats.chi2.ppf(share, freedom)
    assert 0.97 * exact < value < (1.06 if share > 0.999 else 1.03) * exact
    assert chi_squared_tail(value, freedom) == pytest.approx(1.0 - share, rel=1e-6)


@pytest.mark.parametrize("rows", [150, 2000])
@pytest.mark.parametrize("kind", ["number", "word"])
def test_chance_alone_stays_below_the_floor(rows: int, kind: str) -> None:
    """Of 400 windows of the very same distribution at most a few exceed a floor of 1 %; none that moved stays below."""
    chance = np.random.default_rng(11)

    def draw(size: int, moved: float = 0.0) -> pl.Series:
        if kind == "number":
            return pl.Series(chance.normal(moved, 1.0, size))
        return pl.Series(np.array(list("abcdefgh"))[np.minimum(chance.poisson(2.0 + 2 * moved, size), 7)])

    reference = ColumnProfile.fit(draw(5000))
    found = [measure_distance(reference, reference.recount(draw(rows)), chance=0.01) for _ in range(400)]
    for figure, floor in (("distance", "distance_floor"), ("psi", "psi_floor"), ("js", "js_floor")):
        assert sum(getattr(one, figure) > getattr(one, floor) for one in found) <= 12
    moved = measure_distance(reference, reference.recount(draw(rows, 0.5)), chance=0.01)
    assert moved.distance > moved.distance_floor
    assert moved.shift > 0.2 or kind == "word"


def test_without_rows_nothing_is_measured() -> None:
    reference = ColumnProfile.fit(numbers([1.0, 2.0]))
    found = measure_distance(reference, reference.blank(0))
    assert (found.distance, found.psi, found.js) == (0.0, 0.0, 0.0)
    assert (found.distance_floor, found.psi_floor, found.js_floor) == (1.0, 1.0, 1.0)


def test_several_classes_are_profiled_by_the_likeliest() -> None:
    found = answer_columns("multiclass", np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]]), ["x", "y", "z"])
    assert found["answer"] == ["y", "x"]
    assert found["confidence"].tolist() == [0.5, 0.9]
    assert answer_columns("multiclass", np.empty((0, 3)), ["x", "y", "z"])["answer"] == []


@pytest.mark.parametrize("rows", [25, 100, 995, 1009, 2549])
def test_an_inner_bin_stands_for_ten_rows_at_least(rows: int) -> None:
    """So no bin is about one person."""
    assert ColumnProfile.fit(pl.Series(range(rows))).counts[1:-1].min() >= 10
