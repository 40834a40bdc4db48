"""Windows hold each row once, in order, and do not move when more rows come."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.monitor import Cut, count_outcomes, cut, is_mature, label_batches

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SECONDS = st.lists(st.integers(-200_000, 2_000_000), max_size=80).map(sorted)


def moments(*hours: float) -> np.ndarray:
    """Events at hours after Monday, midnight UTC."""
    return np.array([np.datetime64("2026-03-02") + np.timedelta64(int(hour * 3600), "s") for hour in hours]).astype(
        "datetime64[us]"
    )


def seconds(values: list[int]) -> np.ndarray:
    return np.array(values, dtype="datetime64[s]").astype("datetime64[us]")


def test_days_begin_at_midnight_and_are_half_open() -> None:
    found = cut(moments(0, 23.99, 24, 47), DAY, 1)
    assert found == (Cut(MONDAY, MONDAY + DAY, 0, 2), Cut(MONDAY + DAY, MONDAY + 2 * DAY, 2, 4))


def test_a_small_window_is_joined_to_the_next() -> None:
    found = cut(moments(1, 25, 26, 49, 50), DAY, 2)
    assert found == (Cut(MONDAY, MONDAY + 2 * DAY, 0, 3), Cut(MONDAY + 2 * DAY, MONDAY + 3 * DAY, 3, 5))


def test_the_newest_rows_wait_until_they_are_enough() -> None:
    assert [one.rows for one in cut(moments(1, 2, 25), DAY, 2)] == [2]


def test_an_empty_day_is_no_window() -> None:
    found = cut(moments(1, 73), DAY, 1)
    assert [(one.start, one.rows) for one in found] == [(MONDAY, 1), (MONDAY + 3 * DAY, 1)]


def test_a_day_that_is_not_over_is_left_out() -> None:
    events = moments(1, 25)
    assert len(cut(events, DAY, 1, as_of=MONDAY + 1.5 * DAY)) == 1
    assert len(cut(events, DAY, 1, as_of=MONDAY + 2 * DAY)) == 2


def test_positions_are_cut_by_rows_although_some_are_missing() -> None:
    assert cut(np.array([0, 1, 5, 6, 9]), 2, 1) == (Cut(0, 2, 0, 2), Cut(5, 7, 2, 4))


def test_windows_of_rows_over_time_name_the_times() -> None:
    found = cut(moments(0, 1, 2), 3, 1)
    assert found == (Cut(MONDAY, MONDAY + timedelta(hours=2, microseconds=1), 0, 3),)


def test_a_window_of_rows_smaller_than_the_least_is_a_multiple() -> None:
    assert [one.rows for one in cut(np.arange(1000), 150, 200)] == [300, 300, 300]


@pytest.mark.parametrize("window", [DAY, timedelta(hours=7), 7])
@given(values=SECONDS, least=st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_windows_tile_a_prefix_of_the_rows(window: timedelta | int, values: list[int], least: int) -> None:
    events = seconds(values)
    found = cut(events, window, least)
    assert [row for one in found for row in range(one.first, one.last)] == list(range(found[-1].last if found else 0))
    for one in found:
        inside = events[one.first : one.last].astype("datetime64[us]").tolist()
        assert one.rows >= least
        assert one.start.replace(tzinfo=None) <= inside[0] <= inside[-1] < one.end.replace(tzinfo=None)  # type: ignore[union-attr]


@pytest.mark.parametrize("window", [DAY, 7])
@given(values=SECONDS, more=st.integers(0, 40))
@settings(deadline=None, max_examples=60)
def test_finished_windows_do_not_move_when_rows_come(window: timedelta | int, values: list[int], more: int) -> None:
    """What was cut at an earlier moment is a prefix of what is cut later."""
    newest = values[-1] if values else 0
    now = datetime.fromtimestamp(newest, UTC)
    later = values + [newest + 3600 * step for step in range(more)]
    early = cut(seconds(values), window, 3, as_of=now)
    assert cut(seconds(later), window, 3)[: len(early)] == early


@pytest.mark.parametrize(
    ("events", "window", "message"),
    [
        (moments(2, 1), DAY, "must be sorted"),
        (np.arange(5), DAY, "cannot be cut by a duration"),
        (np.array(["2026-01-01", "NaT"], dtype="datetime64[us]"), DAY, "needs an event time"),
        (np.arange(5), 0, "longer than nothing"),
        (moments(1), timedelta(0), "longer than nothing"),
    ],
)
def test_what_cannot_be_cut_is_refused(events: np.ndarray, window: timedelta | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cut(events, window, 1)


def test_no_rows_give_no_windows() -> None:
    assert cut(moments(), DAY, 1) == ()
    assert cut(np.array([], dtype=np.int64), 10, 1) == ()


def test_label_batches_leave_the_unfinished_one_out() -> None:
    assert label_batches(np.arange(1250), 500, 100) == (500, 500)
    assert label_batches(moments(1, 2, 25, 26, 27, 49), DAY, 2) == (2, 3)


def test_label_batches_wait_for_the_end_of_the_day() -> None:
    known = moments(1, 2, 25, 26)
    assert label_batches(known, DAY, 2, as_of=MONDAY + 1.9 * DAY) == (2,)


def test_coverage_counts_the_outcomes_of_a_window() -> None:
    known = np.array([True, False, True, True, False])
    windows = count_outcomes(cut(np.arange(5), 2, 1), known)
    assert [(one.predictions, one.outcomes, one.coverage) for one in windows] == [(2, 1, 0.5), (2, 2, 1.0)]


def test_a_window_is_mature_when_its_labels_are_due() -> None:
    one = cut(moments(1), DAY, 1)[0]
    assert not is_mature(one, MONDAY + 1.4 * DAY, timedelta(hours=12))
    assert is_mature(one, MONDAY + 1.5 * DAY, timedelta(hours=12))


def test_a_window_of_positions_is_mature_when_it_is_over() -> None:
    one = cut(np.arange(10), 10, 1)[0]
    assert [is_mature(one, position, DAY) for position in (9, 10)] == [False, True]
