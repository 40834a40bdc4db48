"""What may be handed in: a script or a notebook, run by one Python or another."""

import json
import os
import venv
from pathlib import Path

import nbformat
import pytest
from tests.path.exam.conftest import QUICK, SECOND, SEED, HandIn, needs_bubblewrap

from trimtab.errors import DataError, UsageError
from trimtab.path.exam.grade import check_public, grade
from trimtab.path.exam.sandbox import find_cage, find_python
from trimtab.path.exam.script import read_script
from trimtab.path.exam.write import write_exam


def write_notebook(path: Path, *cells: str) -> Path:
    made = nbformat.v4
    book = made.new_notebook(cells=[made.new_markdown_cell("# Mine")])  # type: ignore[no-untyped-call]
    book.cells += [made.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    nbformat.write(book, path)  # type: ignore[no-untyped-call]
    return path


def test_notebook_passes_like_a_script(tmp_path: Path, right: str, without_bubblewrap: None) -> None:
    """Also with what only Jupyter understands, and where there is no sandbox."""
    before, after = right.split("# -- the highest fares")
    graded = grade(
        write_notebook(tmp_path / "mine.ipynb", "%matplotlib inline\n!pip list", before, after), SEED, SECOND
    )
    assert graded.passed
    assert not graded.sandboxed


def test_error_in_a_notebook_is_told_by_cell_and_line(tmp_path: Path) -> None:
    file = write_notebook(tmp_path / "mine.ipynb", "%time x = 1\nx = 2", "y = 1\nz = y / 0")
    graded = grade(file, SEED, SECOND, limits=QUICK)
    assert "stopped at line 2 of code cell 2 with ZeroDivisionError" in graded.notes[0]


def test_line_that_continues_a_calculation_is_no_magic(tmp_path: Path) -> None:
    file = write_notebook(tmp_path / "mine.ipynb", "x = (7\n% 4)")
    assert "# %" not in read_script(file).text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no notebook"),
        ("[" * 100_000, "is no notebook"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "is no notebook"),
        (json.dumps({"cells": []}), "has no code in it"),
        (json.dumps({"cells": [{"cell_type": "code", "source": ["\n"]}]}), "has no code in it"),
        ("x" * 5_000_000, "larger than 4 MB"),
    ],
)
def test_notebook_that_is_none_is_told_and_all_tasks_are_missed(text: str, words: str, hand_in: HandIn) -> None:
    graded = hand_in(text, name="mine.ipynb")
    assert words in graded.notes[0]
    assert len(graded.results) == 8
    assert not graded.passed


def test_submission_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("mine.py", "pipe.py", "gone.py", "."):
        with pytest.raises(DataError):
            read_script(tmp_path / name)


def test_script_of_one_byte_and_of_odd_bytes_ends_in_a_result(hand_in: HandIn) -> None:
    assert "SyntaxError" in hand_in("(").notes[0]
    assert hand_in("x = 1\x00").notes
    assert hand_in("\ufeffx = 1").notes == hand_in("x = 1").notes


def test_public_checks_say_what_they_looked_at(tmp_path: Path) -> None:
    """The form of what is there, on the original of a list that was changed in the folder."""
    write_exam(tmp_path, SEED, practice=False)
    (tmp_path / "passengers.csv").write_text("mine", encoding="utf-8")
    script = "open('filter.csv', 'w').write(open('passengers.csv', 'rb').read(4) == b'mine' or 'passenger\\n1\\n')"
    (tmp_path / "exam.py").write_text(script, encoding="utf-8")
    graded = check_public(tmp_path, tmp_path / "exam.py", SEED)
    assert (graded.results[1].message, graded.passed) == ("There, and can be read.", False)
    assert "Whether they are right is looked at when you hand in" in graded.notes[0]
    assert graded.notes[1].startswith("passengers.csv in your folder was changed")


def test_python_of_ones_own_runs_the_script(tmp_path: Path, hand_in: HandIn) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    told = hand_in("import sys\nraise ValueError(sys.prefix)", python=python).notes[0]
    assert str(tmp_path / "venv") in told
    told = hand_in("import pandas", python=python).notes[1]
    assert "pip install 'trimtab[path]', or --python PATH" in told


def test_python_that_does_not_run_is_refused(tmp_path: Path, hand_in: HandIn) -> None:
    with pytest.raises(UsageError, match="no Python that runs"):
        hand_in("x = 1", python=tmp_path / "python")


def test_folder_that_holds_a_home_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A search path that names the home would show all of it; a Python that is the home is refused."""
    venv.create(tmp_path / "home" / "venv", symlinks=True)
    python = tmp_path / "home" / "venv" / "bin" / "python"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{tmp_path / 'home'}")
    find_python.cache_clear()
    assert find_python(python).beside == ()
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "venv"))
    find_python.cache_clear()
    with pytest.raises(UsageError, match="would show the exam all that is there"):
        find_python(python)
    find_python.cache_clear()


@needs_bubblewrap
def test_bubblewrap_is_found_where_the_persons_path_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not only in /usr/bin: what runs it is its full path."""
    (tmp_path / "bwrap").symlink_to(find_cage())
    monkeypatch.setenv("PATH", str(tmp_path))
    find_cage.cache_clear()
    assert find_cage() == str(tmp_path / "bwrap")
    find_cage.cache_clear()
