"""A table -> the Contract that it seems to keep, with a note for everything that was guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import polars as pl

from trimtab.config.shapes import quoted
from trimtab.contract.clean import compile_frame
from trimtab.contract.columns import compile_column
from trimtab.contract.guess import IDENTIFIER, Guess, guess_column, guess_event_time
from trimtab.contract.row import RESERVED
from trimtab.contract.suspects import find_suspects
from trimtab.contract.target import TASKS, guess_target
from trimtab.errors import DataError, Mistake, UsageError, nearest
from trimtab.metrics.figures import count
from trimtab.nouns.contract import Column, Contract, Order, Row

ORDERS: Final[dict[str, Order]] = {name: name for name in get_args(Order)}


@dataclass(frozen=True, slots=True)
class Inferred:
    """A guessed Contract. `notes`: what was guessed, by column, and about the whole under ""; `findings`: sentences."""

    contract: Contract
    notes: Mapping[str, str]
    findings: tuple[str, ...]


def infer(
    frame: pl.DataFrame,
    *,
    target: str,
    time: str | None = None,
    order: str | None = None,
    task: str | None = None,
    text: bool | None = None,
) -> Inferred:
    """Return the Contract that a table seems to keep; every row fits it, unless it holds an infinite number.

    `text`: values are text as in a CSV file; by default where every column is text. Raises `UsageError` for a name that
    is not there, `DataError` where the data cannot carry a model: empty, one class, fewer than 200 labelled rows.
    """
    _refuse_names(frame, target=target, time=time, order=order, task=task)
    text = all(dtype == pl.String() for dtype in frame.dtypes) if text is None else text
    goal, about_target = guess_target(frame.get_column(target), task)
    guesses = {name: guess_column(frame.get_column(name), text=text) for name in frame.columns if name != target}
    columns = {name: guess.column for name, guess in guesses.items() if guess.column is not None}
    notes = {name: "; ".join(guess.notes) for name, guess in guesses.items() if guess.notes}
    row, about_order, order_comment = _find_order(columns, time, order)
    if row.event_time:
        columns[row.event_time], about_time = _event_time(frame.get_column(row.event_time), text=text)
        notes[row.event_time] = "; ".join(about_time)
    contract = Contract(row, goal, tuple(columns[name] for name in frame.columns if name in columns))
    for name, told in find_suspects(contract, compile_frame(contract, text=text).apply(frame).clean).items():
        notes[name] = f"{notes[name]}; {told}" if notes.get(name) else told
    about_columns = [f"Column '{name}': {note}." for name, note in notes.items()]
    findings = (*about_target, *about_order, *about_columns)
    unnamed = [told for told in about_columns if told.startswith("Column '':")]  # "" stands for the whole below
    whole = "\n".join((*about_target, order_comment, *unnamed, *_to_fill_in(_identifiers(contract, notes))))
    return Inferred(contract, {**notes, "": whole}, findings)


def _refuse_names(frame: pl.DataFrame, *, target: str, time: str | None, order: str | None, task: str | None) -> None:
    """Raise where the table is empty or a name or word is not known."""
    if not frame.height:
        raise DataError("The table has no rows.", hint="give a file with a header and at least 200 labelled rows")
    kept = [
        Mistake(name, "is a name that trimtab keeps for its own columns") for name in frame.columns if name in RESERVED
    ]
    if kept:
        raise DataError("Reserved column names.", mistakes=kept, hint="rename the column in the data")
    names = [(flag, name) for flag, name in (("--target", target), ("--time", time)) if name is not None]
    wrong = [
        Mistake(flag, f"there is no column '{name}'{nearest(name, frame.columns)}")
        for flag, name in names
        if name not in frame.columns
    ]
    words = (("--order", order, tuple(ORDERS)), ("--task", task, tuple(TASKS)))
    wrong += [
        Mistake(flag, f"'{word}' is none of {', '.join(map(repr, known))}{nearest(word, known)}")
        for flag, word, known in words
        if word and word not in known
    ]
    if time == target:
        wrong.append(Mistake("--time", "the target cannot be the event time"))
    if wrong:
        raise UsageError("The flags do not fit the table.", mistakes=wrong, hint=_flag_hint(frame, wrong))


def _flag_hint(frame: pl.DataFrame, wrong: Sequence[Mistake]) -> str:
    if all(mistake.where in {"--order", "--task"} for mistake in wrong):
        return "correct the flag, or leave it out: then it is guessed"
    return f"the columns are {', '.join(frame.columns[:20])}{', ...' if frame.width > 20 else ''}"


def _find_order(columns: Mapping[str, Column], time: str | None, order: str | None) -> tuple[Row, tuple[str], str]:
    """Return event time and order: as asked for, else by the one column that is a time in every row, else none.

    With them what is said at the terminal, and what stands in the file, where the next step is a key, not a flag.
    """
    if time is not None or order in {"file", "none"}:
        ordered = {"file": "their position in the file", "none": "nothing"}.get(order or "", f"'{time}'")
        row = Row(event_time=time or "", order=ORDERS[order or "event_time"])
        told = f"Rows are ordered by {ordered}."
        return row, (told,), told
    found = [name for name, column in columns.items() if column.type in {"time", "date"} and column.required]
    if len(found) == 1:
        told = f"Rows are ordered by '{found[0]}', the only time column."
        return Row(event_time=found[0], order="event_time"), (told,), told
    if order == "event_time":
        raise UsageError("--order event_time: which column is the time cannot be guessed.", hint=_time_hint(found))
    told = "Rows are in no order, so splits are by chance"
    named = " or ".join(f"'{name}'" for name in found) or "a column of times"
    key = f'name {named} in [row] event_time, or write order = "file" if the file is in the order of time'
    return Row(), (f"{told}: {_time_hint(found)}.",), f"{told}: {key}."


def _time_hint(found: Sequence[str]) -> str:
    names = " or ".join(f"--time '{name}'" for name in found)
    return f"add {names}" if names else "add --time COLUMN, or --order file if the file is in the order of time"


def _event_time(raw: pl.Series, *, text: bool) -> tuple[Column, tuple[str, ...]]:
    """Return the event time's column with what a person should know about it."""
    found = guess_event_time(raw, text=text)
    if not isinstance(found, Guess):
        hint = "correct that row; write times as 2026-01-31T12:00:00Z, or name another --time"
        raise DataError(f"'{raw.name}' is no time in row {found + 1:,} of the data.", hint=hint)
    column = found.column or Column(raw.name, "time")
    return column, ("taken as the event time", *found.notes, *_zone_notes(raw, column))


