"""What the two kinds of practice share: five small tasks in a folder, one file for each answer, judged by result."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from trimtab import clock
from trimtab.nouns import State
from trimtab.path.exam.grade import UNSANDBOXED
from trimtab.path.exam.paper import Graded, Paper, Result, Task, write_files
from trimtab.path.exam.sandbox import Limits, Outcome
from trimtab.path.exam.tasks import COLUMNS
from trimtab.path.exam.world import World, clean

LIMITS = Limits(seconds=3.0)
MAX_BYTES = 100_000
CLOSE = 0.011

Value = str | int | float | None
Row = tuple[Value, ...]


class Exercise(Protocol):
    """One kind of practice."""

    def write(self, folder: Path, seed: int) -> Paper:
        """Write the tasks of a seed into a folder."""

    def grade(self, folder: Path, seed: int) -> Graded:
        """Return how the answers in a folder are, each with a hint where it is not right yet."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One small task: what is asked, the rows that are right, whether their order counts, and a hint."""

    task: Task
    right: Sequence[Row]
    ordered: bool
    hint: str


def passengers_of(world: World) -> pl.DataFrame:
    """Return the clean passengers of a list, by number."""
    return clean(world.listed).select(COLUMNS).sort("passenger")


def write_drills(
    folder: Path, seed: int, *, title: str, words: str, files: dict[str, bytes], drills: Sequence[Drill], starter: str
) -> Paper:
    """Write the tasks, their tables and an empty file for each answer; answers that are there are left alone."""
    tasks = tuple(drill.task for drill in drills)
    texts = "\n".join(f"## {task.title}\n\n{task.text}\n" for task in tasks)
    paper = f"# {title}\n\n{words}\n\n{texts}"
    answers = {starter.format(task.name): b"" for task in tasks}
    write_files(folder, {"paper.md": paper.encode(), **files, **answers}, keep=frozenset(answers))
    return Paper(seed, folder, tasks, minutes=0)


def grade_drills(
    folder: Path,
    drills: Sequence[Drill],
    *,
    suffix: str,
    run: Callable[[Sequence[str]], tuple[tuple[Outcome, ...], bool]],
    read: Callable[[Outcome], list[Row]],
) -> Graded:
    """Return the result of every drill whose answer is there; the others say that theirs is not."""
    begun = clock.monotonic_ns()
    texts = {drill.task.name: read_answer(folder / f"{drill.task.name}{suffix}") for drill in drills}
    given = [name for name, text in texts.items() if text]
    outcomes, sandboxed = run([texts[name] for name in given]) if given else ((), True)
    left = dict(zip(given, outcomes, strict=True))
    results = tuple(_judge(drill, left.get(drill.task.name), read, suffix) for drill in drills)
    passed = all(result.state is State.PASS for result in results)
    seconds = (clock.monotonic_ns() - begun) / 1e9
    return Graded(results, passed, sandboxed, seconds, () if sandboxed else (UNSANDBOXED,))


def read_answer(path: Path) -> str:
    """Return an answer's text; empty where there is none, or it is no text of a sensible size."""
    try:
        content = path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_BYTES else b""
        return content.decode("utf-8-sig").replace("\x00", "").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def differs(given: Sequence[Row], right: Sequence[Row], *, ordered: bool) -> str:
    """Return how rows differ from the right ones, without showing any of these; empty where they do not."""
    if len(given) != len(right):
        return f"there are too {'many' if len(given) > len(right) else 'few'} rows."
    if any(len(row) != len(right[0]) for row in given):
        return "the rows have too many or too few values."
    paired = all(map(_same_row, given, right)) if ordered else _pair(given, right)
    if paired:
        return ""
    if ordered and not differs(given, right, ordered=False):
        return "the rows are right, but their order is not."
    return "the number of rows is right, but not every value."


def _judge(drill: Drill, outcome: Outcome | None, read: Callable[[Outcome], list[Row]], suffix: str) -> Result:
    name, skill = drill.task.name, drill.task.skill
    if outcome is None:
        return Result(name, skill, State.FAIL, f"There is nothing in {name}{suffix} yet.")
    try:
        miss = differs(read(outcome), drill.right, ordered=drill.ordered)
    except ValueError as error:
        return Result(name, skill, State.FAIL, f"{error} A way: {drill.hint}")
    if miss:
        return Result(name, skill, State.FAIL, f"It runs, but {miss} A way: {drill.hint}")
    return Result(name, skill, State.PASS, "Right.")


def _pair(given: Sequence[Row], right: Sequence[Row]) -> bool:
    """Whether each right row has a given row of its own."""
    left = list(given)
    for row in right:
        place = next((place for place, one in enumerate(left) if _same_row(one, row)), None)
        if place is None:
            return False
        del left[place]
    return True


def _same_row(one: Row, other: Row) -> bool:
    return all(_same_value(a, b) for a, b in zip(one, other, strict=True))


def _same_value(one: Value, other: Value) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=0, abs_tol=CLOSE if isinstance(other, float) else 0)
    return one == other
