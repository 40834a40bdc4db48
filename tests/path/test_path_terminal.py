"""A person in a real terminal: asked, answered, shown; good and bad, narrow and without colour."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from trimtab import clock
from trimtab.path.exam.planted import write_reference, write_wrong
from trimtab.path.exam.tasks import Questions, ask
from trimtab.path.exam.world import make_world
from trimtab.path.record import open_record

Spawn = Callable[..., "pexpect.spawn[str]"]
SECONDS = 60


@pytest.fixture
def terminal(home: Path, tmp_path: Path) -> Iterator[Spawn]:
    """Start `trimtab WORDS` in a terminal of its own, 60 columns wide unless said otherwise."""
    children = []

    def start(*words: str, columns: int = 60, **variables: str) -> "pexpect.spawn[str]":
        kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS", "LINES"}}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "trimtab.cli", *words],
            env={**kept, "TERM": "xterm-256color", "TRIMTAB_PATH_HOME": str(home), **variables},
            cwd=str(tmp_path),
            dimensions=(40, columns),
            encoding="utf-8",
            timeout=SECONDS,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def finish(child: "pexpect.spawn[str]") -> tuple[int | None, str]:
    """Return exit code and what was shown since, without colours."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before or "")


def test_newcomer_sees_a_board_that_offers_the_diagnostic(terminal: Spawn) -> None:
    code, shown = finish(terminal("path"))
    assert code == 0
    assert "╭" in shown
    assert "trimtab path gate 1 --diagnose" in shown
    assert max(len(line) for line in shown.splitlines()) <= 60


def test_no_color_gives_a_board_without_colour(terminal: Spawn) -> None:
    child = terminal("path", NO_COLOR="1")
    child.expect(pexpect.EOF)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", child.before or "")


def test_questions_are_asked_one_by_one_and_a_wrong_letter_again(terminal: Spawn) -> None:
    child = terminal("path", "fit")
    child.expect("1 of 8")
    child.sendline("z")
    child.expect("Please one of a, b, c")
    child.sendline("A")
    for number in range(2, 9):
        child.expect(f"{number} of 8")
        child.sendline("a")
    code, shown = finish(child)
    assert code == 0
    assert "Your answers point to ML engineer" in shown


def test_leaving_the_questions_keeps_nothing(terminal: Spawn, home: Path) -> None:
    child = terminal("path", "fit")
    child.expect("> ")
    child.sendline("")
    code, shown = finish(child)
    assert code == 1
    assert "nothing was kept" in shown
    assert not home.exists()


def test_interrupted_questions_end_with_130(terminal: Spawn) -> None:
    child = terminal("path", "fit")
    child.expect("> ")
    child.sendintr()
    assert finish(child)[0] == 130


def test_log_and_plan_are_wrapped_at_60_columns(terminal: Spawn) -> None:
    for words in (("log", "study", "--hours", "2"), ("plan",)):
        code, shown = finish(terminal("path", *words))
        assert code == 0
        assert max(len(line) for line in shown.splitlines()) <= 60


def test_clock_starts_only_after_a_yes(terminal: Spawn, tmp_path: Path) -> None:
    child = terminal("path", "exam", "1")
    child.expect("Start the clock now")
    child.sendline("n")
    code, shown = finish(child)
    assert code == 0
    assert "Not started" in shown
    assert not list(tmp_path.glob("trimtab-*"))


def begin(terminal: Spawn, home: Path, *words: str) -> tuple[Path, Questions]:
    """Take a paper and return the script that lies in its folder, with what the paper asks."""
    child = terminal("path", *words)
    if "--practice" not in words:
        child.expect("Start the clock now")
        child.sendline("y")
    code, shown = finish(child)
    assert code == 0, shown
    assert "8 tasks" in shown
    sitting = open_record(clock.now(), home).sittings()[-1]
    return Path(sitting.folder) / "exam.py", ask(make_world(sitting.seed))


def test_good_candidate_plays_the_exam_through_and_opens_stage_2(terminal: Spawn, home: Path) -> None:
    script, questions = begin(terminal, home, "exam", "1")
    script.write_text(write_reference(questions))
    code, shown = finish(terminal("path", "exam", "1", "--check", columns=100))
    assert (code, "Public checks passed." in shown) == (0, True)
    assert "Whether they are right is looked at when you hand" in shown
    code, shown = finish(terminal("path", "exam", "1", "--submit", str(script), columns=100))
    assert (code, "Stage 1 is passed, and stage 2 is open." in shown) == (0, True)
    _, shown = finish(terminal("path", columns=100))
    assert "exam passed, 8 of 8 tasks" in shown
    assert "1 of 4 passed" in shown


def test_bad_candidate_is_told_by_skill_and_must_wait_a_day(terminal: Spawn, home: Path) -> None:
    script, questions = begin(terminal, home, "exam", "1")
    script.write_text(write_wrong("sentinel age averaged in", questions))
    assert finish(terminal("path", "exam", "1", "--check", columns=100))[0] == 0
    code, shown = finish(terminal("path", "exam", "1", "--submit", str(script), columns=100))
    assert code == 1
    assert "Not passed this time" in shown
    assert re.search(r"miss +grouping", shown)
    code, shown = finish(terminal("path", "exam", "1", columns=100))
    assert (code, "24 hours" in shown) == (1, True)


def test_practice_explains_a_miss_and_may_be_handed_in_again(terminal: Spawn, home: Path) -> None:
    script, questions = begin(terminal, home, "exam", "1", "--practice")
    for wrong in ("mean for median", "units not mended"):
        script.write_text(write_wrong(wrong, questions))
        code, shown = finish(terminal("path", "exam", "1", "--practice", "--submit", str(script), columns=100))
        assert (code, "It looks as if" in shown) == (1, True)
    script.write_text(write_reference(questions))
    code, shown = finish(terminal("path", "exam", "1", "--practice", "--submit", str(script), columns=100))
    assert (code, "Nothing is recorded as passed" in shown) == (0, True)
