"""What a verb shows, for people and for programs."""

import io
import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trimtab.cli.doctor import describe_check
from trimtab.cli.ingest import describe_rows
from trimtab.cli.output import count_rules, count_warnings, plain, progress, show, show_table, suggest
from trimtab.cli.tick import describe_turn
from trimtab.loop.cycle import Ingested
from trimtab.loop.tick import Ticked
from trimtab.nouns import Interval, Judgement, State


@dataclass
class Odd:
    when: datetime
    span: timedelta
    worst: float
    parts: tuple[Interval, ...]


def test_facts_become_json_that_every_parser_takes() -> None:
    odd = Odd(
        datetime(2026, 1, 2, tzinfo=UTC), timedelta(seconds=90), float("nan"), (Interval(1.0, 0.5, float("inf"), 3),)
    )
    text = json.dumps(plain({"odd": odd, "path": Path("a/b"), "state": State.PASS}), allow_nan=False)
    assert json.loads(text) == {
        "odd": {
            "when": "2026-01-02T00:00:00Z",
            "span": 90.0,
            "worst": None,
            "parts": [{"value": 1.0, "low": 0.5, "high": None, "rows": 3}],
        },
        "path": "a/b",
        "state": "pass",
    }


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show(["a sentence"], {"größe": 1}, as_json=True)
    assert capsys.readouterr().out == '{"größe": 1}\n'


def test_sentences_are_not_wrapped_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 100 + "end"
    show([long, "[red]not markup[/red] :smile:"], {}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [long, "[red]not markup[/red] :smile:"]


def test_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["name", "what"], [["v1", "[bold] 1 [2, 3]"]])
    assert "[bold] 1 [2, 3]" in capsys.readouterr().out


def test_progress_is_plain_lines_on_standard_error_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("begins") as tell:
        tell("goes on [1, 2]")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["begins", "goes on [1, 2]"]


def test_progress_that_nobody_reads_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """`trimtab tick 2>&1 | head -3`: a retrain is not lost because the pipe is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    closed = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stderr", closed)
    with progress("begins") as tell:
        tell("goes on")
    with suppress(BrokenPipeError):
        closed.close()


def test_next_command_can_be_pasted() -> None:
    assert suggest("train", Path("mein Projekt")) == "Next: trimtab train 'mein Projekt'"


def test_rules_come_most_frequent_first() -> None:
    assert count_rules({"a:b:missing": 1, "b:unseen": 1200}) == (
        "  'b' is none of the column's values (unseen): 1,200 rows",
        "  'a:b' has no value, and the column is required (missing): 1 row",
    )


def test_lines_that_are_no_row_and_warnings_are_told_in_words() -> None:
    assert count_rules({"line:2 values where 3 belong": 1}) == ("  no row: 2 values where 3 belong: 1 row",)
    assert count_rules({"line:missing": 2}) == ("  'line' has no value, and the column is required (missing): 2 rows",)
    assert count_rules({"unreadable_line": 1}) == ("  no row, see the column errors: 1 row",)
    assert count_warnings({"repaired:a:b": 3}) == ("  'a:b' is repaired to a number (warning repaired): 3 rows",)


def test_a_doctor_tells_the_next_step_in_a_line_of_its_own() -> None:
    found = Judgement("champion", State.FAIL, ("the files of v1 are not there.\nNext: run `trimtab train`",))
    assert describe_check(found) == [
        "     FAILED  champion: the files of v1 are not there.",
        "             Next: run `trimtab train`",
    ]
    assert describe_check(Judgement("gates", State.PASS, ("golden, paired",))) == [
        "         ok  gates: golden, paired."
    ]


def test_a_turn_names_the_version_that_answers() -> None:
    assert describe_turn(Ticked(datetime(2026, 1, 1, tzinfo=UTC), 3), "v2")[-1] == "v2 answers (epoch 3)."
    assert describe_turn(Ticked(datetime(2026, 1, 1, tzinfo=UTC), 0), "")[-1] == "Nothing answers yet."


def test_one_line_is_no_lines() -> None:
    assert describe_rows(Ingested(1, 0, 1)) == "1 clean, 0 in quarantine, 1 line that is no row"
    assert describe_rows(Ingested(1, 0, 2)).endswith("2 lines that are no row")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_keeps_every_line_that_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with progress("begins") as tell:
        tell("goes on [1, 2]")
        tell("ends")
    kept = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).replace("\r", "\n").splitlines()
    assert [line for line in kept if line in {"begins", "goes on [1, 2]", "ends"}] == [
        "begins",
        "goes on [1, 2]",
        "ends",
    ]


def test_terminal_forgets_a_line_that_stayed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with progress("looks"):
        pass
    assert "looks" not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).replace("\r", "\n").splitlines()
