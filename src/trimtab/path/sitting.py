"""An exam from its paper to its result: handed out, checked in public while the clock runs, handed in, graded, kept.

Three purposes share one paper. An `exam` has a clock, 24 hours before the next one, and can pass a stage. A `diagnose`
has the same clock, can be taken at any time, and passes nothing. `practice` has no clock and explains each miss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from secrets import randbelow
from typing import TYPE_CHECKING

from trimtab.errors import UsageError, nearest
from trimtab.nouns import State
from trimtab.path.gate import check_open, check_rested, find_gate
from trimtab.path.record import Attempt, Purpose, Record, Sitting
from trimtab.path.standing import BETWEEN_ATTEMPTS, left, say_time

if TYPE_CHECKING:
    from trimtab.path.exam import Graded, Paper, Result

SEEDS = 2**31 - 1
EXERCISES = ("sql", "shell")
SCRIPTS = (".py", ".ipynb")


@dataclass(frozen=True, slots=True)
class Marked:
    """A submission with its result: what was graded, by skill, and the Attempt kept of it (None in public checks)."""

    graded: "Graded"
    skills: Mapping[str, State]
    attempt: Attempt | None
    sentences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it did what it was for: the stage for an exam, all tasks otherwise."""
        return self.attempt.state is State.PASS if self.attempt else self.graded.passed


def hand_out(
    record: Record, what: str, purpose: Purpose, folder: Path | None, seed: int | None
) -> "tuple[Sitting, Paper]":
    """Write a paper into a new folder, start the clock where there is one, and return both.

    Raises Refused where the stage is locked or the last exam is too near, UsageError for a folder that is in use, a
    seed where none may be chosen, or an exam that is running already.
    """
    check_what(what, purpose)
    if seed is not None and purpose != "practice":
        raise UsageError("A seed can be chosen in practice only.", hint=f"trimtab path exam {what} --practice --seed N")
    check_may_begin(record, what, purpose)
    chosen = randbelow(SEEDS) if seed is None else seed
    place = _make_folder(folder or Path(f"trimtab-{what}-{purpose}-{record.now.astimezone():%Y%m%d-%H%M%S}"))
    paper = _write_paper(place, what, purpose, chosen)
    sitting = Sitting(what, purpose, record.now, str(place), chosen, paper.minutes)
    return replace(sitting, number=record.add(sitting)), paper


def check_may_begin(record: Record, what: str, purpose: Purpose) -> None:
    """Return quietly where such a paper may be handed out now; Refused or UsageError, with the reason, otherwise."""
    if purpose == "exam":
        check_open(record, find_gate(int(what)))
    running = find_running(record, what, purpose)
    if running:
        raise UsageError(
            f"It is running already, in {running.folder}: {say_time(left(record, running))} left.",
            hint=f"{say_verb(running)} --check, or --submit FILE",
        )
    if purpose == "exam":
        check_rested(record)


def find_running(record: Record, what: str, purpose: Purpose) -> Sitting | None:
    """Return the exam or diagnostic whose clock runs; practice has none."""
    if purpose == "practice":
        return None
    out = [one for one in record.sittings() if (one.what, one.purpose) == (what, purpose)]
    return next((one for one in reversed(out) if left(record, one) > timedelta(0)), None)


def close_forgotten(record: Record) -> None:
    """Close what was never handed in for more than a day, keep it as a try, and say so in the record's notices.

    Until then it may be handed in late, to see how it went.
    """
    for sitting in record.sittings():
        if sitting.purpose == "practice" or record.since(sitting.at) <= BETWEEN_ATTEMPTS:
            continue
        record.finish(
            sitting, Attempt(int(sitting.what), sitting.purpose, State.FAIL, sitting.at, note="never handed in")
        )
        day = f"{sitting.at.astimezone():%Y-%m-%d}"
        record.notices.append(f"{say_what(sitting)} of {day} was never handed in: it counts as a try.")


def find_sitting(record: Record, what: str, purpose: Purpose, file: Path | None) -> Sitting:
    """Return the paper that a file belongs to: the one in whose folder it lies, else the newest.

    Raises UsageError where no paper is out.
    """
    check_what(what, purpose)
    out = [one for one in record.sittings() if (one.what, one.purpose) == (what, purpose)]
    if not out:
        raise UsageError(
            f"No paper is out for {_name(what, purpose)}.", hint=f"{say_verb_of(what, purpose)} hands one out"
        )
    place = (file or Path()).resolve()
    beside = [one for one in out if place.is_relative_to(one.folder)]
    return (beside or out)[-1]


def find_script(sitting: Sitting, file: Path | None) -> Path:
    """Return the script to look at: the given one, else the only one in the paper's folder; UsageError otherwise."""
    if sitting.what in EXERCISES:
        return (file or Path(sitting.folder)).resolve()
    if file is not None:
        _check_script(file)
        return file.resolve()
    folder = Path(sitting.folder)
    found = sorted(one for one in folder.glob("*") if one.suffix in SCRIPTS) if folder.is_dir() else []
    if len(found) != 1:
        what = "no script" if not found else f"{len(found)} scripts ({', '.join(one.name for one in found)})"
        raise UsageError(f"{folder} holds {what}.", hint="name the one you mean: --script FILE")
    return found[0]


