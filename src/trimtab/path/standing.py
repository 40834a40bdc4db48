"""Where a person stands: each stage's state, attempts and evidence with its age, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trimtab.nouns import State
from trimtab.path.record import Attempt, Entry, Record, Sitting
from trimtab.path.stages import STAGES, Stage

BETWEEN_ATTEMPTS = timedelta(hours=24)
STALE_DAYS = 365
Place = Literal["passed", "open", "locked"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something to show for a stage: a passed test or a project, and how old it is."""

    kind: Literal["test", "project"]
    what: str
    age_days: int
    stale: bool


@dataclass(frozen=True, slots=True)
class StageStanding:
    """One stage as it stands for one person; `next` is a sentence, `command` what to type for it."""

    stage: Stage
    state: Place
    attempts: int
    diagnostics: int
    evidence: tuple[Evidence, ...]
    next: str
    command: str = ""

    @property
    def age_days(self) -> int | None:
        """The age of the newest evidence in days; None where there is none."""
        return min((one.age_days for one in self.evidence), default=None)

    @property
    def stale(self) -> bool:
        """Whether the stage was passed, but nothing newer than a year shows it."""
        return self.state == "passed" and all(one.stale for one in self.evidence)


@dataclass(frozen=True, slots=True)
class Standing:
    """All four stages; what comes next of all; the papers that are out; hours of the last eight weeks, oldest first."""

    stages: tuple[StageStanding, ...]
    next: str
    command: str
    sittings: tuple[Sitting, ...]
    weeks: tuple[float, ...]
    fit: str | None


def passed_stages(attempts: Sequence[Attempt]) -> frozenset[int]:
    """Return the numbers of the stages that were passed by their own test."""
    return frozenset(one.stage for one in attempts if one.purpose == "exam" and one.state is State.PASS)


def current_stage(record: Record) -> int:
    """Return the stage that is being worked on: the lowest one that is not passed, at most the last."""
    passed = passed_stages(record.attempts())
    return next((stage.number for stage in STAGES if stage.number not in passed), STAGES[-1].number)


def stand(record: Record) -> Standing:
    """Return where the person of this record stands."""
    attempts, entries = record.attempts(), record.entries()
    stages = tuple(_stand_in(stage, record, attempts, entries) for stage in STAGES)
    sittings = tuple(one for one in record.sittings() if one.purpose == "practice" or left(record, one) > timedelta(0))
    sentence, command = _advise(record, stages, attempts, sittings)
    fit = record.setting("fit", str)
    return Standing(stages, sentence, command, sittings, study_weeks(record, entries), fit)


def left(record: Record, sitting: Sitting) -> timedelta:
    """Return how much of a sitting's time is left, negative once it is over."""
    return timedelta(minutes=sitting.minutes) - record.since(sitting.at)


def wait(record: Record) -> timedelta:
    """Return how long the next exam should wait; zero where it may begin."""
    begun = [one.at for one in record.sittings(closed=True) if one.purpose == "exam"]
    return max(BETWEEN_ATTEMPTS - record.since(begun[-1]), timedelta(0)) if begun else timedelta(0)


def study_weeks(record: Record, entries: Sequence[Entry], weeks: int = 8) -> tuple[float, ...]:
    """Return the hours logged in each of the last weeks; the last one ends today."""
    sums = [0.0] * weeks
    for entry in entries:
        back = max((record.today() - entry.on).days, 0) // 7
        if back < weeks:
            sums[weeks - 1 - back] += entry.hours
    return tuple(round(hours, 2) for hours in sums)


