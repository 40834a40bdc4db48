"""The board says where I am, what I have to show, and what comes next: in any width, without colour, into a pipe."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from trimtab.cli.output import plain
from trimtab.nouns import State
from trimtab.path.board import as_facts, as_lines, draw
from trimtab.path.record import Attempt, Entry, Record, Sitting
from trimtab.path.standing import stand


def passed(record: Record, stage: int = 1) -> None:
    record.add(Attempt(stage, "exam", State.PASS, record.now, passed=8, tasks=8, seconds=1500))


def tried(record: Record, purpose: Any, state: State = State.FAIL, **skills: State) -> None:
    record.add(Attempt(1, purpose, state, record.now, passed=3, tasks=8, skills=skills))


def states(record: Record) -> list[str]:
    return [one.state for one in stand(record).stages]


def drawn(record: Record, width: int = 60, **options: Any) -> str:
    paper = io.StringIO()
    draw(stand(record), ("A word about courses.",), Console(file=paper, width=width, force_terminal=True, **options))
    return paper.getvalue()


def test_newcomer_is_offered_the_diagnostic_first(opened: Any) -> None:
    standing = stand(opened())
    assert standing.command == "path gate 1 --diagnose"
    assert "Am I in stage 1, or ready for stage 2?" in standing.next


def test_only_the_first_stage_is_open_at_first(opened: Any) -> None:
    assert states(opened()) == ["open", "locked", "locked", "locked"]


def test_passed_exam_opens_the_next_stage_only(opened: Any) -> None:
    record = opened()
    passed(record)
    assert states(record) == ["passed", "open", "locked", "locked"]


@pytest.mark.parametrize("purpose", ["diagnose", "practice", "reported"])
def test_nothing_but_the_exam_passes_a_stage(opened: Any, purpose: str) -> None:
    record = opened()
    tried(record, purpose, State.PASS)
    assert states(record)[:2] == ["open", "locked"]


def test_attempts_and_diagnostics_are_counted_apart(opened: Any) -> None:
    record = opened()
    for purpose in ("exam", "reported", "diagnose", "practice", "practice"):
        tried(record, purpose)
    first = stand(record).stages[0]
    assert (first.attempts, first.diagnostics) == (2, 1)


def test_miss_leads_to_practice_of_what_was_missed(opened: Any) -> None:
    record = opened()
    tried(record, "diagnose", load=State.PASS, join=State.FAIL, plot=State.CANNOT_TELL)
    standing = stand(record)
    assert standing.next.startswith("Practise join, plot:")
    assert standing.command == "path exam 1 --practice"


def test_flawless_diagnostic_leads_to_the_exam(opened: Any) -> None:
    record = opened()
    tried(record, "diagnose", State.PASS)
    assert stand(record).command == "path exam 1"


def test_evidence_has_an_age_that_grows(opened: Any) -> None:
    passed(opened())
    first = stand(opened(days=22)).stages[0]
    assert first.age_days == 22
    assert not first.stale
    assert first.evidence[0].what == "exam passed, 8 of 8 tasks in 25 min"


def test_evidence_older_than_a_year_is_stale_and_the_next_step(opened: Any) -> None:
    passed(opened())
    standing = stand(opened(days=400))
    assert standing.stages[0].stale
    assert standing.command == "path exam 1"
    assert states(opened(days=400))[1] == "open"


def test_age_is_never_below_zero(opened: Any) -> None:
    record = opened()
    passed(record)
    record.add(Entry("project", record.today(), name="mine", stage=2))
    early = opened(days=-40)
    assert [one.age_days for one in stand(early).stages[:2]] == [0, 0]


def test_running_exam_is_what_comes_next(opened: Any) -> None:
    record = opened()
    record.add(Sitting("1", "exam", record.now, "/somewhere", 7, 30))
    standing = stand(opened(minutes=10))
    assert standing.next == "An exam is running: 20 minutes left."
    assert stand(opened(minutes=31)).sittings == ()


def test_project_is_evidence_with_its_address(opened: Any) -> None:
    record = opened()
    record.add(Entry("project", record.today() - timedelta(days=3), name="late?", stage=3, live="https://example.org"))
    assert stand(record).stages[2].evidence[0].what == "project late?, live at https://example.org"


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_board_fits_its_width(opened: Any, width: int) -> None:
    record = opened()
    passed(record)
    record.add(Entry("study", record.today(), hours=3, stage=2))
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn(record, width))
    assert max(len(line) for line in text.splitlines()) <= min(width, 78)
    assert "1 of 4 passed" in " ".join(text.split())


def test_board_without_colour_says_as_much(opened: Any) -> None:
    text = drawn(opened(), no_color=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)
    assert text.count("locked") == 3
    assert "open" in text


def test_board_in_ascii_needs_no_other_sign(opened: Any) -> None:
    record = opened()
    record.add(Entry("study", record.today(), hours=3, stage=1))
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    draw(stand(record), (), Console(file=file, width=60, force_terminal=True))
    file.flush()


def test_square_brackets_in_a_name_are_no_markup(opened: Any) -> None:
    record = opened()
    record.add(Entry("project", record.today(), name="[bold]mine[/]", stage=1))
    assert "[bold]mine[/]" in drawn(record)


def test_lines_for_a_pipe_hold_the_whole_board(opened: Any) -> None:
    record = opened()
    passed(record)
    lines = as_lines(stand(record), ("Said once.",))
    assert lines[1] == "1 Python and data fluency: passed, 1 attempt"
    assert lines[2] == "  exam passed, 8 of 8 tasks in 25 min, today"
    assert "Said once." in lines
    assert lines[-1].startswith("Next: Stage 2 is open")


def test_facts_have_four_stages_with_what_was_promised(opened: Any) -> None:
    record = opened()
    passed(record)
    facts: Any = plain(as_facts(stand(record), (), ()))
    assert [stage["number"] for stage in facts["stages"]] == [1, 2, 3, 4]
    assert {"number", "name", "state", "attempts", "evidence", "age_days", "next"} <= facts["stages"][0].keys()
    assert facts["stages"][0]["evidence"][0]["age_days"] == 0
    assert facts["stages"][1]["age_days"] is None


def test_bars_show_eight_weeks_the_last_one_to_the_right(opened: Any) -> None:
    record = opened()
    record.add(Entry("study", record.today(), hours=2, stage=1))
    record.add(Entry("study", record.today() - timedelta(days=55), hours=4, stage=1))
    record.add(Entry("study", record.today() - timedelta(days=56), hours=9, stage=1))
    assert stand(record).weeks == (4, 0, 0, 0, 0, 0, 0, 2)
    assert "|█      ▄|" in drawn(record, 80)
