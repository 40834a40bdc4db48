"""`trimtab path log`."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import AsJson
from trimtab.cli.output import show
from trimtab.cli.path_record import open_mine, tell_notices
from trimtab.path.entry import Typed, read_entry, read_try
from trimtab.path.record import Attempt, Entry, Record
from trimtab.path.standing import study_weeks
from trimtab.path.traps import notice, say_once

SHOWN = 12


def log(
    kind: Annotated[str, Parameter(help="study, course, certificate, project, gate or undo; none lists.")] = "",
    name: Annotated[str, Parameter(help="What it was: the course's name, the project's, ...")] = "",
    /,
    *,
    hours: Annotated[float | None, Parameter(help="Hours spent, for example 1.5.")] = None,
    stage: Annotated[int | None, Parameter(help="Stage it was for; else the one that you are in.")] = None,
    on: Annotated[str | None, Parameter(help="The day, as 2026-01-31; else today.")] = None,
    live: Annotated[str, Parameter(help="Address at which a project can be tried.")] = "",
    result: Annotated[str, Parameter(help="For gate: pass, fail or cannot_tell.")] = "cannot_tell",
    note: Annotated[str, Parameter(help="A few words for later.")] = "",
    as_json: AsJson = False,
) -> int:
    """Note what you did; the plan and the board follow it. Without KIND, list the last entries.

    `gate` notes a try at a stage's test that somebody else gave you. It counts as a try, not as a pass: only the test
    itself opens the next stage. `undo` strikes out the last entry.
    """
    typed = Typed(kind.lower(), name, hours, stage, on, live, result, note)
    record = open_mine()
    if typed.kind == "undo":
        told = [_undo(record)]
    elif typed.kind == "gate":
        told = [_note_gate(record, read_try(record, typed))]
    elif kind:
        told = [_note_entry(record, read_entry(record, typed))]
    else:
        told = _list(record)
    traps = notice(record)
    told += say_once(record) if kind and not as_json else ()
    facts = {"entries": record.entries(), "attempts": record.attempts(), "traps": traps, "notices": record.notices}
    show(told, facts, as_json=as_json)
    tell_notices(record)
    return 0


def _note_entry(record: Record, entry: Entry) -> str:
    record.add(entry)
    week = study_weeks(record, record.entries())[-1]
    what = f"{entry.kind} {entry.name}".strip()
    hours = f", {entry.hours:g} h" if entry.hours else ""
    return f"Noted for stage {entry.stage}: {what}{hours} on {entry.on}. This week so far: {week:g} h."


def _note_gate(record: Record, attempt: Attempt) -> str:
    record.add(attempt)
    stage = attempt.stage
    return (
        f"A try at the test of stage {stage} is noted. It counts as a try; only the test itself opens the next stage."
    )


def _undo(record: Record) -> str:
    entries = record.entries()
    if not entries:
        return "There is no entry to strike out."
    last = entries[-1]
    record.strike(last)
    return f"Struck out: {_describe(last)}."


def _list(record: Record) -> list[str]:
    entries = record.entries()
    if not entries:
        return ["Nothing is noted yet.", "Next: trimtab path log study --hours 2"]
    hours = sum(one.hours for one in entries)
    head = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}, {hours:g} hours in all. The last ones:"
    return [head, *(f"  {_describe(one)}" for one in entries[-SHOWN:])]


def _describe(entry: Entry) -> str:
    pieces = [f"{entry.on}", f"stage {entry.stage}", f"{entry.kind} {entry.name}".strip()]
    pieces += [f"{entry.hours:g} h"] if entry.hours else []
    pieces += [piece for piece in (entry.live, entry.note) if piece]
    return "  ".join(pieces)
