"""Every fit of a search stands in the catalog, and the same search goes on from it."""

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab.cli.trials import compare, list_trials, show_trial
from trimtab.errors import UsageError
from trimtab.loop.cycle import train
from trimtab.loop.state import open_wheel
from trimtab.loop.trials import compare_trials, find_revision, read_trial

MakeWheel = Any


def say_nothing(_: str) -> None:
    pass


@pytest.fixture
def searched(make_wheel: MakeWheel) -> Any:
    """A wheel that trained once, with a second of search."""
    wheel = make_wheel(400, 9999)
    project = replace(wheel.project, train=replace(wheel.project.train, budget=timedelta(seconds=1)))
    wheel = replace(wheel, project=project)
    train(wheel, tell=say_nothing)
    return wheel


def test_every_trial_says_what_it_was_made_from(searched: Any) -> None:
    trials = searched.catalog.trials.list()
    assert [trial["number"] for trial in trials] == list(range(1, len(trials) + 1))
    first = trials[0]
    assert first["contract"] == searched.contract.id
    assert first["snapshot"]["rows"] == 400
    assert set(first["score"]) == {"value", "low", "high", "rows"}
    assert first["environment"]["optuna"]
    assert read_trial(first).fitted == {"C": 0.01}


def test_the_same_rows_repeat_the_choice_from_the_record(searched: Any) -> None:
    """Another process finds the search finished: no fit is searched for again, and the same model comes out."""
    before = len(searched.catalog.trials.list())
    again = replace(open_wheel(searched.project.folder), project=searched.project)
    done = train(again, tell=say_nothing)
    assert len(again.catalog.trials.list()) == before
    assert [version.id for version in again.catalog.versions()] == [done.version.id]


def test_two_trials_are_compared_setting_by_setting(searched: Any) -> None:
    told = compare_trials(searched, 1, 2)
    assert told["settings"] == {"C": [0.01, 0.1]}
    assert told["difference"] == told["scores"][1] - told["scores"][0]
    assert told["same_rows"]
    with pytest.raises(UsageError, match="no trial 999"):
        compare_trials(searched, 1, 999)


def test_the_verb_lists_shows_and_compares(searched: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = searched.project.folder
    list_trials(folder, as_json=True)
    listed = json.loads(capsys.readouterr().out)["trials"]
    assert listed[0]["family"] == "linear"
    show_trial(1, project=folder)
    assert "Settings: C 0.01" in capsys.readouterr().out
    compare(1, 2, project=folder)
    assert "C: 0.01" in capsys.readouterr().out


def test_the_commit_of_the_project_is_noted(tmp_path: Path) -> None:
    assert find_revision(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "model.py").write_text("1")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    commit = find_revision(tmp_path)
    assert len(commit) == 40
    (tmp_path / "model.py").write_text("2")
    assert find_revision(tmp_path) == f"{commit}+"
