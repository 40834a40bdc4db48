"""What waits in quarantine is told, shown, and released once after the contract was mended."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.cli.quarantine import list_rows, release_pending, show_row
from trimtab.errors import UsageError
from trimtab.loop.cycle import ingest
from trimtab.loop.quarantine import list_quarantine, show_entry
from trimtab.loop.release import Released, preview, release
from trimtab.loop.state import Wheel, open_wheel
from trimtab.store.lake import Lake

CONTRACT = """
format = 1
[row]
key = ["id"]
order = "file"
[target]
column = "y"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "text"
role = "key"
[columns.a]
type = "number"
hard = [0, 10]
"""
PROJECT = """
format = 1
[project]
name = "shop"
[sources.rows]
kind = "files"
path = "rows.csv"
[sources.truth]
kind = "files"
path = "truth.csv"
role = "outcomes"
key = ["id"]
value = "y"
"""


def say_nothing(_: str) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six rows, of which two are out of range and one line is none; three outcomes, of which one means nothing."""
    (tmp_path / "trimtab.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    rows = ["ann,1,yes", "bob,2,no", "cem,30,no", "dan,4,yes", "eve,50,no", "odd,line,with,more"]
    (tmp_path / "rows.csv").write_text("id,a,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "truth.csv").write_text("id,y\nann,no\nbob,perhaps\ndan,yes\n", encoding="utf-8")
    return tmp_path


def started(folder: Path) -> Wheel:
    wheel = open_wheel(folder)
    ingest(wheel, tell=say_nothing)
    return wheel


def mend(folder: Path, old: str, new: str) -> Wheel:
    """Return the project opened anew with another contract."""
    file = folder / "contract.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return open_wheel(folder)


def ids(wheel: Wheel) -> list[str]:
    return sorted(wheel.lake.read(wheel.clean).collect()["id"])


def test_the_account_is_exact_and_every_loss_has_its_reason(folder: Path) -> None:
    done = ingest(open_wheel(folder), tell=say_nothing)
    assert (done.rows_in, done.accepted, done.quarantined, done.rejected) == (6, 3, 2, 1)
    assert (done.outcomes, done.refused, done.all_good) == (2, 1, False)
    listing = list_quarantine(open_wheel(folder))
    assert (listing.total, listing.sources) == (4, {"rows": 3, "truth": 1})
    assert listing.rules["a:hard_range"] == 2
    assert sum(listing.rules.values()) == sum(done.reasons.values()) == 4


def test_a_row_is_shown_with_where_it_stood_and_what_was_said(folder: Path) -> None:
    wheel = started(folder)
    entry = list_quarantine(wheel, rule="a:hard_range", newest=1).newest[0]
    shown = show_entry(wheel, entry.id)
    assert entry.source == "rows"
    assert entry.offset is not None
    assert entry.offset.endswith(":6")
    assert json.loads(shown.raw)["id"] == "eve"
    assert entry.contract == wheel.contract.id


def test_unknown_rules_sources_and_ids_name_the_nearest(folder: Path) -> None:
    wheel = started(folder)
    with pytest.raises(UsageError, match="'a:hard_range'"):
        list_quarantine(wheel, rule="a:hard_rang")
    with pytest.raises(UsageError, match="'truth'"):
        list_quarantine(wheel, source="thruth")
    with pytest.raises(UsageError, match="has the id 'x'"):
        show_entry(wheel, "x")


def test_a_mended_contract_releases_each_row_once(folder: Path) -> None:
    started(folder)
    wheel = mend(folder, "hard = [0, 10]", "hard = [0, 40]")
    expected = Released(released=1, refused=1, rules={"a:hard_range": 1})
    assert preview(wheel, rule="a:hard_range") == expected
    assert release(wheel, rule="a:hard_range", tell=say_nothing) == expected
    assert ids(wheel) == ["ann", "bob", "cem", "dan"]
    assert release(wheel, tell=say_nothing) == Released()
    ingest(open_wheel(folder), tell=say_nothing)
    assert ids(wheel) == ["ann", "bob", "cem", "dan"]


class Crash(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_a_release_that_was_killed_is_completed_and_repeats_no_row(
    folder: Path, commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(folder)
    append, left = Lake.append, [commits]

    def append_or_die(*words: Any, **rest: Any) -> int | None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        return append(*words, **rest)

    wheel = mend(folder, "hard = [0, 10]", "hard = [0, 99]")
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", append_or_die)
        with suppress(Crash):
            release(wheel, tell=say_nothing)
    again = open_wheel(folder)
    release(again, tell=say_nothing)
    assert release(again, tell=say_nothing) == Released()
    assert ids(again) == ["ann", "bob", "cem", "dan", "eve"]
    freed = again.lake.read("quarantine").filter(pl.col("reasons").list.len() == 0).collect()
    assert sorted(freed["_row"]) == [2, 4]


def test_rows_that_came_in_by_an_ingest_are_not_released_again(folder: Path) -> None:
    started(folder)
    wheel = mend(folder, "hard = [0, 10]", "hard = [0, 99]")
    ingest(wheel, tell=say_nothing)
    assert preview(wheel) == Released()
    assert release(wheel, tell=say_nothing) == Released()
    listing = list_quarantine(wheel)
    assert "a:hard_range" not in listing.rules


def test_a_release_is_written_beside_the_refusal(folder: Path) -> None:
    wheel = started(folder)
    entry = list_quarantine(wheel, rule="a:hard_range").newest[0]
    wheel = mend(folder, "hard = [0, 10]", "hard = [0, 99]")
    release(wheel, tell=say_nothing)
    shown = show_entry(wheel, entry.id)
    assert [one.reasons for one in shown.judgements] == [("a:hard_range",), ()]
    assert json.loads(shown.raw)["id"] == "eve"


def test_an_outcome_that_was_refused_is_one_once_the_contract_knows_its_value(folder: Path) -> None:
    started(folder)
    three = 'task = "multiclass"\nclasses = ["no", "perhaps", "yes"]'
    wheel = mend(folder, 'task = "binary"\npositive = "yes"\nclasses = ["no", "yes"]', three)
    assert preview(wheel, rule="line:the value is none of 'no', 'yes'").released == 1
    assert release(wheel, tell=say_nothing).released == 1
    values = wheel.lake.read("outcomes").collect()["value"].to_list()
    assert sorted(values) == ["no", "perhaps", "yes"]


def test_going_back_and_forth_between_contracts_repeats_no_outcome(folder: Path) -> None:
    started(folder)
    binary, three = (
        'task = "binary"\npositive = "yes"\nclasses = ["no", "yes"]',
        'task = "multiclass"\nclasses = ["no", "perhaps", "yes"]',
    )
    for old, new in ((binary, three), (three, binary), (binary, three), ("hard = [0, 10]", "hard = [0, 60]")):
        wheel = mend(folder, old, new)
        ingest(wheel, tell=say_nothing)
        release(wheel, tell=say_nothing)
    assert wheel.lake.read("outcomes").collect().height == 3
    assert ids(wheel) == ["ann", "bob", "cem", "dan", "eve"]


def test_a_line_that_is_no_row_is_not_released_by_any_contract(folder: Path) -> None:
    started(folder)
    wheel = mend(folder, "hard = [0, 10]", "hard = [0, 99]")
    release(wheel, tell=say_nothing)
    assert [entry.source for entry in list_quarantine(wheel, source="rows").newest] == ["rows"]


def test_the_verbs_tell_and_answer_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started(folder)
    assert list_rows(project=folder, as_json=True) == 0
    listed = json.loads(capsys.readouterr().out)["quarantine"]
    assert listed["total"] == 4
    assert "eve" not in json.dumps(listed)
    assert show_row(listed["newest"][0]["id"], project=folder) == 0
    mend(folder, "hard = [0, 10]", "hard = [0, 40]")
    assert release_pending(everything=True, project=folder, dry_run=True) == 1
    assert "Nothing was changed" in capsys.readouterr().out
    assert release_pending(everything=True, project=folder, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["release"]["released"] == 1
    with pytest.raises(UsageError, match="--all"):
        release_pending(project=folder)
