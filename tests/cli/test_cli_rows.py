"""The verbs about rows: what came in, what is wrong with it, where it went, what is let in, erased and tidied."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trimtab.cli import main

PROJECT = """
format = 1
[project]
name = "clinic"
[sources.visits]
kind = "files"
path = "drop"
[train]
families = ["baseline"]
budget = "0s"
"""
CONTRACT = """
format = 1
[row]
key = ["id"]
order = "file"
[target]
column = "well"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "text"
role = "key"
[columns.age]
type = "integer"
required = true
hard = [0, 150]
"""
GOOD = [f"p{number},{20 + number % 60},{'yes' if number % 3 else 'no'}" for number in range(220)]
BAD = ["q1,200,yes", "q2,,perhaps", "q3,1e400,no", "q4,too,many,cells"]

Say = Callable[..., tuple[int, Any]]


def make_project(folder: Path) -> Path:
    """224 lines: 220 good rows, three that break four rules, one that is no row."""
    (folder / "drop").mkdir(parents=True)
    (folder / "trimtab.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (folder / "drop" / "a.csv").write_text("\n".join(["id,age,well", *GOOD, *BAD]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a Version, which no test changes."""
    folder = make_project(tmp_path_factory.mktemp("trained") / "p")
    assert main(["train", str(folder)]) == 0
    return folder


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A project whose rows are in, with exit code 1 for the bad ones."""
    folder = make_project(tmp_path / "p")
    assert main(["ingest", str(folder)]) == 1
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a verb with --json; return its exit code and its one object."""

    def run(*words: object) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, words), "--json"])
        (line,) = capsys.readouterr().out.splitlines()
        return code, json.loads(line)

    return run


def test_ingest_accounts_for_every_line_and_every_rule(tmp_path: Path, say: Say) -> None:
    folder = make_project(tmp_path / "p")
    code, facts = say("ingest", folder)
    assert code == 1
    assert facts["rows"] == {"in": 224, "accepted": 220, "quarantined": 3, "rejected": 1}
    assert facts["outcomes"] == {"in": 0, "accepted": 0, "rejected": 0}
    assert facts["rules"] == {
        "line:4 values where the header has 3": 1,
        "age:hard_range": 1,
        "age:missing": 1,
        "age:not_finite": 1,
        "well:unknown_class": 1,
    }
    assert say("ingest", folder)[0] == 0


def test_outcomes_of_a_source_are_counted_apart_from_rows(tmp_path: Path, say: Say) -> None:
    folder = make_project(tmp_path / "p")
    (folder / "drop" / "a.csv").write_text("id,age\np1,30\np2,31\n", encoding="utf-8")
    (folder / "truth.csv").write_text("id,well\np1,yes\np2,perhaps\n,no\n", encoding="utf-8")
    more = '[sources.truth]\nkind = "files"\npath = "truth.csv"\nrole = "outcomes"\nkey = ["id"]\nvalue = "well"\n'
    (folder / "trimtab.toml").write_text(PROJECT + more, encoding="utf-8")
    code, facts = say("ingest", folder)
    assert code == 1
    assert facts["rows"] == {"in": 2, "accepted": 2, "quarantined": 0, "rejected": 0}
    assert facts["outcomes"] == {"in": 3, "accepted": 1, "rejected": 2}
    truth = say("status", folder, "--lineage")[1]["lineage"]["sources"][1]
    assert (truth["rows_in"], truth["quarantined"], truth["rows_out"]) == (3, 2, 1)


def test_check_says_the_same_of_a_file_and_keeps_nothing(trained: Path, say: Say) -> None:
    before = say("status", trained)[1]["rows"]
    code, facts = say("check", trained / "drop" / "a.csv", "--project", trained)
    assert code == 1
    assert facts["rows"] == {"in": 224, "accepted": 220, "quarantined": 3, "rejected": 1}
    assert facts["rules"]["age:hard_range"] == 1
    assert facts["examples"]["age:hard_range"] == ["222"]
    assert facts["columns"]["age"]["refused"] == 3
    assert say("status", trained)[1]["rows"] == before


def test_check_of_good_rows_is_0_and_of_no_file_2(trained: Path, tmp_path: Path, say: Say) -> None:
    (tmp_path / "good.csv").write_text("id,age,well\nx,1,no\n", encoding="utf-8")
    code, facts = say("check", tmp_path / "good.csv", "--project", trained)
    assert (code, facts["rows"]["in"], facts["rules"]) == (0, 1, {})
    assert facts["notes"][0] == "1 of 1 row is clean; 0 in quarantine (0.0%)."
    assert say("check", tmp_path / "absent.csv", "--project", trained)[0] == 2


