"""The plan is dated with ranges, follows what was logged and how tests went, and exports a valid calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import UsageError
from trimtab.nouns import State
from trimtab.path.calendar import escape, fold, write_calendar
from trimtab.path.plan import Declared, Plan, declare, make_plan
from trimtab.path.record import Attempt, Entry, Record
from trimtab.path.stages import STAGES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def planned(record: Record, hours: float | None = None, start: date | None = None) -> Plan:
    return make_plan(record, declare(record, hours, start))


def study(record: Record, hours: float, days_ago: int, stage: int = 1) -> None:
    record.add(Entry("study", record.today() - timedelta(days=days_ago), hours=hours, stage=stage))


def attempt(record: Record, passed: int, *, stage: int = 1, purpose: Any = "diagnose") -> None:
    state = State.PASS if passed == 8 else State.FAIL
    record.add(Attempt(stage, purpose, state, record.now, passed=passed, tasks=8))


def test_fifteen_to_twenty_hours_a_week_are_twelve_to_twenty_four_months(opened: Any) -> None:
    calm, quick = planned(opened(), 15, TODAY), planned(opened(), 20, TODAY)
    assert quick.ends
    assert calm.ends
    assert quick.ends[0] == TODAY + timedelta(weeks=52)
    assert calm.ends[1] == TODAY + timedelta(weeks=104)


def test_hours_of_all_stages_are_the_sums_that_are_promised() -> None:
    assert [sum(stage.hours[side] for stage in STAGES) for side in (0, 1)] == [52 * 20, 104 * 15]
    assert all(stage.reason for stage in STAGES)


def test_without_a_log_the_forecast_is_the_plan(opened: Any) -> None:
    plan = planned(opened(), 15, date(2026, 6, 1))
    assert [one.ends for one in plan.stages] == [one.planned_ends for one in plan.stages]
    assert plan.stages[0].begins == (date(2026, 6, 1), date(2026, 6, 1))


@settings(deadline=None, max_examples=60)
@given(hours=st.floats(1, 80), start=st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_every_stage_begins_when_the_one_before_it_ends(hours: float, start: date) -> None:
    plan = make_plan(EmptyRecord(), Declared(hours, start))
    for before, after in zip(plan.stages, plan.stages[1:], strict=False):
        assert after.begins == before.ends
        assert after.ends
        assert before.ends
        assert before.ends[0] <= before.ends[1]
        assert before.ends[0] < after.ends[0]


class EmptyRecord(Record):
    """A record in which nothing was ever noted, without a file."""

    def __init__(self) -> None:
        self.now = NOON

    def entries(self) -> tuple[Entry, ...]:
        return ()

    def attempts(self, stage: int | None = None) -> tuple[Attempt, ...]:
        return ()


def test_logged_hours_shorten_the_stage(opened: Any) -> None:
    record = opened()
    study(record, 60, 3)
    left = planned(record, 15).stages[0]
    assert left.hours_left == (90, 190)
    assert left.hours_logged == 60


def test_hours_beyond_the_stage_leave_a_week_to_try(opened: Any) -> None:
    record = opened()
    for _ in range(4):
        study(record, 100, 3)
    assert planned(record, 15).stages[0].hours_left == (15, 30)


def test_last_try_knows_better_than_the_hours(opened: Any) -> None:
    record = opened()
    attempt(record, 4)
    assert planned(record, 20).stages[0].hours_left == (75, 125)


def test_practice_has_no_clock_and_says_nothing_about_the_rest(opened: Any) -> None:
    record = opened()
    attempt(record, 8, purpose="practice")
    assert planned(record, 20).stages[0].hours_left == (150, 250)


def test_try_that_could_not_be_told_says_nothing_about_the_rest(opened: Any) -> None:
    record = opened()
    record.add(Attempt(1, "exam", State.CANNOT_TELL, record.now, passed=8, tasks=8))
    assert planned(record, 20).stages[0].hours_left == (150, 250)


def test_passed_stage_has_no_days_and_the_next_begins_today(opened: Any) -> None:
    record = opened(days=100)
    attempt(record, 8, purpose="exam")
    plan = planned(record, 15, TODAY)
    assert plan.stages[0].passed
    assert plan.stages[0].ends is None
    assert plan.stages[1].begins == (record.today(), record.today())


@pytest.mark.parametrize(("hours", "scale"), [(100, 0.5), (300, 1.5), (900, 2.0), (10, 1.0)])
def test_later_stages_are_scaled_by_the_passed_ones(opened: Any, hours: float, scale: float) -> None:
    record = opened()
    while hours > 0:
        study(record, min(hours, 100), 60)
        hours -= 100
    attempt(record, 8, purpose="exam")
    least = planned(record, 15).stages[1].hours_left[0]
    assert least == pytest.approx(220 * scale)


def test_logged_pace_replaces_the_declared_one_after_four_weeks(opened: Any) -> None:
    record = opened()
    for week in range(6):
        study(record, 6, 7 * week)
    plan = planned(record, 15)
    assert plan.pace == pytest.approx(7, abs=0.1)
    assert "follow the log" in plan.notes[0]


def test_young_log_does_not_set_the_pace(opened: Any) -> None:
    record = opened()
    study(record, 1, 10)
    assert planned(record, 15).pace == 15


def test_abandoned_log_is_no_reproach_and_gives_dates_from_today(opened: Any) -> None:
    record = opened()
    study(record, 30, 300)
    plan = planned(record, 15, date(2025, 1, 1))
    assert plan.pace == 15
    assert "begin again today" in plan.notes[0]
    assert plan.ends
    assert plan.ends > plan.planned_ends


def test_declared_hours_and_day_are_remembered(opened: Any) -> None:
    planned(opened(), 18, date(2026, 4, 1))
    assert declare(opened(days=9), None, None) == Declared(18, date(2026, 4, 1))


@pytest.mark.parametrize("hours", [0, -3, 0.5, 81, float("nan"), float("inf")])
def test_hours_that_make_no_plan_are_refused_and_not_remembered(opened: Any, hours: float) -> None:
    with pytest.raises(UsageError, match="make no plan"):
        declare(opened(), hours, None)
    assert opened().setting("plan", Declared) is None


def test_day_outside_all_reason_is_refused(opened: Any) -> None:
    with pytest.raises(UsageError, match="no day to start on"):
        declare(opened(), None, date(1, 1, 1))


def events(text: str) -> list[dict[str, str]]:
    """Unfold a calendar and return the properties of each event, without parameters."""
    found: list[dict[str, str]] = []
    for line in text.replace("\r\n ", "").split("\r\n"):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and line != "END:VEVENT":
            found[-1][name.partition(";")[0]] = value
    return found


def test_calendar_keeps_to_the_rules(opened: Any) -> None:
    text = write_calendar(planned(opened(), 15, TODAY), "me", NOON)
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert {"VERSION:2.0", "PRODID:-//trimtab//path//EN"} <= set(lines)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 8


def test_each_event_has_what_is_required_and_a_name_of_its_own(opened: Any) -> None:
    found = events(write_calendar(planned(opened(), 15, TODAY), "me", NOON))
    assert all({"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"} <= event.keys() for event in found)
    assert len({event["UID"] for event in found}) == 8
    assert {event["DTSTAMP"] for event in found} == {"20260302T120000Z"}
    assert all(event["DTSTART"] < event["DTEND"] for event in found)
    assert found[0]["DTSTART"] == "20260302"


def test_export_again_replaces_the_same_events(opened: Any) -> None:
    first = events(write_calendar(planned(opened(), 15, TODAY), "me", NOON))
    later = events(write_calendar(planned(opened(days=50), 20, TODAY), "me", NOON))
    assert [event["UID"] for event in first] == [event["UID"] for event in later]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_folding_loses_nothing_and_splits_no_character(text: str) -> None:
    folded = fold(text)
    assert folded.replace("\r\n ", "") == text
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))


def test_special_characters_are_escaped() -> None:
    assert escape("a,b;c\\d\ne") == r"a\,b\;c\\d\ne"
