"""What an error becomes: its lines, its object, its exit code, never a traceback unless asked."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab import errors
from trimtab.cli import main
from trimtab.cli.failures import exit_code, explain_failure, report_failure
from trimtab.errors import ConfigError, Mistake, TrimtabError


def every_error(root: type[TrimtabError] = TrimtabError) -> list[type[TrimtabError]]:
    own = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root, *(kind for child in own for kind in every_error(child))]


@pytest.mark.parametrize("kind", every_error())
def test_table_agrees_with_the_tree_in_errors(kind: type[TrimtabError]) -> None:
    assert exit_code(kind("wrong")) == kind.exit_code


def test_every_error_of_the_tree_is_covered() -> None:
    named = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, TrimtabError)]
    assert set(every_error()) == set(named)


def test_interruption_is_130() -> None:
    assert exit_code(KeyboardInterrupt()) == 130


def test_message_mistakes_and_hint_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError(
        "Two mistakes.", mistakes=[Mistake("serve.port", "is no number"), Mistake("x", "unknown")], hint="edit"
    )
    assert report_failure(error, "train", as_json=False, debug=False) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "trimtab: Two mistakes.",
        "  serve.port: is no number",
        "  x: unknown",
        "Next: edit",
    ]


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("Two mistakes.", mistakes=[Mistake("serve.port", "is no number")], hint="edit")
    report_failure(error, "train", as_json=True, debug=False)
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "kind": "ConfigError",
            "message": "Two mistakes.",
            "mistakes": [{"where": "serve.port", "what": "is no number"}],
            "hint": "edit",
            "exit_code": 2,
        }
    }


def test_unforeseen_error_is_one_line_and_a_way_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_failure(ZeroDivisionError("division by zero"), "tick", as_json=False, debug=False) == 3
    told = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in told
    assert "--debug" in told
    assert "Traceback" not in told


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    report_failure(ZeroDivisionError("division by zero"), "tick", as_json=False, debug=True)
    assert "ZeroDivisionError" in capsys.readouterr().err.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("init q", "--data is missing."),
        ("init q --data", "--data needs a value behind it."),
        ("promote", "VERSION is missing."),
        ("status p extra more", "There is no use for 'extra', 'more'."),
        ("--json", "'--json' is no verb; the verb comes first."),
        ("serve p --port http", "--port takes a whole number, not 'http'."),
        ("help nonsense", "There is no verb 'nonsense'."),
    ],
)
def test_words_that_make_no_sense_are_named(words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"trimtab: {says}\n")
    assert "--help" in told


@pytest.mark.parametrize(("words", "says"), [("help", "Usage: trimtab VERB"), ("help train", "Usage: trimtab train")])
def test_help_is_understood_as_a_verb(words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 0
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("words", ["doctor", "status nowhere"])
def test_closed_streams_change_no_exit_code(words: str, closed: str, tmp_path: Path) -> None:
    """What cannot be told is swallowed; a file that is opened later must not take the place of a stream."""
    program = f"exec {shlex.quote(sys.executable)} -m trimtab.cli {words} {closed}"
    ran = subprocess.run(["sh", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == (2 if words == "status nowhere" else 0)
    assert "nobody foresaw" not in ran.stderr


def test_host_trouble_names_the_file() -> None:
    told = explain_failure(PermissionError(13, "Permission denied", "/somewhere/out.csv"), "score")
    assert told.message == "/somewhere/out.csv: Permission denied."
    assert exit_code(told) == 3
