"""The other reasons to retrain: age, a calendar, new labels, a period, and that a correction would have paid."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trimtab.config.schedule import read_schedule
from trimtab.nouns import Evidence, Judgement, State
from trimtab.retrain.triggers.every import Every
from trimtab.retrain.triggers.labels import Labels
from trimtab.retrain.triggers.max_age import MaxAge
from trimtab.retrain.triggers.opportunity import Opportunity
from trimtab.retrain.triggers.schedule import Scheduled

FITTED = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


def known(days: float, fresh: int = 500) -> Evidence:
    """What is known so many days after the last fit."""
    now = FITTED + timedelta(days=days)
    return Evidence(now=now, fitted_at=FITTED, labelled=1000 + fresh, labelled_at_fit=1000)


@pytest.mark.parametrize(("days", "fresh", "state"), [(89.9, 500, "pass"), (90, 500, "fail"), (200, 99, "pass")])
def test_age_fires_where_there_is_something_new(days: float, fresh: int, state: str) -> None:
    assert MaxAge().judge(known(days, fresh)).state == state


def test_positions_have_no_age_and_no_calendar() -> None:
    assert MaxAge().judge(Evidence()).state is State.CANNOT_TELL
    assert Scheduled(read_schedule("0 3 * * *"), "0 3 * * *").judge(Evidence()).state is State.CANNOT_TELL


@pytest.mark.parametrize(("fresh", "state"), [(299, "pass"), (300, "fail"), (-5, "pass")])
def test_labels_count(fresh: int, state: str) -> None:
    assert Labels(300).judge(known(1, fresh)).state == state


@pytest.mark.parametrize(("windows", "fresh", "state"), [(13, 500, "pass"), (14, 500, "fail"), (14, 99, "pass")])
def test_a_period_fires_only_with_new_labels(windows: int, fresh: int, state: str) -> None:
    found = Every().judge(Evidence(windows_since_fit=windows, labelled=1000 + fresh, labelled_at_fit=1000))
    assert found.state == state
    assert ("only 99 labelled rows came since, 100 are needed" in found.reasons[0]) == (fresh == 99)


@pytest.mark.parametrize(("days", "state"), [(6.5, "pass"), (6.7, "fail"), (9, "fail")])
def test_a_schedule_fires_from_its_moment_on(days: float, state: str) -> None:
    """Mondays at three in the morning: the next one is six days and fifteen hours away."""
    assert Scheduled(read_schedule("0 3 * * 1"), "0 3 * * 1").judge(known(days)).state == state
    assert Scheduled(read_schedule("0 3 * * 1"), "0 3 * * 1").judge(known(days, fresh=3)).state == "pass"


@pytest.mark.parametrize(
    ("text", "until", "last"),
    [
        ("*/15 * * * *", "2026-03-02T12:44:59", "2026-03-02T12:30"),
        ("0 0 1 * *", "2026-03-02T12:00", "2026-03-01T00:00"),
        ("0 0 29 2 *", "2026-03-02T12:00", "2024-02-29T00:00"),
        ("5 4 * * 7", "2026-03-02T12:00", "2026-03-01T04:05"),
        ("0 9-17/4 * * 1-5", "2026-03-01T12:00", "2026-02-27T17:00"),
        ("0 0 13 * 5", "2026-03-02T12:00", "2026-02-27T00:00"),
        ("0 0 31 2 *", "2026-03-02T12:00", None),
    ],
)
def test_moments_of_a_calendar(text: str, until: str, last: str | None) -> None:
    found = read_schedule(text).last(datetime.fromisoformat(until).replace(tzinfo=UTC))
    assert found == (last and datetime.fromisoformat(last).replace(tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *", "* * 0 * *"])
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"five fields|is none of|lies outside"):
        read_schedule(text)


def look(mean: float, batches: int, seed: int = 0, arl: float = 100.0) -> Judgement:
    gains = np.random.default_rng(seed).normal(mean, 0.1, 50 * batches)
    return Opportunity(arl).judge(Evidence(gains=gains.tolist(), gain_batches=[50] * batches))


def test_an_opportunity_is_told_and_none_is_not() -> None:
    assert look(0.03, 20).state is State.FAIL
    assert look(-0.01, 200).state is State.PASS
    assert look(0.03, 1).state is State.CANNOT_TELL
    assert Opportunity().judge(Evidence(gains=[np.nan] * 200, gain_batches=[200])).state is State.CANNOT_TELL


def test_opportunities_that_are_none_alarm_more_rarely_than_promised() -> None:
    """Mean 0, the worst case of the promise: of 40 streams of 50 batches at A = 100 about 20 may alarm at the end."""
    assert sum(look(0.0, 50, seed).state is State.FAIL for seed in range(40)) <= 4
