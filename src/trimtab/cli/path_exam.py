"""`trimtab path exam`, and the flow that `trimtab path gate` shares with it."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from trimtab.cli.options import AsJson, Flag
from trimtab.cli.output import progress, show
from trimtab.cli.path_record import ask, asks_person, open_mine, tell_notices
from trimtab.errors import UsageError
from trimtab.nouns import State
from trimtab.path import sitting as flow
from trimtab.path.record import Purpose, Record, Sitting
from trimtab.path.sitting import Marked, say_verb
from trimtab.path.standing import left, say_time

if TYPE_CHECKING:
    from trimtab.path.exam import Paper

SIGNS = {State.PASS: "pass", State.FAIL: "miss", State.CANNOT_TELL: "cannot tell"}

NewFolder = Annotated[Path | None, Parameter(name="--dir", help="New folder for the paper.")]
Check = Annotated[bool, Parameter(help="Run the public checks on your script; says nothing about hidden ones."), Flag]
Submit = Annotated[Path | None, Parameter(help="Hand in this script or notebook.")]
Script = Annotated[Path | None, Parameter(help="Script for --check, where the folder holds several.")]
Python = Annotated[Path | None, Parameter(help="Python that runs your script; else trimtab's own.")]
Yes = Annotated[bool, Parameter(help="Start the clock without asking."), Flag]


def exam(
    what: Annotated[str, Parameter(name="WHAT", help="1 for the exam of stage 1; sql or shell to practise them.")],
    /,
    *,
    practice: Annotated[bool, Parameter(help="No clock, and each miss is explained."), Flag] = False,
    check: Check = False,
    submit: Submit = None,
    folder: NewFolder = None,
    script: Script = None,
    python: Python = None,
    yes: Yes = False,
    seed: Annotated[int | None, Parameter(show=False)] = None,
    as_json: AsJson = False,
) -> int:
    """Take an exam, or practise for it.

    It writes a paper into a new folder and starts the clock: 30 minutes for eight tasks. `--check` runs the public
    checks while it runs; `--submit FILE` hands in, and runs your script in a sandbox on the paper's data and on
    a second set that you have not seen. Exit code 1 where it is not passed.

    Between two exams lie 24 hours. That is a rule for yourself: nobody checks it but you.
    """
    purpose: Purpose = "practice" if practice else "exam"
    return run(
        what,
        purpose,
        check=check,
        submit=submit,
        folder=folder,
        script=script,
        python=python,
        yes=yes,
        seed=seed,
        as_json=as_json,
    )


def run(
    what: str,
    purpose: Purpose,
    *,
    check: bool,
    submit: Path | None,
    folder: Path | None,
    script: Path | None,
    python: Path | None,
    yes: bool,
    seed: int | None,
    as_json: bool,
) -> int:
    """Hand out a paper, check a script or take it in, whichever was asked for."""
    flow.check_what(what, purpose)
    if check and submit:
        raise UsageError("--check and --submit cannot be asked for together.", hint="check first, then hand in")
    if check or submit:
        return _mark(what, purpose, submit, script, python, as_json=as_json)
    if purpose != "practice" and not yes and asks_person(as_json=as_json) and not _confirm(what, purpose):
        return 0
    record = open_mine()
    with progress("Writing the paper ..."):
        sitting, paper = flow.hand_out(record, what, purpose, folder, seed)
    show(_describe_paper(sitting, paper), _paper_facts(sitting, paper, record), as_json=as_json)
    tell_notices(record)
    return 0


def _confirm(what: str, purpose: Purpose) -> bool:
    flow.check_may_begin(open_mine(), what, purpose)
    at_stake = "It counts: the next one can begin in 24 hours." if purpose == "exam" else "Nothing is at stake."
    print(f"Eight tasks, 30 minutes. {at_stake} Help pages are allowed; it is about doing, not about remembering.")
    if ask("Start the clock now? [y/N] ").lower() in {"y", "yes"}:
        return True
    print("Not started. Take your time.")
    return False


def _mark(
    what: str, purpose: Purpose, submit: Path | None, script: Path | None, python: Path | None, *, as_json: bool
) -> int:
    record = open_mine()
    sitting = flow.find_sitting(record, what, purpose, submit or script)
    file = flow.find_script(sitting, submit or script)
    whole = submit is not None or what in flow.EXERCISES  # there is nothing hidden in an exercise
    with progress(f"Running {file.name} ..."):
        marked = flow.hand_in(record, sitting, file, python) if whole else flow.check(sitting, file, python)
    told = _describe_result(sitting, marked) if whole else _describe_check(record, sitting, marked)
    show(told, _result_facts(sitting, marked, record), as_json=as_json)
    tell_notices(record)
    return int(not marked.passed)


def _describe_paper(sitting: Sitting, paper: "Paper") -> list[str]:
    folder, verb = Path(sitting.folder), say_verb(sitting)
    until = (sitting.at + timedelta(minutes=sitting.minutes)).astimezone()
    timed = f"{sitting.minutes} minutes, until {until:%H:%M}" if sitting.purpose != "practice" else "no clock"
    files = sorted(file.name for file in folder.iterdir())
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return [
        f"{len(paper.tasks)} tasks, {timed}.",
        *(f"  {number}  {task.title}" for number, task in enumerate(paper.tasks, 1)),
        "",
        f"The paper lies in {shown}: {', '.join(files)}. Begin with paper.md.",
        f"While you work: {verb} --check",
        f"To hand in: {verb} --submit {quote(str(_example(shown, files)))}",
    ]


def _example(folder: Path, files: Iterable[str]) -> Path:
    script = next((name for name in files if name.endswith(flow.SCRIPTS)), None)
    return folder / script if script else folder


def _describe_check(record: Record, sitting: Sitting, marked: Marked) -> list[str]:
    heading = "Public checks passed." if marked.graded.passed else "Public checks: not all of them passed."
    return [*_lines_of(marked), "", heading, *marked.sentences, *_say_clock(record, sitting)]


def _say_clock(record: Record, sitting: Sitting) -> list[str]:
    if sitting.purpose == "practice":
        return []
    rest = left(record, sitting)
    return [
        f"{say_time(rest)} left."
        if rest > timedelta(0)
        else "The clock has run out; you may still hand in, to see how it went."
    ]


def _lines_of(marked: Marked) -> list[str]:
    width = max((len(one.task) for one in marked.graded.results), default=0)
    return [f"{SIGNS[one.state]:>11}  {one.task:<{width}}  {one.message}".rstrip() for one in marked.graded.results]


def _describe_result(sitting: Sitting, marked: Marked) -> list[str]:
    lines = [*_lines_of(marked), "", "By skill:"]
    lines += [f"{SIGNS[state]:>11}  {skill}" for skill, state in marked.skills.items()]
    if not marked.graded.sandboxed:
        lines.append("Your script ran without a sandbox (unsandboxed): the result says so, too.")
    return [*lines, "", *marked.sentences, *_conclude(sitting, marked)]


def _conclude(sitting: Sitting, marked: Marked) -> list[str]:
    passed = sum(one.state is State.PASS for one in marked.graded.results)
    score = f"{passed} of {len(marked.graded.results)} tasks."
    if sitting.what in flow.EXERCISES:
        return [score if not marked.passed else f"{score} That is all of them."]
    if sitting.purpose == "exam":
        return _conclude_exam(score, marked)
    if marked.passed:
        ready = "You are ready for stage 2." if sitting.purpose == "diagnose" else "Well practised."
        return [
            f"{score} {ready} Nothing is recorded as passed: that is what the exam is for.",
            "Next: trimtab path exam 1",
        ]
    weak = ", ".join(skill for skill, state in marked.skills.items() if state is not State.PASS)
    stand = "You are in stage 1" if sitting.purpose == "diagnose" else "Not yet"
    return [f"{score} {stand}: what to learn next is {weak}.", "Next: trimtab path exam 1 --practice"]


def _conclude_exam(score: str, marked: Marked) -> list[str]:
    if marked.passed:
        return [f"{score} Stage 1 is passed, and stage 2 is open. Well done.", "Next: trimtab path"]
    if marked.attempt and marked.attempt.state is State.CANNOT_TELL:
        return [score, "Next: trimtab path"]
    return [
        f"{score} Not passed this time. What you know by now stays; another exam can begin 24 hours after this one.",
        "Next: trimtab path exam 1 --practice",
    ]


def _paper_facts(sitting: Sitting, paper: "Paper", record: Record) -> dict[str, object]:
    timed = sitting.purpose != "practice"
    return {
        "what": sitting.what,
        "purpose": sitting.purpose,
        "folder": sitting.folder,
        "began": sitting.at,
        "minutes": sitting.minutes if timed else None,
        "until": sitting.at + timedelta(minutes=sitting.minutes) if timed else None,
        "tasks": [{"name": task.name, "skill": task.skill, "title": task.title} for task in paper.tasks],
        "notices": record.notices,
    }


def _result_facts(sitting: Sitting, marked: Marked, record: Record) -> dict[str, object]:
    graded = marked.graded
    return {
        "what": sitting.what,
        "purpose": sitting.purpose,
        "public_only": marked.attempt is None,
        "passed": marked.passed,
        "recorded_as_passed": bool(marked.attempt and sitting.purpose == "exam" and marked.passed),
        "state": marked.attempt.state if marked.attempt else None,
        "results": graded.results,
        "skills": marked.skills,
        "sandboxed": graded.sandboxed,
        "seconds": graded.seconds,
        "used_seconds": marked.attempt.seconds if marked.attempt else None,
        "notes": marked.sentences,
        "notices": record.notices,
    }
