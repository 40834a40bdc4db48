"""After an erasure nothing of the person is left below `.trimtab`, and everybody else's rows are as they were."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from trimtab import clock
from trimtab.errors import UsageError
from trimtab.loop.card import read_card, read_rows
from trimtab.loop.cycle import ingest, train
from trimtab.loop.erase import Erased, erase, look
from trimtab.loop.forward import forward
from trimtab.loop.known import load_labelled, resolve
from trimtab.loop.person import Person
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.upkeep import tidy
from trimtab.nouns import Column, Contract, Row, Target
from trimtab.store import open_claims, spool_folder
from trimtab.store.claims import Claim
from trimtab.store.files import write_whole
from trimtab.store.record import OutcomeRecord, PredictionRecord, encode, rfc3339
from trimtab.store.spool import Spool
from trimtab.train.card import render_card

NEEDLE = "n33dle-7f"
ODD = "3.27"
"""A feature that the needle alone has, and not at an end: the model answers that row wrong, so a card tells of it."""
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
clean = ["trim", "lower"]
[columns.a]
type = "number"
hard = [-9, 9]
"""
PROJECT = """
format = 1
[project]
name = "clinic"
[sources.rows]
kind = "files"
path = "drop"
[train]
families = ["linear"]
budget = "0s"
"""