def test_lineage_adds_up_from_the_source_to_what_was_learnt_from(trained: Path, say: Say) -> None:
    code, facts = say("status", trained, "--lineage")
    (source,), judged = facts["lineage"]["sources"], facts["lineage"]["contract"]
    assert code == 0
    assert source["rows_in"] == source["rejected"] + source["rows_out"] == 224
    assert judged["rows_in"] == judged["accepted"] + judged["quarantined"] == source["rows_out"] == 223
    assert facts["lineage"]["clean"] == judged["accepted"] == facts["lineage"]["labelled"] == 220
    assert facts["lineage"]["snapshot"] == {"version": "v1", "rows": 220}


def test_contract_show_and_diff_name_what_breaks_the_champion(
    trained: Path, tmp_path: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("contract", "show", "--project", trained)[1]["id"] == say("status", trained)[1]["contract"]
    code, facts = say("contract", "diff", "--project", trained)
    assert (code, facts["changes"], facts["breaks"]) == (0, [], False)
    other = tmp_path / "contract.toml"
    other.write_text(CONTRACT.replace('"integer"', '"number"').replace("150", "120"), encoding="utf-8")
    code, facts = say("contract", "diff", "champion", other, "--project", trained)
    assert (code, facts["breaks"]) == (1, True)
    assert {(one["where"], one["effect"]) for one in facts["changes"]} == {
        ("columns.age.type", "breaks"),
        ("columns.age.hard", "narrows"),
    }
    assert main(["contract", "diff", "v9", "--project", str(trained)]) == 2
    assert "v9" in capsys.readouterr().err


def test_contract_diff_names_the_versions_that_an_edit_breaks(trained: Path, say: Say) -> None:
    file = trained / "contract.toml"
    file.write_text(CONTRACT.replace('key = ["id"]', "key = []"), encoding="utf-8")
    try:
        code, facts = say("contract", "diff", "--project", trained)
    finally:
        file.write_text(CONTRACT, encoding="utf-8")
    assert (code, facts["broken_versions"]) == (1, ["v1"])


def test_quarantine_is_listed_shown_and_released_once(
    fresh: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    found = say("quarantine", "list", "--project", fresh)[1]["quarantine"]
    assert (found["total"], found["sources"]) == (4, {"visits": 4})
    assert sum(found["rules"].values()) == 5
    (wanted,) = (one for one in found["newest"] if one["reasons"] == ["age:hard_range"])
    shown = say("quarantine", "show", wanted["id"], "--project", fresh)[1]["quarantine"]
    assert json.loads(shown["raw"]) == {"id": "q1", "age": "200", "well": "yes"}
    (fresh / "contract.toml").write_text(CONTRACT.replace("150", "250"), encoding="utf-8")
    would = say("quarantine", "release", "--all", "--dry-run", "--project", fresh)
    code, done = say("quarantine", "release", "--all", "--project", fresh)
    assert (code, done["release"]["released"], done["release"]["refused"]) == (1, 1, 2)
    assert would == (code, {**done, "dry_run": True})
    assert say("quarantine", "release", "--all", "--project", fresh)[1]["release"]["released"] == 0
    assert say("status", fresh)[1]["rows"]["clean"] == 221
    assert main(["quarantine", "show", "nothing", "--project", str(fresh)]) == 2
    assert "quarantine list" in capsys.readouterr().err
    assert main(["quarantine", "release", "--project", str(fresh)]) == 2


def test_erase_looks_first_erases_once_and_refuses_an_unknown_column(
    fresh: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    code, would = say("erase", "--key", "p7", "--project", fresh, "--dry-run")
    assert (code, would["rows"], would["decision"], would["dry_run"]) == (0, 2, None, True)
    code, done = say("erase", "--key", "id=p7", "--project", fresh)
    assert (code, done["rows"], done["versions"]) == (0, 2, {})
    assert done["decision"]["action"] == "erase"
    assert "p7" not in json.dumps(done["decision"]["reasons"])
    assert say("erase", "--key", "p7", "--project", fresh)[1]["rows"] == 0
    assert main(["erase", "--key", "agee=7", "--project", str(fresh)]) == 2
    assert "no table has a column 'agee'; did you mean 'age'?" in capsys.readouterr().err


def test_store_tidy_says_what_it_would_do_and_does_it(fresh: Path, say: Say) -> None:
    code, would = say("store", "tidy", fresh, "--dry-run")
    assert (code, would["dry_run"]) == (0, True)
    code, done = say("store", "tidy", fresh)
    assert code == 0
    assert {one["table"] for one in done["tables"]} == {one["table"] for one in would["tables"]}
    assert say("status", fresh)[1]["rows"]["clean"] == 220
