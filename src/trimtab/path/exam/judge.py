"""Whether an answer is right: tables and numbers by value, the plot by what was drawn.

Each judge returns an empty text where the answer is right, and otherwise what is wrong with it in words that never show
a value that was expected.
"""

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import polars as pl

from trimtab.path.exam.sandbox import Outcome
from trimtab.path.exam.solution import Answers
from trimtab.path.exam.tasks import COLUMNS, LAST_AGE, MAX_NUMBERS, MONEY, PERCENT, YEARS, Questions

PLOT = "plot"
FILES = {
    "load": "load.csv",
    "filter": "filter.csv",
    "group": "group.csv",
    "top": "top.csv",
    "join": "join.csv",
    "missing": "missing.csv",
    PLOT: "plot.png",
    "conclusion": "conclusion.txt",
}
EMPTY = ("", "nan", "NaN", "NA", "None", "null", "<NA>")
MAX_ROWS = 20_000
PNG = b"\x89PNG\r\n"

Row = dict[str, str | None]
Table = dict[tuple[str, ...], Row]


@dataclass(frozen=True, slots=True)
class Axes:
    """What was drawn on one pair of axes: its words, and its bars as (left edge, right edge, height) from the left."""

    title: str
    below: str
    side: str
    bars: Sequence[tuple[float, float, float]]

    def say_lacking(self) -> list[str]:
        """Return which words around the plot are not there."""
        given = {
            "a title": self.title.strip(),
            "the word age below": "age" in self.below.lower(),
            "the word passengers at the side": "passenger" in self.side.lower(),
        }
        return [name for name, there in given.items() if not there]


class Miss(Exception):
    """An answer is not right; the text says in what way."""


def judge(task: str, outcome: Outcome, questions: Questions, answers: Answers) -> str:
    """Return what is wrong with a task's answer, or an empty text."""
    return _miss_of(lambda: JUDGES[task](outcome, questions, answers))


def look(task: str, outcome: Outcome, questions: Questions) -> str:
    """Return what is wrong with the form of an answer (no value is judged), or an empty text."""
    return _miss_of(lambda: _look(task, outcome, questions))


def columns_of(task: str, questions: Questions) -> tuple[str, ...]:
    """Return the columns that the table of a task must have."""
    return {
        "load": COLUMNS,
        "filter": ("passenger",),
        "group": (*questions.keys, "mean_age", "count"),
        "top": ("passenger", "fare"),
        "join": ("name", "passengers", "mean_difference"),
        "missing": ("column", "missing", "percent"),
    }.get(task, ())


def _miss_of(check: Callable[[], None]) -> str:
    try:
        check()
    except Miss as miss:
        return str(miss)
    return ""


def _look(task: str, outcome: Outcome, questions: Questions) -> None:
    if task == PLOT:
        _look_plot(outcome)
    elif task == "conclusion":
        _read_numbers(outcome)
    elif not _read_table(task, outcome, questions):
        raise Miss(f"{FILES[task]} has columns and no rows.")


def _read_file(task: str, outcome: Outcome) -> bytes:
    name = FILES[task]
    if name in outcome.unreadable:
        raise Miss(f"{name} is no plain file of at most 2 MB.")
    if name not in outcome.files:
        raise Miss(f"There is no {name}.")
    return outcome.files[name]


def _read_table(task: str, outcome: Outcome, questions: Questions) -> list[Row]:
    """Return the rows of a saved table, their wanted columns as text."""
    name, wanted = FILES[task], columns_of(task, questions)
    try:
        lines = list(islice(csv.reader(_read_file(task, outcome).decode("utf-8-sig").splitlines()), MAX_ROWS))
    except (UnicodeDecodeError, csv.Error):
        raise Miss(f"{name} is no table: save it with .to_csv('{name}', index=False).") from None
    header = [column.strip() for column in lines[0]] if lines else []
    missing = [column for column in wanted if column not in header]
    if missing:
        raise Miss(f"{name} has no column {', '.join(missing)}.")
    places = {column: header.index(column) for column in wanted}
    if any(len(line) != len(header) for line in lines[1:] if line):
        raise Miss(f"{name} has lines with more or fewer values than its first line has names.")
    return [{column: line[place] for column, place in places.items()} for line in lines[1:] if line]


