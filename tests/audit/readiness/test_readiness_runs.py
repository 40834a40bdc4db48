"""How checks come to run: by a person from the command line, and by the loop when they are due."""

import json
import shutil
from pathlib import Path

import pytest

from trimtab import config
from trimtab.audit.readiness.examine import examine
from trimtab.audit.readiness.found import LOOP
from trimtab.audit.readiness.ground import without_sources
from trimtab.audit.readiness.record import read_examinations
from trimtab.cli import main
from trimtab.loop.drill import drill_when_due
from trimtab.loop.state import open_wheel
from trimtab.nouns import State

from .conftest import Twin, say_nothing


def test_the_loop_runs_the_drills_when_they_are_due_and_notes_them_as_its_own(twin: Twin) -> None:
    """Where nothing was promoted yet no check can tell, and all are over at once: that is noted, too."""
    shutil.rmtree(twin.folder / ".trimtab")
    declared = twin.folder / "trimtab.toml"
    declared.write_text(f'{declared.read_text(encoding="utf-8")}[loop]\ndrills = "7d"\n', encoding="utf-8")
    wheel = open_wheel(twin.folder)
    told = drill_when_due(wheel, tell=say_nothing)
    assert told.startswith("drills: "), told
    (noted,) = read_examinations(wheel.project)
    assert (noted.ran.by, len(noted.found)) == (LOOP, 26)
    assert {found.state for found in noted.found.values()} == {State.CANNOT_TELL}
    assert drill_when_due(wheel, tell=say_nothing) == ""


def test_a_turn_inside_a_drill_begins_no_drills_of_its_own(twin: Twin) -> None:
    """Drills turn the wheel on copies whose settings ask for drills, too: without end, were they begun."""
    declared = twin.folder / "trimtab.toml"
    declared.write_text(f'{declared.read_text(encoding="utf-8")}[loop]\ndrills = "7d"\n', encoding="utf-8")
    wheel = open_wheel(twin.folder)
    assert wheel.project.loop.drills is not None
    assert drill_when_due(without_sources(wheel), tell=say_nothing) == ""


def test_without_a_setting_no_drill_is_ever_due(twin: Twin) -> None:
    assert drill_when_due(open_wheel(twin.folder), tell=say_nothing) == ""


def test_examining_some_tests_tells_of_each(project: Path) -> None:
    lines: list[str] = []
    examination = examine(project, by="person:me", tell=lines.append, only={"data.1", "model.4"})
    assert lines == [
        "[1/2] data.1: rows against the contract, whole and spoiled",
        "[2/2] model.4: how the champion ages",
    ]
    assert {test: found.state for test, found in examination.found.items()} == {
        "data.1": State.PASS,
        "model.4": State.PASS,
    }


def test_the_verb_reads_the_record_and_people(twin: Twin, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(twin.folder)
    signing = ["audit", "--project", folder, "--sign", "model.7", "--statement", "About flights, not about people."]
    assert main(signing) == 0
    capsys.readouterr()
    assert main(["audit", "--project", folder, "--no-drills", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["score"], facts["automatic_score"], facts["project"]) == (0.0, 0.0, "small")
    assert facts["sections"]["model"] == {"score": 0.5, "automatic": 0.0}
    assert main(["audit", "--project", folder, "--no-drills", "--at-least", "1"]) == 1
    assert "MODEL 0.5 of 7 (without attestations 0.0)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["audit"],
        ["audit", "http://127.0.0.1:1", "--project", "."],
        ["audit", "--project", "FOLDER", "--record", "--no-drills"],
        ["audit", "--project", "FOLDER", "--sign", "data.9", "--statement", "x"],
        ["audit", "--project", "FOLDER", "--sign", "data.4", "--statement", "x", "--until", "soon"],
    ],
)
def test_what_makes_no_sense_is_refused(twin: Twin, words: list[str]) -> None:
    assert main([str(twin.folder) if word == "FOLDER" else word for word in words]) == 2


def test_a_copy_whose_state_would_be_the_projects_own_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting in the environment names one folder for both: then nothing is run."""
    monkeypatch.setenv("TRIMTAB_STORE__FOLDER", str(config.load(project).state))
    assert main(["audit", "--project", str(project)]) == 3
    assert "where the project's own may be" in capsys.readouterr().err
