"""`trimtab path plan`."""

from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab import clock
from trimtab.cli.options import AsJson
from trimtab.cli.output import show
from trimtab.cli.path_record import open_mine, tell_notices
from trimtab.errors import UsageError
from trimtab.path.calendar import write_calendar
from trimtab.path.plan import Days, Plan, Stretch, declare, make_plan
from trimtab.path.record import Record

OURS = b"PRODID:-//trimtab//path//"


def plan(
    *,
    hours_per_week: Annotated[float | None, Parameter(help="Hours that you really have; 15 at first.")] = None,
    start: Annotated[str | None, Parameter(help="The day you begin, as 2026-01-31; today at first.")] = None,
    ics: Annotated[Path | None, Parameter(help="Write the plan to this iCalendar file, too.")] = None,
    as_json: AsJson = False,
) -> int:
    """Make a dated plan, with a range for each stage and its tools.

    It remembers your hours and your first day. Later, `trimtab path plan` alone reckons again from the hours that you
    logged and from how your tests went. The ranges are meant for 15 to 20 hours a week: 12 to 24 months in all.
    """
    record = open_mine()
    made = make_plan(record, declare(record, hours_per_week, _read_day(start)))
    facts = _facts(made, record)
    told = _describe(made)
    if ics:
        _write(ics, write_calendar(made, _owner(record), record.now))
        facts["ics"] = ics
        told.append(f"{ics} is written: import it into your calendar.")
    show(told, facts, as_json=as_json)
    tell_notices(record)
    return 0


def _read_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            f"--start: '{text[:40] if text else ''}' is not a day.", hint="write it as 2026-01-31"
        ) from None


def _describe(made: Plan) -> list[str]:
    pace = f"{made.pace:.1f}".removesuffix(".0")
    lines = [f"At {pace} hours a week, as of {made.as_of}:", ""]
    for stretch in made.stages:
        lines += _describe_stage(stretch)
    if made.ends:
        first, last = made.ends
        lines.append(f"All four stages: between {first} and {last}{_compare(made)}.")
    else:
        lines.append("All four stages are passed.")
    return [*lines, *made.notes]


def _describe_stage(stretch: Stretch) -> list[str]:
    stage = stretch.stage
    head = f"Stage {stage.number}  {stage.name}"
    if not (stretch.begins and stretch.ends):
        return [f"{head}: passed, {stretch.hours_logged:g} hours logged", ""]
    least, most = stretch.hours_left
    logged = f", {stretch.hours_logged:g} logged" if stretch.hours_logged else ""
    return [
        head,
        f"  begins {_span(stretch.begins)}; its test {_span(stretch.ends)}",
        f"  {least:.0f} to {most:.0f} hours left{logged}: {stage.reason}",
        f"  {', '.join(stage.tools)}; begin with {stage.first}",
        "",
    ]


def _span(days: Days) -> str:
    return f"{days[0]}" if days[0] == days[1] else f"{days[0]} to {days[1]}"


def _compare(made: Plan) -> str:
    """Return how the end has moved against what was declared, where it has."""
    if made.ends is None or made.ends == made.planned_ends:
        return ""
    return f" (planned at first: {_span(made.planned_ends)})"


def _owner(record: Record) -> str:
    """Return what makes this person's calendar entries their own; made once, so that a new export replaces the old."""
    owner = record.setting("calendar", str) or clock.uuid7()
    record.put("calendar", owner)
    return owner


def _write(file: Path, text: str) -> None:
    """Write the file; only a calendar of ours is ever replaced."""
    if file.exists() and OURS not in (file.read_bytes() if file.is_file() else b""):
        raise UsageError(
            f"{file} is there already and is no plan of trimtab's.", hint="name another file: --ics plan.ics"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _facts(made: Plan, record: Record) -> dict[str, object]:
    return {
        "hours_per_week": made.declared.hours_per_week,
        "start": made.declared.start,
        "pace": made.pace,
        "as_of": made.as_of,
        "stages": [_stage_facts(stretch) for stretch in made.stages],
        "ends": _days(made.ends),
        "planned_ends": _days(made.planned_ends),
        "notes": made.notes,
        "notices": record.notices,
    }


def _stage_facts(stretch: Stretch) -> dict[str, object]:
    return {
        "number": stretch.stage.number,
        "name": stretch.stage.name,
        "passed": stretch.passed,
        "hours": {"least": stretch.stage.hours[0], "most": stretch.stage.hours[1], "reason": stretch.stage.reason},
        "hours_logged": stretch.hours_logged,
        "hours_left": {"least": stretch.hours_left[0], "most": stretch.hours_left[1]},
        "begins": _days(stretch.begins),
        "ends": _days(stretch.ends),
        "planned_ends": _days(stretch.planned_ends),
        "tools": stretch.stage.tools,
        "first": stretch.stage.first,
    }


def _days(days: Days | None) -> dict[str, date] | None:
    return {"earliest": days[0], "latest": days[1]} if days else None