def check(sitting: Sitting, script: Path, python: Path | None) -> Marked:
    """Run the public checks on an exam's script; nothing is recorded, and passing them claims nothing more."""
    from trimtab.path import exam

    graded = exam.check_public(Path(sitting.folder), script, sitting.seed, python=python)
    return Marked(graded, skills_of(graded.results), None, tuple(graded.notes))


def hand_in(record: Record, sitting: Sitting, script: Path, python: Path | None) -> Marked:
    """Grade a submission and keep the result as an Attempt; practice stays open for the next try."""
    used = record.since(sitting.at)
    digest = sha256(script.read_bytes()).hexdigest() if script.is_file() else ""
    graded = _grade(sitting, script, python)
    sentences = list(graded.notes)
    state = State.PASS if graded.passed else State.FAIL
    if sitting.purpose == "exam" and state is State.PASS:
        state = _keep_time(sitting, used, sentences, blurred=sitting.at > record.now)
    attempt = _note_attempt(sitting, graded, state, digest, used)
    if sitting.purpose != "practice":
        record.finish(sitting, attempt)
    elif sitting.what not in EXERCISES:
        record.add(attempt)
    return Marked(graded, skills_of(graded.results), attempt, tuple(sentences))


def skills_of(results: "Sequence[Result]") -> dict[str, State]:
    """Return each skill's state: a miss in one of its tasks is a miss, and what cannot be told is no pass."""
    skills: dict[str, State] = {}
    order = (State.FAIL, State.CANNOT_TELL, State.PASS)
    for result in results:
        states = {skills.get(result.skill, State.PASS), result.state}
        skills[result.skill] = next(state for state in order if state in states)
    return skills


def check_what(what: str, purpose: Purpose) -> None:
    """Return quietly where there is such an exam; NotBuiltYet for a later stage, UsageError otherwise."""
    if what in EXERCISES:
        if purpose != "practice":
            raise UsageError(f"{what} is practice: it has no exam.", hint=f"trimtab path exam {what} --practice")
        return
    if not what.isdecimal():
        known = ("1", *EXERCISES)
        raise UsageError(
            f"There is no exam '{what[:40]}'{nearest(what, known) or '.'}", hint=f"choose from {', '.join(known)}"
        )
    find_gate(int(what))


def say_what(sitting: Sitting) -> str:
    """Return what a sitting is, as the beginning of a sentence."""
    return {"exam": "The exam", "diagnose": "The diagnostic"}.get(sitting.purpose, "The practice")


def say_verb(sitting: Sitting) -> str:
    """Return what to type for a sitting, without its last word."""
    return say_verb_of(sitting.what, sitting.purpose)


def say_verb_of(what: str, purpose: Purpose) -> str:
    """Return what to type for such an exam."""
    if purpose == "diagnose":
        return f"trimtab path gate {what} --diagnose"
    return f"trimtab path exam {what}{' --practice' if purpose == 'practice' else ''}"


def _name(what: str, purpose: Purpose) -> str:
    return {"exam": f"exam {what}", "diagnose": f"the diagnostic of stage {what}"}.get(purpose, f"practice {what}")


def _grade(sitting: Sitting, script: Path, python: Path | None) -> "Graded":
    from trimtab.path import exam

    if sitting.what in EXERCISES:
        return exam.EXERCISES[sitting.what].grade(script if script.is_dir() else script.parent, sitting.seed)
    second = randbelow(SEEDS)
    second += second >= sitting.seed  # never the same one
    return exam.grade(script, sitting.seed, second, python=python, explain=sitting.purpose == "practice")


def _write_paper(place: Path, what: str, purpose: Purpose, seed: int) -> "Paper":
    from trimtab.path import exam

    if what in EXERCISES:
        return exam.EXERCISES[what].write(place, seed)
    return exam.write_exam(place, seed, practice=purpose == "practice")


def _make_folder(folder: Path) -> Path:
    """Return a new or empty folder; what lies in another one is never touched."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty.", hint="name a new folder: --dir FOLDER")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _check_script(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", hint="name your script: --submit exam.py")
    if file.suffix not in SCRIPTS:
        raise UsageError(
            f"{file.name} is neither a script nor a notebook.", hint="hand in a file that ends in .py or .ipynb"
        )


def _keep_time(sitting: Sitting, used: timedelta, sentences: list[str], *, blurred: bool) -> State:
    """Return what a flawless exam is worth under its clock, and say so where it is no pass."""
    if blurred:
        sentences.append(
            "All tasks are right. But the machine's clock was turned back meanwhile, so nobody can tell if it took "
            "30 minutes: this one counts neither for nor against you."
        )
        return State.CANNOT_TELL
    if used > timedelta(minutes=sitting.minutes):
        over = say_time(used - timedelta(minutes=sitting.minutes))
        sentences.append(
            f"All tasks are right, {over} after the clock. That is fluency nearly there: it does not count yet."
        )
        return State.FAIL
    return State.PASS


def _note_attempt(sitting: Sitting, graded: "Graded", state: State, digest: str, used: timedelta) -> Attempt:
    return Attempt(
        stage=int(sitting.what) if sitting.what.isdecimal() else 2,  # SQL and the shell lie on the way from 2 to 3
        purpose=sitting.purpose,
        state=state,
        at=sitting.at + used,
        passed=sum(one.state is State.PASS for one in graded.results),
        tasks=len(graded.results),
        seconds=used.total_seconds(),
        sandboxed=graded.sandboxed,
        skills=skills_of(graded.results),
        submission=digest,
        note=f"seed {sitting.seed}",
    )
