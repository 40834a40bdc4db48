"""A submission from its file to its result: run on two lists in the sandbox, judged task by task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab import clock
from trimtab.errors import DataError
from trimtab.nouns import State
from trimtab.path.exam.judge import FILES, judge, look
from trimtab.path.exam.paper import Graded, Result, Task
from trimtab.path.exam.sandbox import LIMITS, Job, Limits, Outcome, run_jobs
from trimtab.path.exam.script import Script, read_script
from trimtab.path.exam.solution import Answers, solve
from trimtab.path.exam.tasks import Questions, ask, say_tasks
from trimtab.path.exam.world import Slip, World, make_world

LIBRARIES = {"pandas": ("pandas",), "matplotlib.pyplot": ("matplotlib", "plot", "hist"), "seaborn": ("seaborn",)}
"""What is imported before a script's time begins, where one of these words stands in it."""

UNSANDBOXED = "It ran with limits in a temporary folder, not in a sandbox: bubblewrap is missing here, or not allowed."
ENDINGS: Mapping[str, str] = {
    "time": "Your script was stopped: it ran longer than {seconds:g} s. What it had saved by then was judged.",
    "processes": "Your script was stopped: it started too many processes. What it had saved by then was judged.",
    "memory": "Your script was stopped: it used too much memory. What it had saved by then was judged.",
    "crash": "The Python that ran your script was ended from within. What had been saved by then was judged.",
    "lost": "What your script left could not be collected: it interfered with what runs it.",
}
SLIPS: Mapping[Slip, str] = {
    Slip.BORDER: "It looks as if the border itself is left out: 'or older' and 'or younger' take it in, so >= or <=.",
    Slip.MEDIAN: "It looks as if mean and median were mixed up: .median() takes the one in the middle.",
    Slip.NULLS: "It looks as if every row with an unknown value was dropped; drop only what the task cannot use.",
    Slip.DUPLICATES: "It looks as if some passengers count twice: .drop_duplicates('passenger') keeps one row each.",
    Slip.UNITS: "It looks as if fares in pence were taken for pounds: divide those whose `unit` is p by 100.",
    Slip.AGE: "It looks as if an impossible age was taken for an age: make those below 0 or above 100 unknown first.",
}
SECOND_ONLY = "Right on your list, but not on a second one that has other rows, names and spelling"
READ = "Perhaps something is written into the script that it should read from the files."
WAYS: Mapping[str, str] = {
    "load": "Look at a few rows with table.head(), and at the words in a column with table['sex'].unique().",
    "filter": "Two conditions: table[(table['a'] == 'x') & (table['b'] >= 3)], each in its own parentheses.",
    "group": "table.groupby(['a', 'b']).agg(mean_age=('age', 'mean'), count=('passenger', 'size')).reset_index()",
    "top": "Keep the group first, then group.nlargest(5, 'fare').",
    "join": "table.merge(fares, on='class') puts the list price beside each passenger; drop unknown fares before.",
    "missing": "table.isna().sum() counts what is unknown, once the four spellings of it are really empty.",
    "plot": "plt.hist(ages, bins=range(0, 91, WIDTH)) sets the edges; without bins=, matplotlib chooses its own.",
    "conclusion": "Write the numbers with f'{number:.1f}', and ask for the median with .median().",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a script left on one list, and the list."""

    world: World
    outcome: Outcome


def check_public(
    folder: Path, submission: Path, seed: int, *, python: Path | None = None, limits: Limits = LIMITS
) -> Graded:
    """Return which answers are there in the right form. No value is judged, and the notes say so.

    The list of the seed is made afresh: what was changed in `folder` does not count, and is mentioned.
    """
    begun = clock.monotonic_ns()
    world = make_world(seed)
    questions = ask(world)
    tasks = say_tasks(questions)
    try:
        script = read_script(submission)
    except DataError as error:
        return _unread(tasks, error, begun)
    (outcome,), sandboxed = run_jobs(_jobs(script, [world]), python=python, limits=limits, preload=_preload(script))
    results = tuple(_look_at(task, outcome, questions) for task in tasks)
    passed = all(result.state is State.PASS for result in results)
    said = "The answers are there and can be read." if passed else "Some answers are not there yet, or cannot be read."
    notes = [f"{said} Whether they are right is looked at when you hand in, on your list and on a second one."]
    changed = [name for name, content in world.files.items() if not _same(folder / name, content)]
    if changed:
        notes.append(f"{', '.join(changed)} in your folder was changed or is gone; the script was run on the original.")
    notes += _say_ending(script, outcome, limits, "your list", quote=True)
    return Graded(results, passed, sandboxed, _seconds(begun), _mark(notes, sandboxed=sandboxed))


def grade(
    submission: Path,
    seed: int,
    second_seed: int,
    *,
    python: Path | None = None,
    explain: bool = False,
    limits: Limits = LIMITS,
) -> Graded:
    """Return a submission's result: a task is passed where it is right on the seed's list and on a second, unlike one.

    `explain` adds to each miss what it looks like and a way to do it. Raises UsageError for a `python` that does not
    run.
    """
    begun = clock.monotonic_ns()
    first = make_world(seed)
    worlds = [first, make_world(second_seed, unlike=first)]
    questions = ask(first)
    tasks = say_tasks(questions)
    try:
        script = read_script(submission)
    except DataError as error:
        return _unread(tasks, error, begun)
    outcomes, sandboxed = run_jobs(_jobs(script, worlds), python=python, limits=limits, preload=_preload(script))
    runs = [Run(world, outcome) for world, outcome in zip(worlds, outcomes, strict=True)]
    results = judge_runs(tasks, runs, questions, explain=explain)
    notes = _say_ending(script, outcomes[0], limits, "your list", quote=True)
    if not notes:
        notes = _say_ending(script, outcomes[1], limits, "the second list", quote=False)
    passed = all(result.state is State.PASS for result in results)
    return Graded(results, passed, sandboxed, _seconds(begun), _mark(notes, sandboxed=sandboxed))


def judge_runs(
    tasks: Sequence[Task], runs: Sequence[Run], questions: Questions, *, explain: bool = False
) -> tuple[Result, ...]:
    """Return a Result for each task from what a script left on its lists, the exam's own first."""
    right = [solve(run.world, questions) for run in runs]
    return tuple(_judge_task(task, runs, right, questions, explain=explain) for task in tasks)


def _judge_task(
    task: Task, runs: Sequence[Run], right: Sequence[Answers], questions: Questions, *, explain: bool
) -> Result:
    for number, run in enumerate(runs):
        miss = judge(task.name, run.outcome, questions, right[number])
        if not miss:
            continue
        said = f"{SECOND_ONLY}." if number else miss
        if explain:
            way = READ if number else f"A way: {WAYS[task.name]}"
            said = f"{said} {_explain(task.name, miss, run, questions) or way}"
        return Result(task.name, task.skill, State.FAIL, said)
    return Result(task.name, task.skill, State.PASS, "Right.")


def _explain(task: str, miss: str, run: Run, questions: Questions) -> str:
    """Return the care without which exactly this answer comes out; empty where it looks like none of those."""
    if miss.endswith("the same passenger."):
        return SLIPS[Slip.DUPLICATES]
    if FILES[task] in run.outcome.files:
        for slip, said in SLIPS.items():
            if not judge(task, run.outcome, questions, solve(run.world, questions, slip)):
                return said
    return ""


def _look_at(task: Task, outcome: Outcome, questions: Questions) -> Result:
    miss = look(task.name, outcome, questions)
    state = State.FAIL if miss else State.PASS
    return Result(task.name, task.skill, state, miss or "There, and can be read.")


def _unread(tasks: Sequence[Task], error: DataError, begun: int) -> Graded:
    """Return the result of a submission that is no script: nothing ran."""
    results = tuple(Result(task.name, task.skill, State.FAIL, "There is no script to run.") for task in tasks)
    return Graded(results, passed=False, sandboxed=True, seconds=_seconds(begun), notes=(str(error),))


def _jobs(script: Script, worlds: Sequence[World]) -> list[Job]:
    return [Job(script.text, world.files, tuple(FILES.values())) for world in worlds]


def _preload(script: Script) -> list[str]:
    return [name for name, words in LIBRARIES.items() if any(word in script.text for word in words)]


def _say_ending(script: Script, outcome: Outcome, limits: Limits, where: str, *, quote: bool) -> list[str]:
    """Return how a script came to its end, where that was not by itself.

    `quote` is off for the second list: an error's text may hold what stands in it.
    """
    if outcome.ended:
        return [ENDINGS.get(outcome.ended, ENDINGS["lost"]).format(seconds=limits.seconds)]
    if outcome.error is None:
        return []
    error = outcome.error
    said = _plain(error.get("type"), 60) if quote else "an error"
    text = f": {_plain(error.get('message'), 200)}" if quote else ""
    place = script.say_line(error.get("line"))
    notes = [f"On {where}, your script stopped at {place} with {said}{text}. What it had saved by then was judged."]
    if error.get("type") == "OSError" and "File too large" in text:
        notes.append(f"It printed or wrote more than {limits.written // 1024**2} MB.")
    if error.get("type") == "ModuleNotFoundError":
        notes.append("A library is not in the Python that ran it. Next: pip install 'trimtab[path]', or --python PATH")
    return notes


def _plain(told: object, most: int) -> str:
    """Return a submission's words without what could move the cursor of whoever reads them."""
    return "".join(one if one.isprintable() else " " for one in str(told or "")[:most])


def _mark(notes: Sequence[str], *, sandboxed: bool) -> tuple[str, ...]:
    return tuple(notes) if sandboxed else (*notes, UNSANDBOXED)


def _same(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _seconds(begun: int) -> float:
    return (clock.monotonic_ns() - begun) / 1e9
