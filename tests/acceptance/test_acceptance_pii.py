"""A personal value is nowhere below the project in clear: rows, bad rows, bad lines, answers; and it can be erased."""

import json
import random
from pathlib import Path

import pytest

from trimtab.cli import main
from trimtab.store.lake import Lake

CANARY = "canary-7f3a"
KEY = "k" * 32


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose column `who` is personal and the key of its rows; each value holds the canary."""
    chance = random.Random(7)
    rows = [(f"{CANARY}-{n}", chance.random(), chance.random() < 0.4) for n in range(400)]
    lines = [f"{who},{size:.3f},{int(size > 0.5) ^ int(wrong)}" for who, size, wrong in rows]
    data = tmp_path / "rows.csv"
    data.write_text("\n".join(["who,size,late", *lines, ""]))
    folder = tmp_path / "p"
    monkeypatch.setenv("TRIMTAB_PII_KEY", KEY)
    assert main(["init", str(folder), "--data", str(data), "--target", "late", "--order", "file"]) == 0
    with data.open("a") as file:
        file.write(f"{CANARY}-400,much,1\n{CANARY}-401,0.5\n")
    contract = folder / "contract.toml"
    text = contract.read_text()
    begin = text.index("[columns.who]")
    rest = text[begin:].partition("\n\n")[2]
    personal = '[columns.who]\ntype = "text"\nrole = "key"\npii = true\n\n'
    contract.write_text((text[:begin] + personal + rest).replace("[row]\n", '[row]\nkey = ["who"]\n'))
    return folder


def places_of(folder: Path, word: str) -> list[str]:
    """Return the files of the record that hold a word, tables unpacked."""
    found = [str(file) for file in folder.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]
    lake = Lake(folder / "lake")
    found += [name for name in lake.tables() if word in lake.read(name).collect().write_json()]
    return found


def test_no_personal_value_is_kept_in_clear(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(project)]) == 0
    asked = tmp_path / "asked.csv"
    asked.write_text(f"who,size\n{CANARY}-500,0.25\n")
    assert main(["score", str(project), "--input", str(asked), "--output", str(tmp_path / "out.csv")]) == 0
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert places_of(project / ".trimtab", CANARY) == []
    assert places_of(project / ".trimtab", "pii:")


def test_a_person_is_erased_by_the_value_in_clear(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(project)]) == 0
    capsys.readouterr()
    assert main(["erase", "--key", f"{CANARY}-3", "--project", str(project), "--json"]) == 0
    erased = json.loads(capsys.readouterr().out)
    assert erased["rows"] >= 2
    assert erased["versions"]
    assert main(["erase", "--key", f"{CANARY}-3", "--project", str(project), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 0


def test_without_its_key_nothing_is_read(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TRIMTAB_PII_KEY")
    assert main(["ingest", str(project)]) == 2
    assert "TRIMTAB_PII_KEY" in capsys.readouterr().err
