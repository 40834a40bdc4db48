"""`trimtab path …` as it is typed: sentences, one JSON object, exit codes, and mistakes told all at once."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab import clock
from trimtab.cli import main
from trimtab.nouns import State
from trimtab.path.fit import QUESTIONS
from trimtab.path.record import Attempt, Entry, Sitting, open_record
from trimtab.path.record_file import NAME

COMMANDS = ("", "gate", "exam", "log", "plan", "fit")
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type `trimtab path WORDS`; return exit code, standard output, standard error."""

    def type_words(*words: str) -> tuple[int, str, str]:
        code = main(["path", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return type_words


@pytest.fixture
def facts(typed: Typed) -> Callable[..., Any]:
    """Type `trimtab path WORDS --json`; return the object."""
    return lambda *words: json.loads(typed(*words, "--json")[1])


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_tells_its_usage_and_shows_no_hidden_seed(command: str, typed: Typed) -> None:
    code, told, _ = typed(*([command] if command else []), "--help")
    assert code == 0
    assert f"Usage: trimtab path {command}".strip() in told
    assert "--seed" not in told


def test_help_of_path_lists_its_commands(typed: Typed) -> None:
    told = typed("--help")[1]
    assert all(f" {command} " in told for command in COMMANDS[1:])


def test_board_without_a_terminal_is_plain_lines(typed: Typed) -> None:
    code, told, error = typed()
    assert (code, error) == (0, "")
    assert "1 Python and data fluency: open, 0 attempts" in told.splitlines()
    assert "trimtab path gate 1 --diagnose" in told
    assert "\x1b" not in told


def test_board_as_json_has_four_stages(facts: Any) -> None:
    board = facts()
    assert [stage["state"] for stage in board["stages"]] == ["open", "locked", "locked", "locked"]
    assert board["next"]["command"] == "trimtab path gate 1 --diagnose"


def test_unknown_command_names_the_nearest(typed: Typed) -> None:
    code, told, error = typed("paln")
    assert (code, told) == (2, "")
    assert "did you mean 'plan'?" in error


@pytest.mark.parametrize("stage", ["2", "3", "4"])
@pytest.mark.parametrize("words", [("gate",), ("gate", "--diagnose"), ("exam",)])
def test_tests_of_later_stages_are_refused_in_plain_words(words: tuple[str, ...], stage: str, typed: Typed) -> None:
    code, told, error = typed(words[0], stage, *words[1:])
    assert (code, told) == (2, "")
    assert f"The test of stage {stage}" in error
    assert "not built yet" in error
    assert "It will ask for this:" in error


@pytest.mark.parametrize(
    ("words", "said"), [(("gate", "7"), "no stage 7"), (("gate", "x"), "x"), (("exam", "sqll"), "did you mean 'sql'?")]
)
def test_tests_that_do_not_exist_are_refused(words: tuple[str, ...], said: str, typed: Typed) -> None:
    code, _, error = typed(*words)
    assert code == 2
    assert said in error


def test_exercise_without_practice_says_that_it_is_practice(typed: Typed) -> None:
    code, _, error = typed("exam", "sql")
    assert code == 2
    assert "trimtab path exam sql --practice" in error


def test_check_without_a_paper_says_how_to_get_one(typed: Typed) -> None:
    code, _, error = typed("exam", "1", "--check")
    assert code == 2
    assert "No paper is out for exam 1." in error
    assert "Next: trimtab path exam 1 hands one out" in error


def test_seed_of_a_real_exam_cannot_be_chosen(typed: Typed, tmp_path: Path) -> None:
    code, _, error = typed("exam", "1", "--seed", "3", "--dir", str(tmp_path / "paper"))
    assert code == 2
    assert "in practice only" in error
    assert not (tmp_path / "paper").exists()


def test_folder_in_use_is_never_written_to(typed: Typed, tmp_path: Path, home: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.py").write_text("mine")
    code, _, error = typed("exam", "1", "--dir", str(tmp_path / "mine"))
    assert code == 2
    assert "is not empty" in error
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["work.py"]
    assert open_record(clock.now()).sittings() == ()


def test_fit_answers_with_reasons_filters_neighbours_and_sources(typed: Typed) -> None:
    code, told, _ = typed("fit", "--answers", "a,a,a,a,a,d,a,a")
    assert code == 0
    for part in (
        "Your answers point to ML engineer",
        "Said plainly:",
        "Three months",
        "DevOps",
        "Source:",
        "No primary",
    ):
        assert part in told


def test_fit_as_json_is_one_object_and_is_remembered(facts: Any) -> None:
    found = facts("fit", "--answers", "b,b,b,b,b,b,b,b")
    assert found["role"] == "data_scientist"
    assert found["state"] == "pass"
    assert len(found["roles"]) == 3
    assert all(fact["source"] for fact in found["facts"])
    assert facts()["fit"] == "data_scientist"


def test_fit_takes_named_answers_and_names_what_is_missing(typed: Typed) -> None:
    words = [word for question in QUESTIONS[:-1] for word in ("--answer", f"{question.key}=a")]
    code, told, error = typed("fit", *words)
    assert (code, told) == (2, "")
    assert "1 of 8 questions have no answer" in error
    assert "from: Where do you come from?" in error
    assert typed("fit", *words, "--answer", "from=b")[0] == 0


def test_plan_is_dated_with_tools_and_ranges(typed: Typed) -> None:
    code, told, _ = typed("plan", "--hours-per-week", "15", "--start", "2030-01-07")
    assert code == 0
    assert "course.fast.ai" in told
    assert "All four stages: between 2031-05-08 and 2032-01-05." in told


def test_plan_as_json_has_stages_and_remembers(facts: Any) -> None:
    first = facts("plan", "--hours-per-week", "20", "--start", "2030-01-07")
    assert [stage["number"] for stage in first["stages"]] == [1, 2, 3, 4]
    assert first["stages"][0]["begins"] == {"earliest": "2030-01-07", "latest": "2030-01-07"}
    assert "SQL" in " ".join(first["stages"][1]["tools"])
    assert facts("plan")["stages"] == first["stages"]


def test_plan_is_written_as_a_calendar_and_replaces_only_its_own(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "plan.ics"
    assert typed("plan", "--ics", str(file))[0] == 0
    first = file.read_bytes()
    assert first.startswith(b"BEGIN:VCALENDAR\r\n")
    assert typed("plan", "--ics", str(file))[0] == 0
    assert [line for line in first.splitlines() if line.startswith(b"UID")] == [
        line for line in file.read_bytes().splitlines() if line.startswith(b"UID")
    ]
    (tmp_path / "diary.ics").write_text("BEGIN:VCALENDAR")
    code, _, error = typed("plan", "--ics", str(tmp_path / "diary.ics"))
    assert code == 2
    assert "is no plan of trimtab's" in error


@pytest.mark.parametrize("words", [("--start", "tomorrow"), ("--hours-per-week", "0"), ("--hours-per-week", "many")])
def test_plan_refuses_what_it_cannot_reckon_with(words: tuple[str, ...], typed: Typed) -> None:
    code, told, error = typed("plan", *words)
    assert (code, told) == (2, "")
    assert "Next:" in error


def test_log_notes_lists_and_strikes_out(typed: Typed, facts: Any) -> None:
    assert "This week so far: 2.5 h" in typed("log", "study", "--hours", "2.5")[1]
    assert typed("log", "course", "Practical Deep Learning", "--hours", "3")[0] == 0
    assert "2 entries, 5.5 hours in all" in typed("log")[1]
    assert "Struck out" in typed("log", "undo")[1]
    assert [entry["kind"] for entry in facts("log")["entries"]] == ["study"]
    assert facts("plan")["stages"][0]["hours_logged"] == 2.5


def test_log_tells_all_mistakes_and_notes_nothing(typed: Typed, facts: Any) -> None:
    code, _, error = typed(
        *("log", "project", "--hours", "-1", "--stage", "9", "--on", "2999-01-01"),
        *("--live", "ftp://x", "--note", "n" * 201),
    )
    assert code == 2
    assert [line.split(":")[0].strip() for line in error.splitlines()[1:-1]] == [
        "--on", "--hours", "NAME", "--note", "--live", "--stage",
    ]  # fmt: skip
    assert facts("log")["entries"] == []


def test_log_of_an_unknown_kind_names_the_nearest(typed: Typed) -> None:
    assert "did you mean 'certificate'?" in typed("log", "certifcate", "A")[2]


def test_reported_gate_counts_as_a_try_and_opens_nothing(typed: Typed, facts: Any) -> None:
    assert "counts as a try" in typed("log", "gate", "--stage", "1", "--result", "pass")[1]
    stage = facts()["stages"][0]
    assert (stage["state"], stage["attempts"]) == ("open", 1)


def test_reported_gate_needs_a_stage_and_a_known_result(typed: Typed) -> None:
    code, _, error = typed("log", "gate", "--result", "great")
    assert code == 2
    assert "--stage" in error
    assert "--result" in error


def test_trap_is_said_once_where_it_is_logged(typed: Typed, facts: Any) -> None:
    typed("log", "certificate", "A")
    assert "no system of yours is live" in typed("log", "certificate", "B")[1]
    assert "no system of yours is live" not in typed("log", "certificate", "C")[1]
    assert "no system of yours is live" not in typed()[1]
    assert [trap["name"] for trap in facts()["traps"]] == ["certificates"]


def test_json_does_not_use_up_what_is_said_once(typed: Typed, facts: Any) -> None:
    facts("log", "certificate", "A")
    assert facts("log", "certificate", "B")["traps"][0]["told"] is False
    assert "no system of yours is live" in typed()[1]


def test_damaged_record_is_told_on_standard_error_and_json_stays_one_object(typed: Typed, home: Path) -> None:
    typed("log", "study", "--hours", "2")
    (home / NAME).write_bytes(b"not a database")
    code, told, error = typed("--json")
    assert code == 0
    assert "damaged" in error
    assert "damaged" in json.loads(told)["notices"][0]
    assert list(home.glob("*.damaged-*"))


def test_clock_turned_back_is_said_and_no_age_is_negative(typed: Typed, home: Path) -> None:
    ahead = clock.now() + timedelta(days=30)
    open_record(ahead).add(Entry("project", ahead.date(), name="mine", stage=1))
    code, told, error = typed("--json")
    assert code == 0
    assert "turned back" in error
    assert json.loads(told)["stages"][0]["age_days"] == 0


def test_exam_waits_a_day_and_says_that_it_is_a_rule_for_oneself(typed: Typed, tmp_path: Path) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=20)
    record = open_record(earlier)
    record.add(Sitting("1", "exam", earlier, str(tmp_path), 7, 30))
    record.finish(record.sittings()[0])
    code, told, error = typed("exam", "1", "--dir", str(tmp_path / "paper"))
    assert (code, told) == (1, "")
    assert "may begin in 4 hours" in error
    assert "a rule for yourself" in error
    assert not (tmp_path / "paper").exists()


def test_exam_that_was_never_handed_in_counts_and_is_said_once(typed: Typed, facts: Any, tmp_path: Path) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=30)
    open_record(earlier).add(Sitting("1", "exam", earlier, str(tmp_path), 7, 30))
    _, _, error = typed()
    assert "was never handed in: it counts as a try" in error
    assert typed()[2] == ""
    assert facts()["stages"][0]["attempts"] == 1


def test_command_line_stays_light() -> None:
    """The board opens a small file: no frame library, no model library."""
    code = (
        "import sys, trimtab.cli.output; from trimtab.cli import main; before = set(sys.modules); main(['path']);"
        "heavy = {'polars', 'pandas', 'numpy', 'matplotlib', 'duckdb', 'sqlalchemy', 'sklearn', 'lightgbm'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_reader_that_leaves_is_no_error(home: Path) -> None:
    command = [sys.executable, "-m", "trimtab.cli", "path"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        told = child.stderr.read()
    assert (child.returncode, told) == (0, "")


def test_stale_stage_is_told_with_its_way_out(typed: Typed) -> None:
    then = clock.now() - timedelta(days=400)
    open_record(then).add(Attempt(1, "exam", State.PASS, then, passed=8, tasks=8))
    told = typed()[1]
    assert "1 Python and data fluency: passed, stale" in told
    assert "400 days old. Take its test again" in told
