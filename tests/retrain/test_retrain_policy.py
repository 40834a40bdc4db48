"""When a retrain may begin, when the data have grown enough for one, and that the project's names lead to triggers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trimtab.errors import UsageError
from trimtab.nouns import Decision, Evidence, Judgement, Moment, Project, State
from trimtab.nouns.project import RetrainSpec, TriggerSpec
from trimtab.nouns.verdict import Action
from trimtab.retrain import find_running, judge, may_retrain, open_triggers
from trimtab.retrain.policy import find_ended, find_wait
from trimtab.retrain.triggers.growth import Growth
from trimtab.retrain.triggers.risk import Risk

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def journal(*entries: tuple[Action, float]) -> tuple[Decision, ...]:
    """Decisions of the given actions, at days after the start."""
    return tuple(
        Decision(action, "test", (), START + day * DAY, START + day * DAY, number=number)
        for number, (action, day) in enumerate(entries, start=1)
    )


def ask(now: Moment, *entries: tuple[Action, float], since: int = 99, **spec: object) -> Judgement:
    return may_retrain(now, journal(*entries), replace(RetrainSpec(), **spec), since)  # type: ignore[arg-type]


def test_what_ended_a_retrain_is_found_behind_what_a_crash_left_between() -> None:
    entries: tuple[tuple[Action, float], ...] = (
        ("promote", 0),
        ("retrain", 1),
        ("trim", 2),
        ("refuse", 2),
        ("trim", 3),
    )
    assert find_ended(journal(*entries[:3])) is None
    assert find_ended(journal(*entries)) == journal(*entries)[3]
    assert find_ended(journal(*entries, ("retrain", 4))) == journal(*entries)[3]


@pytest.mark.parametrize(("by", "stands"), [("layer", True), ("crosscheck", True), ("person:marta", False)])
def test_a_wait_stands_until_somebody_decides_otherwise(by: str, stands: bool) -> None:
    waits, other = journal(("wait", 1), ("trim", 2))
    assert find_wait((waits, replace(other, by=by))) == (waits if stands else None)


def test_the_first_retrain_may_begin_at_once() -> None:
    found = ask(START, ("promote", 0), since=0, cooldown_windows=3)
    assert (found.state, found.reasons) == (State.PASS, ("a retrain may begin: 0 retrains so far, none running",))


@pytest.mark.parametrize(("day", "state"), [(10.99, State.FAIL), (11, State.PASS)])
def test_the_cool_down_ends_at_its_moment(day: float, state: State) -> None:
    assert ask(START + day * DAY, ("retrain", 10), ("promote", 10)).state is state


def test_the_wait_says_until_when() -> None:
    found = ask(START + 10.5 * DAY, ("retrain", 10), ("refuse", 10))
    assert found.reasons == (
        "waits until 2026-03-12 00:00 UTC: the last retrain was at 2026-03-11 00:00 UTC, cool-down 1 day",
    )


@pytest.mark.parametrize(("since", "state"), [(1, State.FAIL), (2, State.PASS)])
def test_a_cool_down_in_windows_counts_windows(since: int, state: State) -> None:
    spec = {"cooldown": None, "cooldown_windows": 2}
    assert ask(700, ("retrain", 1), ("keep", 1), since=since, **spec).state is state


def test_the_wait_for_windows_counts_them() -> None:
    found = ask(700, ("retrain", 1), ("keep", 1), since=0, cooldown=None, cooldown_windows=1)
    assert found.reasons == ("waits for 1 window after the last retrain: 0 so far",)


def test_one_at_a_time() -> None:
    found = ask(START + 20 * DAY, ("retrain", 1), ("promote", 1), ("retrain", 10), ("wait", 11))
    assert found.state is State.FAIL
    assert found.reasons == ("waits until the retrain of 2026-03-11 00:00 UTC (decision 3) is judged",)


@pytest.mark.parametrize("end", ["promote", "refuse", "keep"])
def test_a_judgement_ends_a_retrain(end: Action) -> None:
    assert find_running(journal(("retrain", 1), (end, 1))) is None
    assert find_running(journal(("retrain", 1), (end, 1), ("retrain", 2))) is not None


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (20, "waits until 2026-04-01 00:00 UTC: 3 retrains in 30 days, 2 are allowed"),
        (30.9, "waits until 2026-04-01 00:00 UTC: 2 retrains in 30 days, 2 are allowed"),
        (31, "a retrain may begin: 3 retrains so far, none running"),
    ],
)
def test_the_cap_of_a_month_slides(day: float, said: str) -> None:
    """Three retrains on days 0, 1 and 2 with two allowed: the next may begin when the second is 30 days old."""
    entries = [entry for when in (0, 1, 2) for entry in (("retrain", when), ("keep", when))]
    assert ask(START + day * DAY, *entries, per_month=2).reasons == (said,)  # type: ignore[arg-type]


def test_all_reasons_to_wait_are_told_at_once() -> None:
    entries: list[tuple[Action, float]] = [("retrain", 1), ("keep", 1), ("retrain", 2)]
    found = ask(START + 2.5 * DAY, *entries, since=0, per_month=1, cooldown_windows=1)
    assert len(found.reasons) == 4


def test_positions_have_no_calendar() -> None:
    assert ask(500, ("retrain", 1), ("keep", 1), per_month=1).state is State.PASS


def test_a_turn_for_a_past_moment_is_not_held_up_by_what_came_later() -> None:
    entries: list[tuple[Action, float]] = [("retrain", 40), ("keep", 40)]
    assert ask(START + DAY, *entries, per_month=1).state is State.PASS


@pytest.mark.parametrize(
    ("labelled", "fit", "state"),
    [(749, 500, State.PASS), (750, 500, State.FAIL), (400, 500, State.PASS), (900, 0, State.CANNOT_TELL)],
)
def test_growth_fires_from_its_factor_on(labelled: int, fit: int, state: State) -> None:
    found = Growth(1.5).judge(Evidence(labelled=labelled, labelled_at_fit=fit))
    assert found.state is state


def test_growth_says_its_numbers() -> None:
    found = Growth(1.5).judge(Evidence(labelled=1200, labelled_at_fit=1000))
    assert found.reasons == ("1,200 labelled rows against 1,000 at the last fit; a retrain is due from 1,500 on",)


def project(*triggers: str) -> Project:
    spec = TriggerSpec(use=triggers, arl=250.0, tolerance_absolute=0.01, growth=2.0)
    return Project("flights", Path(), Path(), Path(), triggers=spec)


def test_triggers_take_their_settings_from_the_project() -> None:
    risk, growth = open_triggers(project("risk", "growth"))
    assert risk == Risk(arl=500.0, tolerance_absolute=0.01, tolerance_relative=0.1, min_labels=100)
    assert growth == Growth(2.0)


def test_each_trigger_says_its_part() -> None:
    found = judge(project("growth", "risk"), Evidence(labelled=10, labelled_at_fit=5))
    told = [("growth", State.FAIL), ("risk", State.CANNOT_TELL), ("opportunity", State.CANNOT_TELL)]
    assert [(one.name, one.state) for one in found] == told  # an alarm speaks, also where it may not retrain


def test_names_are_refused_before_anything_is_judged() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'growth'\?"):
        judge(project("risk", "grwth"), Evidence())
