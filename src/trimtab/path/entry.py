"""What a person types about what they did, read into an Entry or an Attempt; every mistake is said at once."""

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import get_args

from trimtab.errors import Mistake, UsageError, nearest
from trimtab.nouns import State
from trimtab.path.record import Attempt, Entry, Kind, Record
from trimtab.path.stages import STAGES
from trimtab.path.standing import current_stage

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDS = (*KINDS, "gate", "undo")
LONGEST = 200  # characters of a name, a note or an address
MOST_HOURS = 100.0  # in one entry


@dataclass(frozen=True, slots=True)
class Typed:
    """The words as they were typed; nothing is checked yet."""

    kind: str
    name: str = ""
    hours: float | None = None
    stage: int | None = None
    on: str | None = None
    live: str = ""
    result: str = "cannot_tell"
    note: str = ""


def read_entry(record: Record, typed: Typed) -> Entry:
    """Return the entry; UsageError where something cannot be noted."""
    kind = read_kind(typed.kind)
    day = _read_day(typed.on)
    mistakes = [*_check_day(record, typed.on, day), *_check_hours(kind, typed.hours), *_check_words(kind, typed)]
    mistakes += _check_stage(typed.stage)
    _refuse(mistakes)
    stage = typed.stage or current_stage(record)
    return Entry(
        kind, day or record.today(), typed.name.strip(), typed.hours or 0.0, stage, typed.live, typed.note.strip()
    )


def read_try(record: Record, typed: Typed) -> Attempt:
    """Return a try at a stage's test that was taken elsewhere; UsageError where it cannot be noted."""
    states = [state.value for state in State]
    mistakes = _check_stage(typed.stage) if typed.stage is not None else [Mistake("--stage", "whose test? From 1 to 4")]
    if typed.result not in states:
        mistakes.append(Mistake("--result", f"'{typed.result[:40]}' is none of {', '.join(states)}"))
    _refuse(mistakes)
    return Attempt(
        typed.stage or 1, "reported", State(typed.result), record.now, note=(typed.name or typed.note)[:LONGEST]
    )


def read_kind(word: str) -> Kind:
    """Return the kind of entry that a word names; UsageError, with the nearest, where it names none."""
    for kind in KINDS:
        if word == kind:
            return kind
    raise UsageError(
        f"There is nothing called '{word[:40]}' to note{nearest(word, WORDS) or '.'}",
        hint=f"choose from {', '.join(WORDS)}",
    )


def _read_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _check_day(record: Record, text: str | None, day: date | None) -> list[Mistake]:
    if not text:
        return []
    if day is None:
        return [Mistake("--on", f"'{text[:40]}' is not a day; write it as 2026-01-31")]
    if day > record.today():
        return [Mistake("--on", f"{day} has not come yet")]
    return [Mistake("--on", f"{day} is too long ago")] if day.year < 2000 else []


def _check_hours(kind: Kind, hours: float | None) -> list[Mistake]:
    if hours is None:
        return [Mistake("--hours", "how long? For example --hours 2")] if kind == "study" else []
    sound = isfinite(hours) and 0 < hours <= MOST_HOURS
    return [] if sound else [Mistake("--hours", f"{hours:g} is not more than 0 and at most {MOST_HOURS:g}")]


def _check_words(kind: Kind, typed: Typed) -> list[Mistake]:
    mistakes = []
    if kind != "study" and not typed.name.strip():
        mistakes.append(Mistake("NAME", f'what is it called? For example: trimtab path log {kind} "My {kind}"'))
    for where, text in (("NAME", typed.name), ("--note", typed.note), ("--live", typed.live)):
        if len(text) > LONGEST:
            mistakes.append(Mistake(where, f"longer than {LONGEST} characters"))
    if typed.live and kind != "project":
        mistakes.append(Mistake("--live", "belongs to a project"))
    elif typed.live and not typed.live.startswith(("http://", "https://")):
        mistakes.append(Mistake("--live", "is no address: it begins with https://"))
    return mistakes


def _check_stage(stage: int | None) -> list[Mistake]:
    known = [one.number for one in STAGES]
    return [] if stage is None or stage in known else [Mistake("--stage", f"{stage} is none of 1, 2, 3, 4")]


def _refuse(mistakes: list[Mistake]) -> None:
    if mistakes:
        raise UsageError("This cannot be noted; nothing was:", mistakes=mistakes, hint="trimtab path log --help")
