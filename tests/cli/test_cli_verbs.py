"""The verbs on a real small project: answers, JSON, exit codes, and what a newcomer gets wrong."""

import json
import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trimtab.cli import main

Ask = Callable[..., tuple[int, dict[str, Any]]]


def write_rows(path: Path, rows: int, seed: int = 7) -> Path:
    """A class that two columns explain; every twentieth colour is missing."""
    chance = random.Random(seed)
    lines = ["size,colour,good"]
    for number in range(rows):
        size, colour = chance.random(), chance.choice(["red", "green", "blue"])
        good = size + (colour == "red") * 0.5 + chance.gauss(0, 0.1) > 0.75
        lines.append(f"{size:.3f},{'' if number % 20 == 0 else colour},{'yes' if good else 'no'}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its first Version, made by the verbs themselves."""
    folder = tmp_path_factory.mktemp("world")
    data = write_rows(folder / "rows.csv", 400)
    assert main(["init", str(folder / "p"), "--data", str(data), "--target", "good", "--order", "file"]) == 0
    assert main(["train", str(folder / "p")]) == 0
    return folder


@pytest.fixture
def ask(world: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a verb with --json on the project and return its exit code and object."""

    def run(verb: str, *words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        where = ["--project", str(world / "p")] if verb in {"check", "promote", "explain"} else [str(world / "p")]
        code = main([verb, *words, *where, "--json"])
        out = capsys.readouterr().out
        assert out.count("\n") == 1, "one object, on one line, and nothing else"
        return code, json.loads(out)

    return run


def test_init_writes_both_files_and_says_what_it_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rows(tmp_path / "rows.csv", 300)
    assert main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "good", "--order", "file"]) == 0
    assert {"trimtab.toml", "contract.toml"} <= {path.name for path in (tmp_path / "p").iterdir()}
    assert "yes" in capsys.readouterr().out


def test_init_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "rows.csv", 300)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--data", "rows.csv", "--target", "good"]) == 0
    assert (tmp_path / "trimtab.toml").exists()


def test_init_names_the_nearest_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rows(tmp_path / "rows.csv", 300)
    assert main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "god"]) == 2
    assert "good" in capsys.readouterr().err


def test_init_says_that_a_file_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "p"), "--data", str(tmp_path / "no.csv"), "--target", "y"]) == 2
    assert "no.csv" in capsys.readouterr().err


def test_init_without_target_says_which_option_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rows(tmp_path / "rows.csv", 300)
    assert main(["init", str(tmp_path / "p"), "--data", str(data)]) == 2
    assert "--target" in capsys.readouterr().err


def test_second_init_changes_nothing(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (world / "p" / "contract.toml").read_bytes()
    assert main(["init", str(world / "p"), "--data", str(world / "rows.csv"), "--target", "good"]) == 2
    assert (world / "p" / "contract.toml").read_bytes() == before


def test_too_few_rows_are_said_with_the_number_that_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_rows(tmp_path / "rows.csv", 120)
    assert main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "good", "--order", "file"]) == 1
    told = capsys.readouterr().err
    assert "120" in told
    assert "200" in told


@pytest.mark.parametrize("verb", ["status", "train", "ingest", "tick", "versions", "journal", "rollback", "serve"])
def test_folder_that_is_no_project_is_said(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "no trimtab project" in told
    assert "trimtab init" in told


def test_unknown_option_names_the_nearest(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(world / "p"), "--jsn"]) == 2
    assert "--json" in capsys.readouterr().err


def test_status_names_the_champion(ask: Ask) -> None:
    code, facts = ask("status")
    assert code == 0
    assert facts["champion"]["name"] == "v1"
    assert facts["rows"]["clean"] == 400


def test_versions_lists_the_champion(ask: Ask) -> None:
    code, facts = ask("versions", "--verify")
    assert code == 0
    assert [(version["name"], version["standing"], version["fault"]) for version in facts["versions"]] == [
        ("v1", "champion", "")
    ]


def test_versions_is_a_table_for_people(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", str(world / "p")]) == 0
    assert re.search(r"v1 +[0-9a-f]{12} +champion", capsys.readouterr().out)


def test_altered_version_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rows(tmp_path / "rows.csv", 300)
    main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "good", "--order", "file"])
    main(["train", str(tmp_path / "p")])
    card = next((tmp_path / "p" / ".trimtab" / "blobs").rglob("card.md"))
    card.chmod(0o644)
    card.write_text(card.read_text() + "better than it was\n")
    assert main(["versions", str(tmp_path / "p"), "--verify"]) == 1
    assert "card.md" in capsys.readouterr().out


def test_journal_holds_the_first_promotion_and_its_chain(ask: Ask) -> None:
    code, facts = ask("journal", "--verify")
    assert code == 0
    assert facts["decisions"][0]["action"] == "promote"
    assert facts["verified"]["state"] == "pass"


def test_ingest_reads_nothing_twice(ask: Ask) -> None:
    code, facts = ask("ingest")
    assert (code, facts["rows"]) == (0, {"in": 0, "accepted": 0, "quarantined": 0, "rejected": 0})


def test_check_counts_bad_rows_and_keeps_nothing(ask: Ask, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("size,colour,good\n0.5,red,yes\nbig,red,no\n")
    code, facts = ask("check", str(bad))
    assert code == 1
    assert facts["rows"] == {"in": 2, "accepted": 1, "quarantined": 1, "rejected": 0}
    assert facts["rules"] == {"size:not_a_number": 1}
    assert ask("status")[1]["rows"]["quarantine"] == 0


def test_score_answers_each_row_in_order(ask: Ask, world: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    data = write_rows(tmp_path / "new.csv", 50, seed=8)
    code, facts = ask("score", "--input", str(data), "--output", str(answers))
    assert code == 0
    assert len(answers.read_text().splitlines()) == 51
    assert facts["output"] == str(answers)


def test_outcomes_and_explain_follow_a_scored_row(ask: Ask, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    ask("score", "--input", str(write_rows(tmp_path / "new.csv", 5, seed=9)), "--output", str(answers))
    names, first, *_ = (line.split(",") for line in answers.read_text().splitlines())
    id_ = first[names.index("prediction_id")].strip('"')
    truth = tmp_path / "truth.csv"
    truth.write_text(f"prediction_id,value\n{id_},yes\n{id_},perhaps\n")
    code, facts = ask("outcomes", "--input", str(truth))
    assert (code, facts["outcomes"]["accepted"], len(facts["outcomes"]["rejected"])) == (1, 1, 1)
    told = ask("explain", id_)[1]
    assert told["outcome"]["value"] == "yes"
    assert told["same"] is True


def test_outcomes_wants_a_file_or_a_source_in_doubt(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outcomes", str(world / "p")]) == 2
    assert "--input FILE or --believe SOURCE" in capsys.readouterr().err
    assert main(["outcomes", str(world / "p"), "--believe", "file"]) == 2
    assert "not in doubt" in capsys.readouterr().err


def test_explain_of_nothing_known_says_what_to_give(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "nothing", "--project", str(world / "p")]) == 2
    assert "prediction_id" in capsys.readouterr().err


def test_tick_turns_and_says_which_epoch_answers(ask: Ask) -> None:
    code, facts = ask("tick")
    assert code == 0
    assert facts["turn"]["epoch"] == 1


def test_tick_refuses_a_moment_without_zone(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tick", str(world / "p"), "--as-of", "2026-01-31T12:00:00"]) == 2
    assert "time zone" in capsys.readouterr().err


def test_promote_dry_run_changes_nothing(ask: Ask) -> None:
    code, facts = ask("promote", "v1", "--dry-run")
    assert (code, facts["dry_run"], facts["replaces"]) == (0, True, facts["version"])
    assert ask("status")[1]["epoch"] == 1


def test_promote_of_an_unknown_version_says_where_they_are_listed(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["promote", "v9", "--project", str(world / "p")]) == 2
    assert "trimtab versions" in capsys.readouterr().err


def test_doctor_finds_nothing_wrong(ask: Ask) -> None:
    code, facts = ask("doctor")
    assert code == 0, [check for check in facts["checks"] if check["state"] == "fail"]


def test_doctor_names_an_unknown_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rows(tmp_path / "rows.csv", 300)
    main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "good", "--order", "file"])
    settings = tmp_path / "p" / "trimtab.toml"
    settings.write_text(settings.read_text() + "\n[serve]\nprot = 1\n")
    assert main(["doctor", str(tmp_path / "p")]) == 1
    assert "port" in capsys.readouterr().out


def test_altered_journal_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody with the file can lift the locks of SQLite; the chain of hashes tells all the same."""
    data = write_rows(tmp_path / "rows.csv", 300)
    main(["init", str(tmp_path / "p"), "--data", str(data), "--target", "good", "--order", "file"])
    main(["train", str(tmp_path / "p")])
    with sqlite3.connect(tmp_path / "p" / ".trimtab" / "catalog.db") as file:
        for (name,) in file.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            file.execute(f'drop trigger "{name}"')
        file.execute("update decision set body = replace(body, 'promote', 'refuse')")
    file.close()
    assert main(["journal", str(tmp_path / "p"), "--verify"]) == 1
    assert main(["journal", str(tmp_path / "p")]) == 0