def _number_in(text: str | None, place: str) -> float | None:
    word = (text or "").strip()
    if word in EMPTY:
        return None
    try:
        number = float(word)
    except ValueError:
        raise Miss(f"{place} should hold numbers, and one of its values is none.") from None
    if not math.isfinite(number):
        raise Miss(f"{place} holds a value that is infinite.")
    return number


def _key_of(values: Sequence[str | None]) -> tuple[str, ...]:
    """Return values as words that compare equal where they mean the same: 3 and 3.0 are one class."""
    return tuple(re.sub(r"\.0+$", "", (value or "").strip()) for value in values)


def _index(rows: Sequence[Row], keys: Sequence[str], name: str) -> Table:
    """Return a table's rows by their keys; Miss where two rows share one."""
    table = {_key_of([row[column] for column in keys]): row for row in rows}
    if len(table) < len(rows):
        raise Miss(f"{name} has more than one row for the same {' and '.join(keys)}.")
    return table


def _compare(
    task: str, outcome: Outcome, questions: Questions, right: pl.DataFrame, *, keys: Sequence[str], within: float
) -> None:
    """Raise Miss where a table has other rows than the right one, or values that differ by more than `within`."""
    name = FILES[task]
    given = _index(_read_table(task, outcome, questions), keys, name)
    known = _index(right.cast(pl.String).to_dicts(), keys, name)
    kinds = {column: right.schema[column] for column in right.columns if column not in keys}
    if given.keys() - known.keys() and known.keys() - given.keys():
        raise Miss(f"{name} has rows that do not belong there, and others are missing.")
    if given.keys() - known.keys():
        raise Miss(f"{name} has rows that do not belong there.")
    if known.keys() - given.keys():
        raise Miss(f"{name} lacks rows that belong there.")
    wrong = [
        column
        for column, kind in kinds.items()
        if not all(
            _alike(given[key][column], row[column], kind, within, f"{name}, {column},") for key, row in known.items()
        )
    ]
    if wrong:
        raise Miss(f"{name} has the right rows, but not the right values in {', '.join(wrong)}.")


def _alike(given: Any, right: Any, kind: pl.DataType, within: float, place: str) -> bool:
    if kind == pl.String:
        return _key_of([given]) == _key_of([right]) or ((given or "") in EMPTY and right is None)
    number, true = _number_in(given, place), _number_in(right, place)
    if number is None or true is None:
        return number is true
    return abs(number - true) <= (within if kind.is_float() else 0)


def _judge_load(outcome: Outcome, q: Questions, answers: Answers) -> None:
    _compare("load", outcome, q, answers.load, keys=["passenger"], within=MONEY)


def _judge_filter(outcome: Outcome, q: Questions, answers: Answers) -> None:
    _compare("filter", outcome, q, answers.filter, keys=["passenger"], within=0)


def _judge_group(outcome: Outcome, q: Questions, answers: Answers) -> None:
    _compare("group", outcome, q, answers.group, keys=q.keys, within=YEARS)


def _judge_join(outcome: Outcome, q: Questions, answers: Answers) -> None:
    _compare("join", outcome, q, answers.join, keys=["name"], within=MONEY)


def _judge_missing(outcome: Outcome, q: Questions, answers: Answers) -> None:
    _compare("missing", outcome, q, answers.missing, keys=["column"], within=PERCENT)


def _judge_top(outcome: Outcome, q: Questions, answers: Answers) -> None:
    """The fares must be the highest in their order; which of several passengers with one fare is left open."""
    rows = _read_table("top", outcome, q)
    if len(rows) != q.top:
        raise Miss(f"top.csv should have {q.top} rows.")
    _index(rows, ["passenger"], "top.csv")
    fares = dict(answers.ranked.iter_rows())
    for row, right in zip(rows, answers.ranked["fare"].head(q.top), strict=True):
        paid = fares.get(_whole(row["passenger"]))
        given = _number_in(row["fare"], "top.csv, fare,")
        if paid is None or given is None or abs(given - right) > MONEY or abs(paid - right) > MONEY:
            raise Miss("top.csv does not hold the highest fares of the group in question, highest first.")


def _whole(text: str | None) -> int | None:
    number = _number_in(text, "top.csv, passenger,")
    return int(number) if number is not None and number == int(number) else None


