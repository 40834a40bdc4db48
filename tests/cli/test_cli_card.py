"""`trimtab card`: prints, writes a page, and says with its exit code whether the numbers hold."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from trimtab.cli.app import main

TRAIN = '\n[train]\nfamilies = ["baseline", "linear"]\nbudget = "0s"\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card")
    chance = np.random.default_rng(4)
    size = chance.normal(size=500)
    good = np.where(chance.random(500) < 1 / (1 + np.exp(-2 * size)), "yes", "no")
    rows = "\n".join(f"{one:.4f},{label}" for one, label in zip(size, good, strict=True))
    (folder / "rows.csv").write_text(f"size,good\n{rows}\n")
    main(["init", str(folder / "p"), "--data", str(folder / "rows.csv"), "--target", "good", "--order", "file"])
    file = folder / "p" / "trimtab.toml"
    text = re.sub(r"(?ms)^\[train\].*?(?=^\[|\Z)", "", file.read_text())
    file.write_text(text + TRAIN)
    main(["train", str(folder / "p")])
    return folder / "p"


def test_card_prints_the_file_of_the_version_and_what_its_mistakes_hold(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", "champion", "--project", str(project)]) == 0
    (kept,) = (project / ".trimtab" / "blobs").rglob("card.md")
    shown, own = (text.splitlines() for text in (capsys.readouterr().out, kept.read_text()))
    assert len(shown) == len(own)
    other = [line for line, before in zip(shown, own, strict=True) if line != before]
    assert other[0].startswith("| row | it said | truth |")
    assert all(line.startswith(("|", "Rows of the test part")) for line in other)


def test_card_as_a_page(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "card.html"
    assert main(["card", "v1", "--project", str(project), "--html", str(file)]) == 0
    assert main(["card", "v1", "--project", str(project), "--html", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["card", "v1", "--project", str(project), "--html", str(file), "--overwrite"]) == 0
    assert main(["card", "v1", "--project", str(project), "--format", "html"]) == 0
    assert capsys.readouterr().out.endswith(file.read_text())


def test_verify_is_0_and_1_after_one_number_was_changed(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["card", "champion", "--project", str(project)])
    text = capsys.readouterr().out
    copy = tmp_path / "README.md"
    copy.write_text(text)
    assert main(["card", "champion", "--project", str(project), "--verify", "--file", str(copy)]) == 0
    assert "to the letter" in capsys.readouterr().out
    stated = re.search(r"\| roc_auc \| 0\.(\d+)", text)
    assert stated
    copy.write_text(text.replace(f"| roc_auc | 0.{stated[1]}", "| roc_auc | 0.999"))
    assert main(["card", "champion", "--project", str(project), "--verify", "--file", str(copy)]) == 1
    told = capsys.readouterr().out
    assert f"How good it is: it says 0.999, the record 0.{stated[1]}" in told
    assert "1 of" in told


def test_verify_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "v1", "--project", str(project), "--verify", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["is_own"], facts["holds"], facts["differences"]) == ("v1", True, True, [])
    assert facts["hash"] == facts["own_hash"]


@pytest.mark.parametrize(
    "flags",
    [
        ["--file", "x.md"],
        ["--verify", "--file", "nowhere.md"],
        ["--html", "x.html", "--verify"],
        ["--html", "nowhere/at/all/x.html"],
    ],
)
def test_flags_that_make_no_sense_are_refused(project: Path, flags: list[str]) -> None:
    assert main(["card", "v1", "--project", str(project), *flags]) == 2


def test_an_unknown_version_is_refused_by_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "v9", "--project", str(project)]) == 2
    assert "v9" in capsys.readouterr().err
