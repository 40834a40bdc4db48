"""The judge by itself: what is right however it is written, and what only looks right."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.path.exam.judge import FILES, PNG, judge, look
from trimtab.path.exam.sandbox import Outcome
from trimtab.path.exam.solution import Answers, solve
from trimtab.path.exam.tasks import ask
from trimtab.path.exam.world import Slip, make_world

WORLD = make_world(4)
QUESTIONS = ask(WORLD)
ANSWERS = solve(WORLD, QUESTIONS)
LABELS = {"title": "Ages", "x": "Age", "y": "number of passengers"}


def leave(answers: Answers) -> Outcome:
    """Return what a script leaves that has these answers."""
    tables = {
        "load": answers.load,
        "filter": answers.filter,
        "group": answers.group,
        "top": answers.ranked.head(QUESTIONS.top),
        "join": answers.join,
        "missing": answers.missing,
    }
    files = {FILES[name]: table.write_csv().encode() for name, table in tables.items()}
    said = f"Of them {answers.rate:.1f} percent survived; the median was {answers.median:.2f} pounds."
    return Outcome("", {**files, "plot.png": PNG, "conclusion.txt": said.encode()}, figures=[draw(answers)])


def draw(answers: Answers, **changes: Any) -> Mapping[str, Any]:
    width = answers.edges[1]
    bars = [[low, low + width, height] for low, height in zip(answers.edges, answers.heights, strict=False)]
    return {"name": "plot.png", "axes": [{**LABELS, "bars": bars, **changes}]}


RIGHT = leave(ANSWERS)


def judge_file(task: str, change: Callable[[str], str]) -> str:
    """Return the miss where the text of a right answer is changed."""
    text = change(RIGHT.files[FILES[task]].decode())
    return judge(task, replace(RIGHT, files={**RIGHT.files, FILES[task]: text.encode()}), QUESTIONS, ANSWERS)


def judge_figures(*figures: Any) -> str:
    return judge("plot", replace(RIGHT, figures=figures), QUESTIONS, ANSWERS)


@pytest.mark.parametrize("task", FILES)
def test_right_answer_is_right_and_says_nothing(task: str) -> None:
    assert judge(task, RIGHT, QUESTIONS, ANSWERS) == ""
    assert look(task, RIGHT, QUESTIONS) == ""


@pytest.mark.parametrize("slip", Slip)
def test_public_checks_look_at_form_only(slip: Slip) -> None:
    """An answer with a mistake passes them like a right one, so that they tell nothing about it."""
    wrong = leave(solve(WORLD, QUESTIONS, slip))
    assert [look(task, wrong, QUESTIONS) for task in FILES] == [""] * 8
    assert any(judge(task, wrong, QUESTIONS, ANSWERS) for task in FILES)


@pytest.mark.parametrize("task", ["load", "filter", "group", "join", "missing"])
def test_order_of_rows_and_columns_does_not_count(task: str) -> None:
    table = pl.read_csv(RIGHT.files[FILES[task]], infer_schema_length=None)
    turned = table.reverse().select(reversed(table.columns)).with_columns(note=pl.lit("more"))
    assert judge_file(task, lambda _: turned.write_csv()) == ""


@given(shift=st.floats(-0.2, 0.2, allow_nan=False))
def test_tolerance_is_the_printed_one(shift: float) -> None:
    moved = ANSWERS.join.with_columns(pl.col("mean_difference") + shift)
    miss = judge_file("join", lambda _: moved.write_csv())
    if abs(shift) <= 0.01:
        assert miss == ""
    if abs(shift) >= 0.012:
        assert miss == "join.csv has the right rows, but not the right values in mean_difference."


@pytest.mark.parametrize("word", ["", "nan", "NA", "None"])
def test_unknown_may_be_written_as_libraries_write_it(word: str) -> None:
    filled = ANSWERS.load.with_columns(pl.col("age").cast(pl.String).fill_null(word))
    assert judge_file("load", lambda _: filled.write_csv()) == ""


def test_whole_numbers_may_carry_a_point() -> None:
    floats = ANSWERS.load.with_columns(pl.col("passenger", "class").cast(pl.Float64))
    assert judge_file("load", lambda _: floats.write_csv()) == ""


def test_any_of_equal_fares_may_stand_at_the_end() -> None:
    """Ten passengers with one fare: each choice of them is the top five."""
    ranked = ANSWERS.ranked.with_columns(fare=pl.lit(26.0))
    answers = replace(ANSWERS, ranked=ranked)
    chosen = ranked.sample(QUESTIONS.top, seed=3).write_csv().encode()
    outcome = replace(RIGHT, files={"top.csv": chosen})
    assert judge("top", outcome, QUESTIONS, answers) == ""


@pytest.mark.parametrize(
    ("task", "change", "words"),
    [
        ("load", lambda text: text.replace("passenger", "number"), "has no column passenger"),
        ("filter", lambda text: text + text.splitlines()[-1] + "\n", "more than one row for the same passenger"),
        ("filter", lambda text: text + "1\n", "rows that do not belong there"),
        ("filter", lambda text: text.rpartition("\n")[0].rpartition("\n")[0] + "\n", "lacks rows"),
        ("top", lambda text: "\n".join([text.splitlines()[0], *reversed(text.splitlines()[1:])]), "highest first"),
        ("top", lambda text: text + "1,2\n", f"should have {QUESTIONS.top} rows"),
        ("join", lambda text: text.splitlines()[0] + "\nfirst,1e999,1\nsecond,1,1\nthird,1,1\n", "infinite"),
        ("missing", lambda text: "column,missing,percent\n", "lacks rows"),
        ("missing", lambda text: text + "a,b\n", "more or fewer values"),
        ("conclusion", lambda text: "12.3 4.5", "in a sentence"),
        ("conclusion", lambda text: "So many of them survived, all in all.", "two numbers"),
        ("conclusion", lambda text: text + " ".join(map(str, range(20))), "more than 8 numbers"),
    ],
)
def test_wrong_answer_is_told_what_is_wrong(task: str, change: Callable[[str], str], words: str) -> None:
    assert words in judge_file(task, change)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": " "}, "lacks a title"),
        ({"x": "years", "y": "count"}, "lacks the word age below and the word passengers at the side"),
        ({"bars": []}, "has no bars"),
        ({"bars": [[0, 1, 2], [1, 2, 3]]}, f"not {QUESTIONS.width} years wide from 0 to 90"),
        ({"bars": [[a + 1, b - 1, h] for a, b, h in draw(ANSWERS)["axes"][0]["bars"]][:-1]}, "years wide"),
        ({"bars": [[a, b, h + 1] for a, b, h in draw(ANSWERS)["axes"][0]["bars"]]}, "right height"),
        ({"bars": [[a, b, float("nan")] for a, b, _ in draw(ANSWERS)["axes"][0]["bars"]]}, "no bars"),
        ({"bars": [[10**400, 1, 1]] * 5}, "no bars"),
        ({"bars": 3}, "no bars"),
        ({"x": ["age"]}, "no bars"),
    ],
)
def test_plot_is_judged_by_what_was_drawn(changes: dict[str, Any], words: str) -> None:
    assert words in judge_figures(draw(ANSWERS, **changes))


def test_bars_may_be_a_little_narrower_than_their_bins() -> None:
    bars = [[low + 0.5, high - 0.5, height] for low, high, height in draw(ANSWERS)["axes"][0]["bars"]]
    assert judge_figures(draw(ANSWERS, bars=bars)) == ""


def test_figure_that_was_saved_as_the_plot_counts_and_no_other() -> None:
    other = {**draw(ANSWERS, bars=[[n, n + 1, 1] for n in range(50)]), "name": "fares.png"}
    assert judge_figures(other, draw(ANSWERS), other) == ""
    assert "not drawn by the script" in judge_figures(other)
    assert "no bars" in judge_figures(draw(ANSWERS), draw(ANSWERS, bars=[]))


@pytest.mark.parametrize("figures", [[None], [3], [{"name": "plot.png"}], [{"name": "plot.png", "axes": [[], None]}]])
def test_figures_of_any_shape_are_judged(figures: list[Any]) -> None:
    assert judge_figures(*figures)