def say_time(span: timedelta) -> str:
    """Return a span as people say it: 3 hours, 12 minutes, less than a minute."""
    minutes = int(span.total_seconds() // 60)
    if minutes >= 90:
        return f"{round(minutes / 60)} hours"
    return say_count(minutes, "minute") if minutes else "less than a minute"


def say_count(count: int, what: str) -> str:
    """Return `1 attempt`, `2 attempts`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def say_age(days: int) -> str:
    """Return an age in words."""
    return "today" if days == 0 else f"{say_count(days, 'day')} ago"


def _stand_in(stage: Stage, record: Record, attempts: Sequence[Attempt], entries: Sequence[Entry]) -> StageStanding:
    passed = passed_stages(attempts)
    state: Place = "locked"
    if stage.number in passed:
        state = "passed"
    elif stage.number == 1 or stage.number - 1 in passed:
        state = "open"
    here = [one for one in attempts if one.stage == stage.number]
    evidence = (*_tests(record, here), *_projects(record, stage, entries))
    tries = sum(one.purpose in {"exam", "reported"} for one in here)
    looks = sum(one.purpose == "diagnose" for one in here)
    sentence, command = _next_in(stage, state)
    if state == "passed" and all(one.stale for one in evidence):
        sentence, command = "Older than a year: take it once more, so that it speaks for you today.", "path exam 1"
    return StageStanding(stage, state, tries, looks, evidence, sentence, command)


def _next_in(stage: Stage, state: Place) -> tuple[str, str]:
    if state == "passed":
        return "Nothing: this stage is behind you.", ""
    if state == "locked":
        return f"Locked until the test of stage {stage.number - 1} is passed.", ""
    if stage.built:
        return "Pass its exam: eight tasks in 30 minutes.", f"path exam {stage.number}"
    return "Work on it; its test comes with a later release.", ""


def _tests(record: Record, attempts: Sequence[Attempt]) -> list[Evidence]:
    passed = [one for one in attempts if one.purpose == "exam" and one.state is State.PASS]
    return [_age(record, one.at, "test", _describe_pass(one)) for one in passed]


def _describe_pass(attempt: Attempt) -> str:
    boxed = "" if attempt.sandboxed else ", unsandboxed"
    return f"exam passed, {attempt.passed} of {attempt.tasks} tasks in {attempt.seconds / 60:.0f} min{boxed}"


def _projects(record: Record, stage: Stage, entries: Sequence[Entry]) -> list[Evidence]:
    mine = [one for one in entries if one.kind == "project" and one.stage == stage.number]
    told = []
    for one in mine:
        days = max((record.today() - one.on).days, 0)
        where = f", live at {one.live}" if one.live else ""
        told.append(Evidence("project", f"project {one.name}{where}", days, days > STALE_DAYS))
    return told


def _age(record: Record, at: datetime, kind: Literal["test", "project"], what: str) -> Evidence:
    days = record.since(at).days
    return Evidence(kind, what, days, days > STALE_DAYS)


def _advise(
    record: Record, stages: Sequence[StageStanding], attempts: Sequence[Attempt], sittings: Sequence[Sitting]
) -> tuple[str, str]:
    """Return the one next step, the most urgent first."""
    for sitting in sittings:
        if sitting.purpose != "practice":
            return _advise_running(record, sitting)
    stale = [one for one in stages if one.stale]
    if stale:
        return f"Stage {stale[0].stage.number}: {stale[0].next}", stale[0].command
    here = next((one for one in stages if one.state == "open"), None)
    if here is None:
        return "All four stages are behind you. Help somebody else with theirs.", ""
    if here.stage.number > 1:
        return (
            f"Stage {here.stage.number} is open: {here.stage.first}. Practise SQL and the shell beside it.",
            "path exam sql --practice",
        )
    return _advise_beginner(record, attempts)


def _advise_running(record: Record, sitting: Sitting) -> tuple[str, str]:
    time = f"is running: {say_time(left(record, sitting))} left."
    if sitting.purpose == "exam":
        return f"An exam {time}", "path exam 1 --check"
    return f"A diagnostic {time}", "path gate 1 --diagnose --check"


def _advise_beginner(record: Record, attempts: Sequence[Attempt]) -> tuple[str, str]:
    tried = [one for one in attempts if one.stage == 1]
    if not tried:
        question = "Am I in stage 1, or ready for stage 2? Thirty minutes tell, and nothing is at stake."
        return question, "path gate 1 --diagnose"
    last = tried[-1]
    if last.state is State.PASS:
        pause = wait(record)
        return "Your last try passed everything: take the exam, so that it counts." + (
            f" It may begin in {say_time(pause)}." if pause else ""
        ), "path exam 1"
    weak = [skill for skill, state in last.skills.items() if state is not State.PASS]
    return (
        f"Practise {', '.join(weak) or 'the eight tasks'}: no clock, and each miss is explained.",
        "path exam 1 --practice",
    )
