"""A seed is a list: the same bytes every time, with the mess that was promised, and a second one unlike it."""

import json
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import HostError
from trimtab.path.exam import data
from trimtab.path.exam.tasks import ask, say_tasks
from trimtab.path.exam.world import ABOUT, LIST, clean, make_world
from trimtab.path.exam.write import write_exam

SEEDS = range(20)


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_gives_the_same_bytes(seed: int, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_exam(tmp_path / folder, seed, practice=False)
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert files == ["about.json", "columns.csv", "exam.py", "fares.csv", "paper.md", "passengers.csv"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    assert make_world(seed).files != make_world(seed + 1).files


@pytest.mark.parametrize("seed", SEEDS)
def test_second_list_shares_no_name_separator_encoding_or_unknown_age(seed: int) -> None:
    first = make_world(seed)
    one, other = first.manner, make_world(seed + 1000, unlike=first).manner
    assert not set(one.names.values()) & set(other.names.values())
    assert one.separator != other.separator
    assert one.encoding != other.encoding
    assert one.sentinel != other.sentinel


@pytest.mark.parametrize("seed", SEEDS)
def test_every_list_holds_every_kind_of_mess(seed: int) -> None:
    world = make_world(seed)
    listed = world.listed
    text = world.files[LIST].decode(json.loads(world.files[ABOUT])["encoding"])
    assert listed["passenger"].n_unique() < listed.height
    assert set(listed["unit"].unique()) == {"p", "£"}
    assert listed["age"].null_count() > 0
    assert (listed["age"] == world.manner.sentinel).any()
    assert all(word in text for word in ("NA", "?", "FEMALE", " female"))


@pytest.mark.parametrize("seed", SEEDS)
def test_border_of_the_filter_is_somebodys_age(seed: int) -> None:
    world = make_world(seed)
    questions = ask(world)
    column, value = questions.filter_by
    rows = clean(world.listed).filter(pl.col(column) == value)
    assert (rows["age"] == questions.border).any()


def test_eight_tasks_of_eight_skills_with_printed_tolerances(tmp_path: Path) -> None:
    paper = write_exam(tmp_path / "p", 3, practice=False)
    text = (tmp_path / "p" / "paper.md").read_text(encoding="utf-8")
    assert [task.name for task in paper.tasks] == [
        "load",
        "filter",
        "group",
        "top",
        "join",
        "missing",
        "plot",
        "conclusion",
    ]
    assert len({task.skill for task in paper.tasks}) == 8
    assert "within 0.01, percentages to within 0.1" in text
    assert all(task.text in text for task in say_tasks(ask(make_world(3))))


def test_script_that_was_begun_is_not_written_over(tmp_path: Path) -> None:
    write_exam(tmp_path, 3, practice=True)
    (tmp_path / "exam.py").write_text("mine", encoding="utf-8")
    write_exam(tmp_path, 3, practice=True)
    assert (tmp_path / "exam.py").read_text(encoding="utf-8") == "mine"


def test_passengers_are_the_1309_and_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data.read_passengers().height == 1309
    for name in (data.NAME, data.HASHES):
        (tmp_path / name).write_bytes((data.FOLDER / name).read_bytes())
    (tmp_path / data.NAME).write_bytes(b"PAR1")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(HostError, match="not the file that this release carries"):
        data.read_passengers.__wrapped__()
