"""What an error becomes: its lines, its object, its exit code, never a traceback unless asked."""

import json

import pytest

from trimtab import errors
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


def test_host_trouble_names_the_file() -> None:
    told = explain_failure(PermissionError(13, "Permission denied", "/somewhere/out.csv"), "score")
    assert told.message == "/somewhere/out.csv: Permission denied."
    assert exit_code(told) == 3
