"""The reference script passes, and each of ten wrong ones is caught at the task that it gets wrong."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

import pytest
from tests.path.exam.conftest import needs_bubblewrap

from trimtab.nouns import State
from trimtab.path.exam.grade import LIBRARIES, Run, judge_runs
from trimtab.path.exam.judge import FILES
from trimtab.path.exam.paper import Result
from trimtab.path.exam.planted import CAUGHT_BY, HARD_CODED, write_reference, write_wrong
from trimtab.path.exam.sandbox import Job, Outcome, run_jobs
from trimtab.path.exam.solution import solve
from trimtab.path.exam.tasks import ask, say_tasks
from trimtab.path.exam.world import World, make_world

SEEDS = (1, 2)
SEEN_LATE = (HARD_CODED, "wrong separator read silently")
pytestmark = needs_bubblewrap


def run_on(worlds: Sequence[World], texts: Sequence[str]) -> list[Outcome]:
    jobs = [Job(text, world.files, tuple(FILES.values())) for text in texts for world in worlds]
    return list(run_jobs(jobs, preload=tuple(LIBRARIES)[:2], together=True)[0])


@cache
def examine(seed: int) -> Mapping[str, tuple[Result, ...]]:
    """Return the explained results of all eleven scripts. Most wrong ones are caught on the first list already."""
    first = make_world(seed)
    worlds = [first, make_world(seed + 1000, unlike=first)]
    questions = ask(first)
    right = run_on(worlds, [write_reference(questions)])
    texts = {name: write_wrong(name, questions, right[0]) for name in CAUGHT_BY}
    firsts = dict(zip(texts, run_on(worlds[:1], list(texts.values())), strict=True))
    seconds = dict(zip(SEEN_LATE, run_on(worlds[1:], [texts[name] for name in SEEN_LATE]), strict=True))
    left = {"reference": right, **{name: [one] for name, one in firsts.items()}}
    for name, outcome in seconds.items():
        left[name].append(outcome)
    tasks = say_tasks(questions)
    return {
        name: judge_runs(tasks, [Run(*pair) for pair in zip(worlds, outcomes, strict=False)], questions, explain=True)
        for name, outcomes in left.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_reference_script_passes(seed: int) -> None:
    assert [result.message for result in examine(seed)["reference"]] == ["Right."] * 8


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CAUGHT_BY)
def test_wrong_script_is_caught_at_its_task(name: str, seed: int) -> None:
    missed = {result.task for result in examine(seed)[name] if result.state is State.FAIL}
    assert CAUGHT_BY[name] in missed


@pytest.mark.parametrize("name", ["mean for median", "wrong group key", "picture pasted", "off-by-one filter"])
def test_one_mistake_costs_one_task(name: str) -> None:
    missed = [result.task for result in examine(SEEDS[0])[name] if result.state is State.FAIL]
    assert missed == [CAUGHT_BY[name]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("off-by-one filter", "border itself is left out"),
        ("mean for median", "mean and median were mixed up"),
        ("nulls dropped", "every row with an unknown value was dropped"),
        ("duplicates kept", "count twice"),
        ("units not mended", "pence were taken for pounds"),
        ("sentinel age averaged in", "impossible age"),
    ],
)
def test_practice_recognises_the_care_that_was_left_out(name: str, words: str) -> None:
    told = {result.task: result.message for result in examine(SEEDS[0])[name]}
    assert words in told[CAUGHT_BY[name]]


def test_hard_coded_answers_are_right_on_the_first_list_only() -> None:
    told = examine(SEEDS[0])[HARD_CODED]
    assert all(result.message.startswith("Right on your list, but not on a second one") for result in told)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_message_shows_an_expected_value(seed: int) -> None:
    """Every number in a message stands in the paper, or in the fixed words; no passenger's number ever does."""
    world = make_world(seed)
    questions = ask(world)
    answers = solve(world, questions)
    paper = set(re.findall(r"\d+", " ".join(task.text for task in say_tasks(questions))))
    known = paper | {"0", "100", "90", "91", "2", "3", "5", "999"}
    for results in examine(seed).values():
        said = set(re.findall(r"\d+", " ".join(result.message for result in results)))
        assert said <= known | {"1"}
        assert f"{answers.rate:.1f}" not in str(results)
