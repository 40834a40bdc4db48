"""A dated plan with ranges, corrected by the hours that were logged and by how the last test went.

For each stage that is not passed, the hours left are the stage's hours minus those logged in it. Where its test was
tried, the test knows better than the hours: then what is left is the share of tasks that were missed, of the stage's
hours, minus the hours logged since. A week at least is left until the test is passed. Where stages were passed with
other hours than expected, the later ones are scaled alike (by half to double). The pace is what was logged in the last
eight weeks, once there are four weeks to look at; before that, what was declared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, isfinite

from trimtab.errors import UsageError
from trimtab.nouns import State
from trimtab.path.record import Attempt, Entry, Record
from trimtab.path.stages import STAGES, Stage
from trimtab.path.standing import passed_stages, study_weeks

HOURS_PER_WEEK = 15.0
MEANT_FOR = (15.0, 20.0)
LEAST_WEEKS = 4  # of logging, before the logged pace replaces the declared one
ENOUGH_HOURS = 20.0  # logged in passed stages, before they scale the later ones
FASTEST, SLOWEST = 0.5, 2.0
Range = tuple[float, float]
Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the person declared: hours a week, from which day on."""

    hours_per_week: float
    start: date


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stage in the plan. Each pair is (earliest, latest) or (least, most); days are None once it is passed."""

    stage: Stage
    passed: bool
    hours_logged: float
    hours_left: Range
    begins: Days | None
    ends: Days | None
    planned_ends: Days


@dataclass(frozen=True, slots=True)
class Plan:
    """The dated plan as of a day, with what it was reckoned from, and notes in sentences."""

    declared: Declared
    pace: float
    as_of: date
    stages: tuple[Stretch, ...]
    ends: Days | None
    planned_ends: Days
    notes: tuple[str, ...]


def declare(record: Record, hours_per_week: float | None, start: date | None) -> Declared:
    """Return what was declared now or before, else 15 hours a week from today; what is new is remembered.

    Raises UsageError for hours or a day that no plan can be made of.
    """
    before = record.setting("plan", Declared)
    hours = hours_per_week if hours_per_week is not None else (before.hours_per_week if before else HOURS_PER_WEEK)
    day = start or (before.start if before else record.today())
    if not (isfinite(hours) and 1 <= hours <= 80):
        raise UsageError(
            f"{hours:g} hours a week make no plan.", hint="name what you really have, from 1 to 80: --hours-per-week 15"
        )
    if not 2000 <= day.year <= 2100:
        raise UsageError(f"{day} is no day to start on.", hint="write it as --start 2026-01-31")
    declared = Declared(hours, day)
    if declared != before:
        record.put("plan", declared)
    return declared


def make_plan(record: Record, declared: Declared) -> Plan:
    """Return the plan as of today."""
    entries, attempts = record.entries(), record.attempts()
    pace, notes = find_pace(record, entries, declared)
    passed = passed_stages(attempts)
    logged = {stage.number: _logged(entries, stage.number) for stage in STAGES}
    scale = _scale(passed, logged)
    begin = max(declared.start, record.today())
    rest = {
        stage.number: (0.0, 0.0) if stage.number in passed else _rest(stage, scale, pace, attempts, entries)
        for stage in STAGES
    }
    days = _lay_out(declared, pace, begin, passed, rest)
    stretches = tuple(
        Stretch(stage, stage.number in passed, logged[stage.number], rest[stage.number], *when)
        for stage, when in zip(STAGES, days, strict=True)
    )
    notes += _remarks(declared, scale)
    return Plan(declared, pace, record.today(), stretches, stretches[-1].ends, stretches[-1].planned_ends, tuple(notes))


def find_pace(record: Record, entries: Sequence[Entry], declared: Declared) -> tuple[float, list[str]]:
    """Return hours a week to reckon with, and a sentence where they are not the declared ones."""
    logged = [one.on for one in entries if one.hours]
    weeks = min(((record.today() - min(logged)).days + 1) / 7, 8.0) if logged else 0.0
    if weeks < LEAST_WEEKS:
        return declared.hours_per_week, []
    pace = sum(study_weeks(record, entries)) / weeks
    if pace < 1:
        said = "Hardly anything was logged in the last eight weeks: these dates hold if you begin again today, at "
        return declared.hours_per_week, [f"{said}{declared.hours_per_week:g} hours a week."]
    return pace, [
        f"You logged {pace:.1f} hours a week lately (declared: {declared.hours_per_week:g}): the dates follow the log."
    ]


def _logged(entries: Sequence[Entry], stage: int, since: date = date.min) -> float:
    return sum(one.hours for one in entries if one.stage == stage and one.on >= since)


def _scale(passed: frozenset[int], logged: Mapping[int, float]) -> float:
    """Return how much longer or shorter the passed stages took than the middle of their ranges."""
    spent = sum(logged[number] for number in passed)
    if spent < ENOUGH_HOURS:
        return 1.0
    expected = sum(sum(stage.hours) / 2 for stage in STAGES if stage.number in passed)
    return min(max(spent / expected, FASTEST), SLOWEST)


def _rest(stage: Stage, scale: float, pace: float, attempts: Sequence[Attempt], entries: Sequence[Entry]) -> Range:
    """Return least and most hours that are left in a stage: never less than one week, and two for the most."""
    here = (one for one in attempts if one.stage == stage.number and one.purpose in {"exam", "diagnose"})
    tries = [one for one in here if one.tasks and one.state is not State.CANNOT_TELL]
    share, since = 1.0, date.min
    if tries:
        last = tries[-1]
        share, since = 1 - last.passed / last.tasks, last.at.astimezone().date() + timedelta(days=1)
    done = _logged(entries, stage.number, since)
    least, most = (hours * scale * share - done for hours in stage.hours)
    return max(least, pace), max(most, 2 * pace)


def _lay_out(
    declared: Declared, pace: float, begin: date, passed: frozenset[int], rest: Mapping[int, Range]
) -> Iterator[tuple[Days | None, Days | None, Days]]:
    """Yield, stage by stage, when it begins, when it ends, and when it was to end by what was declared.

    Hours are added up before they become days, so that nothing is rounded twice.
    """
    spent: Range = (0.0, 0.0)
    wished: Range = (0.0, 0.0)
    for stage in STAGES:
        begins = _walk(begin, spent, pace)
        spent, wished = _add(spent, rest[stage.number]), _add(wished, stage.hours)
        ends = _walk(begin, spent, pace)
        planned = _walk(declared.start, wished, declared.hours_per_week)
        yield (None, None, planned) if stage.number in passed else (begins, ends, planned)


def _add(one: Range, other: Range) -> Range:
    return one[0] + other[0], one[1] + other[1]


def _walk(start: date, hours: Range, pace: float) -> Days:
    earliest, latest = (start + timedelta(days=ceil(7 * some / pace - 1e-9)) for some in hours)
    return earliest, latest


def _remarks(declared: Declared, scale: float) -> list[str]:
    remarks = []
    if declared.hours_per_week < MEANT_FOR[0]:
        remarks.append(
            "Below 15 hours a week the whole path may take more than two years. That is no failing; plan for it."
        )
    if declared.hours_per_week > 2 * MEANT_FOR[1]:
        remarks.append(
            "Few people hold more than 40 hours a week for a year. Log what you really do: the dates will follow."
        )
    if scale != 1:
        direction = "longer" if scale > 1 else "less"
        remarks.append(
            f"The stages behind you took {direction} than expected; the next ones are reckoned alike ({scale:.2f})."
        )
    return remarks