def say_nothing(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a fitted Version; the needle is in every table, in old files and in the spool."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "drop").mkdir()
    (folder / "trimtab.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    rows = [f"p{number},{number % 7},{'yes' if number % 7 > 1 else 'no'}" for number in range(240)]
    rows[230] = f" {NEEDLE.upper()} ,{ODD},no"
    (folder / "drop" / "a.csv").write_text("id,a,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
    wheel = open_wheel(folder)
    ingest(wheel, tell=say_nothing)
    train(wheel, tell=say_nothing)
    bad = [f"{NEEDLE},99,yes", "q,1,no", f"{NEEDLE},one,more,than,columns"]
    (folder / "drop" / "b.csv").write_text("id,a,y\n" + "\n".join(bad) + "\n", encoding="utf-8")
    ingest(wheel, tell=say_nothing)
    tidy(wheel, tell=say_nothing)
    wheel.catalog.close()
    return folder


@pytest.fixture
def wheel(grown: Path, tmp_path: Path) -> Wheel:
    """A copy of it, opened; one answer and Outcome of the needle stand in the lake, another of each in the spool."""
    home = tmp_path / "clinic"
    shutil.copytree(grown, home)
    (home / ".trimtab" / "catalog.db").unlink(missing_ok=True)
    shutil.copy(grown / ".trimtab" / "catalog.db", home / ".trimtab" / "catalog.db")
    with sqlite3.connect(home / ".trimtab" / "catalog.db") as catalog:
        catalog.execute("update project set folder = ?", (str(home.resolve()),))
    catalog.close()
    opened = open_wheel(home)
    answer_and_tell(opened, "w0")
    forward(opened, tell=say_nothing, wait=0)
    answer_and_tell(opened, "w1")
    return opened


def answer_and_tell(wheel: Wheel, worker: str) -> None:
    """Acknowledge an answer about the needle and one about somebody else, each under a client's id; Outcomes too."""
    claims = open_claims(wheel.project)
    spool = Spool(spool_folder(wheel.project), worker)
    now = rfc3339(clock.now())
    for who in (NEEDLE, "other"):
        id_, row = clock.uuid7(), f'{{"id":"{who}","a":1}}'
        key = f'{{"id":"{who}"}}'
        given = PredictionRecord(id_, now, now, row, row, "yes", "{}", "v", 1, wheel.contract.id, key=key)
        told = [OutcomeRecord(clock.uuid7(), "yes", now, now, prediction_id=id_)]
        told.append(OutcomeRecord(clock.uuid7(), "no", now, now, key=key))
        records = [("prediction", id_, encode(given)), *(("outcome", one.id, encode(one)) for one in told)]
        spool.put(records).result()
        claims.put([Claim(f"{worker} {who}", b"question", id_, b"reply", "holder")]).result()
    spool.close()
    claims.close()


def places(root: Path) -> list[str]:
    """Return the files below a folder that hold the needle or its odd value, as they are or as a value of a table."""
    found = []
    for path in (path for path in root.rglob("*") if path.is_file()):
        text = path.read_bytes().lower()
        if path.suffix == ".parquet":
            text += str(pl.read_parquet(path, glob=False).to_dicts()).lower().encode()
        if re.search(rb"n33dle-7f|(?<![\d.])3\.27(?!\d)", text):
            found.append(str(path.relative_to(root)))
    return found


def count_rows(wheel: Wheel) -> dict[str, int]:
    return {table: wheel.lake.read(table).collect().height for table in wheel.lake.tables()}


def take(wheel: Wheel) -> Erased:
    return erase(wheel, [NEEDLE], by="ann", tell=say_nothing)


def test_nothing_is_left_in_any_file_and_nobody_else_loses_a_row(wheel: Wheel) -> None:
    assert len(places(wheel.project.state)) > 6
    done = take(wheel)
    assert places(wheel.project.state) == []
    clean = wheel.clean
    assert done.tables == {clean: 1, "outcomes": 4, "predictions": 2, "quarantine": 2, "raw/rows": 2}
    assert count_rows(wheel) == {clean: 240, "outcomes": 4, "predictions": 2, "quarantine": 0, "raw/rows": 240}
    assert wheel.lake.read("predictions").collect()["key"].to_list() == ['{"id":"other"}'] * 2


def test_looking_first_counts_and_changes_nothing(wheel: Wheel) -> None:
    before = places(wheel.project.state)
    would = look(wheel, [f"id={NEEDLE}"])
    assert (would.tables["raw/rows"], would.waiting, would.decision) == (2, 6, None)
    assert places(wheel.project.state) == before


def test_the_journal_notes_it_without_the_key_and_still_holds(wheel: Wheel) -> None:
    done = take(wheel)
    assert done.decision is not None
    assert (done.decision.action, done.decision.by) == ("erase", "person:ann")
    assert NEEDLE not in str(done.decision).lower()
    assert wheel.catalog.journal()[-1] == done.decision
    assert wheel.catalog.verify_journal().state == "pass"


def test_a_snapshot_keeps_its_fingerprint_and_says_what_it_lost(wheel: Wheel) -> None:
    (before,) = wheel.catalog.versions()
    take(wheel)
    (after,) = wheel.catalog.versions()
    assert after.snapshot.fingerprint == before.snapshot.fingerprint
    assert (after.snapshot.rows, after.snapshot.erased_rows) == (240, 1)
    pinned = wheel.lake.read(wheel.clean, version=after.snapshot.pins[wheel.clean]).collect()
    assert pinned.height == 239
    assert wheel.package(after.id).threshold is not None


def test_a_card_shows_what_its_mistakes_hold_until_the_rows_are_erased(wheel: Wheel) -> None:
    (version,) = wheel.catalog.versions()
    files = read_card(wheel, version)
    assert f"`{ODD}`" in render_card(files, read_rows(wheel, version, files))
    take(wheel)
    assert read_card(wheel, version) == files
    assert read_rows(wheel, version, files) is None
    assert not any(ODD.encode() in content for content in files.values())


def test_the_wheel_goes_on(wheel: Wheel) -> None:
    take(wheel)
    (wheel.project.folder / "drop" / "c.csv").write_text("id,a,y\nnew,1,yes\n", encoding="utf-8")
    again = open_wheel(wheel.project.folder)
    assert ingest(again, tell=say_nothing).accepted == 1
    assert load_labelled(again, resolve(again, None)).rows.height == 242
    assert NEEDLE not in load_labelled(again, resolve(again, None)).rows["id"].to_list()


def test_a_second_erasure_finds_nothing_and_decides_nothing(wheel: Wheel) -> None:
    take(wheel)
    decisions = wheel.catalog.journal()
    assert take(wheel).rows == 0
    assert wheel.catalog.journal() == decisions


class Crash(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("calls", [0, 1, 3, 9])
def test_an_erasure_that_was_killed_is_completed_by_the_next_with_the_same_account(
    wheel: Wheel, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [calls]

    def write_or_die(path: Path, text: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        write_whole(path, text)

    with monkeypatch.context() as patch:
        patch.setattr("trimtab.store.erasure.write_whole", write_or_die)
        with pytest.raises(Crash):
            take(wheel)
    done = take(open_wheel(wheel.project.folder))
    assert places(wheel.project.state) == []
    assert (sum(done.tables.values()), done.versions) == (11, {"v1": 1})
    (version,) = wheel.catalog.versions()
    assert version.snapshot.erased_rows == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--key: is required"),
        (["id= "], "--key: has an empty value"),
        (["i=x", ""], "--key: has an empty value"),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused(wheel: Wheel, words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match="not clear whose rows") as caught:
        look(wheel, words)
    assert said in [str(mistake) for mistake in caught.value.mistakes]


def compare(kind: str, wanted: str, **more: object) -> Callable[[object], bool]:
    column = Column("id", kind, "key", **more)  # type: ignore[arg-type]  # the parametrised kinds are types
    contract = Contract(Row(key=("id",)), Target("y", "regression"), (column,))
    person = Person(contract, {"id": wanted})
    return lambda value: bool(person.find(pl.DataFrame({"id": [value]}))[0])


def test_a_value_is_the_same_however_it_is_written() -> None:
    assert [compare("integer", "42")(one) for one in ("42", " 42 ", 42, 42.0, 420, "x", None)] == [True] * 4 + [
        False
    ] * 3
    assert compare("text", "9007199254740993")(9007199254740993)
    assert not compare("text", "9007199254740993")(9007199254740992)
    assert compare("text", "Ann", clean=("lower",))("ANN")
    assert not compare("text", "Ann")("ann")


def test_several_columns_must_all_agree_and_other_words_do_not_count() -> None:
    contract = Contract(Row(key=("a", "b")), Target("y", "regression"), (Column("a", "text"), Column("b", "text")))
    person = Person(contract, {"a": "x", "b": "1"})
    rows = pl.DataFrame({"a": ["x", "x", "z"], "b": ["1", "2", "1"], "raw": ['{"a": "q"}', "x,1,extra", "xx,11"]})
    assert person.find(rows).to_list() == [True, True, False]
    assert person.is_in_text(msgspec.json.encode({"b": 1, "a": "x"}).decode())
