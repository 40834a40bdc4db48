"""The face: what is shown, what is refused, and with which exit code."""

import json
import statistics
import subprocess
import sys
from time import perf_counter
from typing import Any

import pytest

from trimtab.cli import main
from trimtab.cli.app import LATER, VERBS

TRIMTAB = [sys.executable, "-m", "trimtab.cli"]
NAMES = [verb.name for verb in VERBS]


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TRIMTAB, *words], capture_output=True, text=True, timeout=60, check=False, **options)


def test_help_shows_every_verb_and_none_of_a_later_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in NAMES)
    assert not any(f" {name} " in shown for name in LATER)


def test_no_word_at_all_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Start here" in capsys.readouterr().out


def test_first_screen_starts_with_init_train_serve_up_demo_path_audit(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    first = capsys.readouterr().out.split("Start here")[1].split("More")[0]
    assert [name for name in NAMES if f" {name} " in first] == ["init", "train", "serve", "up", "demo", "path", "audit"]


def test_help_imports_no_verb_and_no_model_library() -> None:
    """`--help` is quick because nothing heavy is imported for it; this holds on any machine, at any load."""
    code = (
        "import sys; from trimtab.cli import main; main(['--help']);"
        "heavy = {'polars', 'numpy', 'sqlalchemy', 'fastapi', 'deltalake', 'lightgbm', 'sklearn', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if m.startswith('trimtab.loop')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"


def test_help_comes_quickly() -> None:
    """The promise is 0.3 s on a quiet machine (benchmarks/start.py); here only that it is no order of magnitude off."""
    seconds = []
    for _ in range(3):
        started = perf_counter()
        run("--help")
        seconds.append(perf_counter() - started)
    assert statistics.median(seconds) < 2


@pytest.mark.parametrize("name", sorted(LATER))
def test_verb_of_a_later_release_is_refused_by_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 2
    assert f"`trimtab {name}` is not built yet: it comes with" in capsys.readouterr().err


def test_unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats"]) == 2
    assert "did you mean 'status'?" in capsys.readouterr().err


def test_unknown_verb_is_an_object_too_where_json_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--json"]) == 2
    out = capsys.readouterr().out
    assert json.loads(out)["error"]["kind"] == "UsageError"
    assert json.loads(out)["error"]["exit_code"] == 2


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == "0.1.0"


def test_narrow_terminal_keeps_every_line_within_60_columns() -> None:
    done = run("--help", env={"COLUMNS": "60", "PATH": "/usr/bin"})
    assert max(len(line) for line in done.stdout.splitlines()) <= 60


def test_no_color_is_respected() -> None:
    done = run("--help", env={"NO_COLOR": "1", "FORCE_COLOR": "1", "PATH": "/usr/bin"})
    assert "\x1b[3" not in done.stdout


def test_reader_that_leaves_is_no_error() -> None:
    with subprocess.Popen([*TRIMTAB, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        told = child.stderr.read()
    assert child.returncode == 0
    assert told == ""