def _read_numbers(outcome: Outcome) -> list[float]:
    text = _read_file("conclusion", outcome)[:10_000].decode(errors="replace")
    numbers = [float(one.replace(",", "")) for one in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)]
    if len(re.findall(r"[^\W\d_]{2,}", text)) < 5:
        raise Miss("conclusion.txt should say what you found in a sentence or two.")
    if len(numbers) < 2:
        raise Miss("conclusion.txt should name two numbers, written in digits.")
    if len(numbers) > MAX_NUMBERS:
        raise Miss(f"conclusion.txt names more than {MAX_NUMBERS} numbers: a reader could not tell which ones count.")
    return numbers


def _judge_conclusion(outcome: Outcome, q: Questions, answers: Answers) -> None:
    del q
    numbers = _read_numbers(outcome)
    rate = any(abs(one - answers.rate) <= PERCENT for one in numbers)
    median = any(abs(one - answers.median) <= MONEY for one in numbers)
    if not rate and not median:
        raise Miss("Neither of the two numbers is right in conclusion.txt.")
    if not rate:
        raise Miss("The percentage that survived is not right in conclusion.txt.")
    if not median:
        raise Miss("The median fare is not right in conclusion.txt.")


def _find_axes(outcome: Outcome) -> list[Axes]:
    """Return the axes with bars of the figure that was saved last as plot.png; Miss where there is none."""
    if not _read_file(PLOT, outcome).startswith(PNG):
        raise Miss("plot.png is no PNG picture: save the figure with plt.savefig('plot.png').")
    saved = [one for one in outcome.figures if isinstance(one, dict) and one.get("name") in ("plot.png", "plot")]
    if not saved:
        raise Miss("plot.png was not drawn by the script: a picture from elsewhere does not count.")
    listed = saved[-1].get("axes")
    drawn = [axes for one in (listed if isinstance(listed, list) else ()) if (axes := _read_axes(one))]
    barred = [axes for axes in drawn if len(axes.bars) > 1]
    if not barred:
        raise Miss("The figure has no bars: a histogram is drawn with plt.hist, or seaborn's histplot.")
    return barred


def _read_axes(told: object) -> Axes | None:
    """Return axes as the harness reported them, or None: a submission may have written anything in its place."""
    try:
        title, below, side, bars = (told[key] for key in ("title", "x", "y", "bars"))  # type: ignore[index]
        read = [(float(left), float(right), float(height)) for left, right, height in bars]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    known = isinstance(title, str) and isinstance(below, str) and isinstance(side, str)
    return Axes(title, below, side, sorted(read)) if known and all(map(math.isfinite, sum(read, ()))) else None


def _look_plot(outcome: Outcome) -> None:
    for axes in _find_axes(outcome):
        lacking = axes.say_lacking()
        if not lacking:
            return
    raise Miss(f"The plot lacks {' and '.join(lacking)}.")


def _judge_plot(outcome: Outcome, q: Questions, answers: Answers) -> None:
    misses = [_miss_of(lambda axes=axes: _judge_axes(axes, q, answers)) for axes in _find_axes(outcome)]  # type: ignore[misc]
    if all(misses):
        raise Miss(misses[0])


def _judge_axes(axes: Axes, q: Questions, answers: Answers) -> None:
    """Compare bars with bins by their middles, because a bar may be drawn a little narrower than its bin."""
    middles = [(low + high) / 2 for low, high in pairwise(answers.edges)]
    drawn = [(low + high) / 2 for low, high, _ in axes.bars]
    if len(drawn) != len(middles) or any(abs(a - b) > 0.01 for a, b in zip(drawn, middles, strict=True)):
        raise Miss(f"The bars are not {q.width} years wide from 0 to {LAST_AGE}.")
    if any(not 0.5 * q.width <= high - low <= q.width + 0.01 for low, high, _ in axes.bars):
        raise Miss(f"The bars stand at the right places, but are not {q.width} years wide.")
    if any(abs(bar[2] - height) > 0.01 for bar, height in zip(axes.bars, answers.heights, strict=True)):
        raise Miss("The bars stand at the right places, but not all have the right height.")
    if axes.say_lacking():
        raise Miss(f"The plot lacks {' and '.join(axes.say_lacking())}.")


JUDGES: Mapping[str, Callable[[Outcome, Questions, Answers], None]] = {
    "load": _judge_load,
    "filter": _judge_filter,
    "group": _judge_group,
    "top": _judge_top,
    "join": _judge_join,
    "missing": _judge_missing,
    PLOT: _judge_plot,
    "conclusion": _judge_conclusion,
}
