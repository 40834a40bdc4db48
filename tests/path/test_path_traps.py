"""Traps are noticed from what was logged, name one way out, and are said once."""

from datetime import timedelta
from typing import Any

from trimtab.nouns import State
from trimtab.path.record import Attempt, Entry, Kind, Record
from trimtab.path.traps import notice, say_once


def log(record: Record, kind: Kind, days_ago: int, name: str = "", hours: float = 0, live: str = "") -> None:
    day = record.today() - timedelta(days=days_ago)
    record.add(Entry(kind, day, name=name, hours=hours, stage=1, live=live))


def names(record: Record) -> list[str]:
    return [trap.name for trap in notice(record)]


def study_for(record: Record, weeks: int, hours: float) -> None:
    for week in range(weeks + 1):
        log(record, "study", 7 * week, hours=hours)


def test_nothing_logged_is_no_trap(opened: Any) -> None:
    assert names(opened()) == []


def test_weeks_of_study_without_a_test_are_noticed(opened: Any) -> None:
    record = opened()
    study_for(record, 6, 5)
    assert names(record) == ["open_ended_study"]
    assert "6 weeks (35 hours)" in notice(record)[0].seen
    assert "path gate 1 --diagnose" in notice(record)[0].fix


def test_five_weeks_are_no_habit(opened: Any) -> None:
    record = opened()
    study_for(record, 5, 5)
    assert names(record) == []


def test_few_hours_in_many_weeks_are_no_habit(opened: Any) -> None:
    record = opened()
    study_for(record, 15, 1)
    assert names(record) == []


def test_a_try_ends_the_trap(opened: Any) -> None:
    record = opened()
    study_for(record, 8, 5)
    record.add(Attempt(1, "diagnose", State.FAIL, record.now, passed=2, tasks=8))
    assert names(record) == []


def test_practice_is_no_try(opened: Any) -> None:
    record = opened()
    study_for(record, 8, 5)
    record.add(Attempt(1, "practice", State.FAIL, record.now, passed=2, tasks=8))
    assert names(record) == ["open_ended_study"]


def test_growing_list_of_courses_is_noticed_each_course_once(opened: Any) -> None:
    record = opened()
    for name in ("one", "two", "two"):
        log(record, "course", 3, name)
    assert names(record) == []
    log(record, "course", 2, "three")
    assert names(record) == ["growing_list"]


def test_certificates_without_a_live_system_are_noticed(opened: Any) -> None:
    record = opened()
    log(record, "certificate", 9, "A")
    assert names(record) == []
    log(record, "certificate", 3, "B")
    log(record, "project", 3, "on my disk")
    assert names(record) == ["certificates"]
    log(record, "project", 1, "mine", live="https://example.org")
    assert names(record) == []


def test_passed_stage_grows_stale_after_a_year(opened: Any) -> None:
    record = opened()
    record.add(Attempt(1, "exam", State.PASS, record.now, passed=8, tasks=8))
    assert names(opened(days=365)) == []
    assert names(opened(days=366)) == ["stale_evidence"]
    assert "366 days old" in notice(opened(days=366))[0].seen


def test_each_trap_is_said_once_and_still_listed(opened: Any) -> None:
    record = opened()
    study_for(record, 8, 5)
    assert len(say_once(record)) == 1
    assert say_once(opened(days=1)) == ()
    assert [trap.told for trap in notice(opened(days=1))] == [True]


def test_new_episode_is_said_again(opened: Any) -> None:
    record = opened()
    study_for(record, 8, 5)
    say_once(record)
    record.add(Attempt(1, "diagnose", State.FAIL, record.now, passed=2, tasks=8))
    later = opened(days=60)
    study_for(later, 7, 5)
    assert len(say_once(later)) == 1


def test_every_trap_names_one_command_or_one_act(opened: Any) -> None:
    record = opened()
    study_for(record, 8, 5)
    for name in ("A", "B", "C"):
        log(record, "certificate", 3, name)
        log(record, "course", 3, name)
    found = notice(record)
    assert [trap.name for trap in found] == ["open_ended_study", "growing_list", "certificates"]
    assert all(trap.fix and trap.fix[0].isupper() for trap in found)