def _zone_notes(raw: pl.Series, column: Column) -> tuple[str, ...]:
    """Return the notes about times without a zone and about rows without a time."""
    naive = compile_column(column, text=False, time_zone="UTC")(raw).codes.cast(pl.String) == "naive_time"
    local = (
        naive.any() or raw.dtype == pl.Date() or (isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is None)
    )
    missing = compile_column(column, text=True, time_zone="UTC")(raw).values.null_count()
    notes = ("its times have no zone and are read in row.time_zone, now UTC",) if local else ()
    if not missing:
        return notes
    return (*notes, f"{count(missing, 'row')} without a time: the arrival counts")


def _identifiers(contract: Contract, notes: Mapping[str, str]) -> list[str]:
    """Return the columns that could name a row. None is taken by itself: numbers may begin anew in the next file."""
    return [column.name for column in contract.columns if IDENTIFIER in notes.get(column.name, "")]


def _to_fill_in(identifiers: Sequence[str]) -> tuple[str, ...]:
    named = f"; '{identifiers[0]}' may be one: key = [{quoted(identifiers[0])}]" if identifiers else ""
    no_key = (
        "row.key is empty: outcomes are joined by prediction_id. Name the column that identifies a row to join by key"
    )
    return (
        "Please fill in target.meaning: what exactly is true when the label is true, and for whom is there none?",
        f"{no_key}{named}.",
        "target.matures_after is 0: write how long after the event the label is known.",
    )
