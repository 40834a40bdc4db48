"""Rows in and out of the steps of a pipeline, and the word by which a Python pipeline names its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


@dataclass(frozen=True, slots=True)
class Stage:
    """One place inside a step where rows come, meet or go: a table, a join, a filter.

    `rows_in` and `rows_out` are None where they could not be counted. `unmatched` are rows of a join's left side for
    which the right side has none: an inner join drops them, a left join fills them with null.
    """

    name: str
    line: int | None
    rows_in: int | None
    rows_out: int | None
    unmatched: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A named part of a pipeline: the rows that it begins with, those that it gives, and its text."""

    name: str
    line: int | None
    rows_in: int | None
    rows_out: int | None
    text: str = ""
    stages: tuple[Stage, ...] = ()


_NOTED: ContextVar[list[Step] | None] = ContextVar("steps", default=None)


def step(name: str, frame: Frame, *, of: pl.DataFrame | pl.LazyFrame | None = None) -> Frame:
    """Return the frame as it is; `trimtab status --lineage` shows its rows under this name, and those that it is `of`.

    Outside of that nothing is counted, and a LazyFrame is not run.
    """
    noted = _NOTED.get()
    if noted is not None:
        line = sys._getframe(1).f_lineno  # noqa: SLF001 (the caller's line is what a reader looks for)
        noted.append(Step(name, line, None if of is None else _count(of), _count(frame)))
    return frame


@contextmanager
def note_steps() -> Iterator[list[Step]]:
    """Give the list to which every `step` inside the block adds itself."""
    noted: list[Step] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def _count(frame: pl.DataFrame | pl.LazyFrame) -> int:
    return int(frame.lazy().select(pl.len()).collect().item())
