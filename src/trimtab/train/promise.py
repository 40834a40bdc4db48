"""The promise by slice: how good the answers were on each declared part of the rows that the judged fit had not seen.

metrics.json keeps it, so that what becomes of a part can be followed for as long as the Version answers. A part is the
rows that hold one value of a column, or one of four ranges where its numbers are many, named as on the card.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from trimtab import metrics
from trimtab.metrics.base import Losses
from trimtab.metrics.compare import mean_interval, metric_interval
from trimtab.metrics.figures import figure
from trimtab.metrics.slices import LEAST_ROWS, Mask, Parting, name_values, part_by_size, part_by_value
from trimtab.nouns import Column, Contract, Interval, Project
from trimtab.train.choice import Choice
from trimtab.train.labels import encode_labels

LONGEST = 60
NUMBERS = frozenset({"number", "integer", "time", "date"})
"""Types of columns that are cut into ranges; times count as seconds since 1970."""


@dataclass(frozen=True, slots=True)
class SlicePromise:
    """What was promised of one part of the rows.

    column, part   the column, and its value or its range in words
    between        of a range: above the first number, up to the second; None where the part is a value
    risk           mean bounded loss; the upper ends of all parts of a Version hold together, see `bound_risk`
    score          the task's default metric
    """

    column: str
    part: str
    between: tuple[float, float] | None
    risk: Interval
    score: Interval

    @property
    def name(self) -> str:
        """What people call the part."""
        return f"{self.column} {self.part}"


def promise_slices(frame: Any, contract: Contract, project: Project, choice: Choice) -> tuple[SlicePromise, ...]:
    """Return what the test part promises of every declared part of 30 rows or more; of many values the 20 commonest.

    `frame` are the rows that were chosen on; declared are the columns of `[slices] by` and `protected`.
    """
    task = contract.target.task
    labels, answers = encode_labels(frame.get_column("_label"), contract.target)[choice.held], choice.held_answers
    losses = metrics.bounded_losses(task, labels, answers, choice.scale)
    partings = part_columns(frame[choice.held], contract, project.slices.columns)
    parts = [(one, code, one.codes == code) for one in partings for code in range(len(one.names))]
    parts = [part for part in parts if part[2].sum() >= LEAST_ROWS]
    metric = metrics.default(task)
    return tuple(
        SlicePromise(
            one.column,
            one.names[code],
            one.find_range(code),
            bound_risk(losses[rows], len(parts)),
            metric_interval(metric, labels[rows], answers[rows], project.train.seed),
        )
        for one, code, rows in parts
    )


def bound_risk(losses: Losses, many: int) -> Interval:
    """Return the mean of bounded losses with the ends that all of `many` such intervals keep together with 95 %.

    A small part may hold none of its rare great losses; Student's interval then has next to no width, and what it
    promises is broken by the first one to come. So for the upper end one more row counts that loses all there is, as
    conformal risk control does (Angelopoulos, Bates, Fisch, Lei & Schuster 2024).
    """
    careful = mean_interval(np.append(losses, 1.0), many)
    return replace(mean_interval(losses, many), high=careful.high)


def locate(promises: Sequence[SlicePromise], frame: Any, contract: Contract) -> Iterator[tuple[SlicePromise, Mask]]:
    """Yield each promise with the rows of a clean frame that it speaks of; the frame has all of their columns."""
    for name, own in groupby(promises, key=lambda one: one.column):
        column, series, group = contract.by_name[name], frame.get_column(name), list(own)
        numbers = _read_numbers(series, column) if column.type in NUMBERS else np.empty(0)
        texts = _read_texts(series, column) if any(one.between is None for one in group) else np.empty(0)
        for one in group:
            if one.between is None:
                yield one, texts == one.part
            elif column.type in NUMBERS:  # else it was a number when the promise was made
                yield one, (numbers > one.between[0]) & (numbers <= one.between[1])


def part_columns(frame: Any, contract: Contract, names: Iterable[str]) -> list[Parting]:
    """Return the partings of some columns; one that the contract hides or does not have is left out."""
    columns = [contract.by_name[name] for name in names if name in contract.by_name and name in frame.columns]
    return [_part(frame, column) for column in columns if not column.pii]


def _part(frame: Any, column: Column) -> Parting:
    series = frame.get_column(column.name)
    if column.type in NUMBERS:
        return part_by_size(column.name, _read_numbers(series, column), lambda one: _tell(column, one))
    return part_by_value(column.name, _read_texts(series, column).tolist())


def _read_texts(series: Any, column: Column) -> np.ndarray:
    """Return what the values of a column are called, as `part_by_value` and `part_by_size` do."""
    if column.type in NUMBERS:
        numbers = _read_numbers(series, column).tolist()
        return name_values([_tell(column, one) if np.isfinite(one) else None for one in numbers])
    return name_values([_cut(one) if isinstance(one, str) else one for one in series.to_list()])


def _read_numbers(series: Any, column: Column) -> np.ndarray:
    plain = series.dt.epoch("s") if column.type in {"time", "date"} else series
    numbers: np.ndarray = plain.cast(float).fill_null(np.nan).to_numpy()
    return numbers


def _tell(column: Column, number: float) -> str:
    if column.type not in {"time", "date"}:
        return figure(number)
    return str(np.datetime64(0, "s") + np.timedelta64(int(number), "s"))[: 16 if column.type == "time" else 10]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# --- at rest ----------------------------------------------------------------------------------------------------------


def read_promises(plain: Sequence[Mapping[str, Any]]) -> tuple[SlicePromise, ...]:
    """Return the promises that metrics.json has; null stands for a number that is not finite."""
    return tuple(
        SlicePromise(
            str(one["column"]),
            str(one["part"]),
            None if one["between"] is None else _read_range(*one["between"]),
            read_interval(one["risk"]),
            read_interval(one["score"]),
        )
        for one in plain
    )


def _read_range(above: float | None, up_to: float | None) -> tuple[float, float]:
    return -np.inf if above is None else float(above), np.inf if up_to is None else float(up_to)


def read_interval(plain: Mapping[str, Any]) -> Interval:
    """Return the interval; null stands for a number that could not be measured."""
    known: dict[str, Any] = {name: np.nan if value is None else value for name, value in plain.items()}
    return Interval(**known)
