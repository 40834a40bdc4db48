"""Versions, Trims, Decisions, states and leases: what is written comes back equal, and only once."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trimtab.errors import Busy, StoreError, UsageError
from trimtab.nouns import Decision, Finding, Interval, Judgement, Member, Snapshot, State, Trim, Verdict, Version
from trimtab.nouns.verdict import Action
from trimtab.store import schema
from trimtab.store.catalog import Catalog

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / ".trimtab" / "catalog.db", "flights", tmp_path).open()
    yield opened
    opened.close()


def make_version(digit: str) -> Version:
    snapshot = Snapshot(NOON, {"clean": 3, "outcomes": -1}, 1000, "f" * 64, since="a", until="b")
    return Version(digit * 12, 0, "linear", {"family": "linear", "C": 0.1}, "c" * 12, snapshot, {"log_loss": 0.4}, NOON)


def make_decision(action: Action = "keep", version: str | None = None, **more: object) -> Decision:
    return Decision(action, "gate:paired", ("because it is so: Größe 3,5",), NOON, NOON, version=version, **more)  # type: ignore[arg-type]


def promote(catalog: Catalog, digit: str) -> Decision:
    trim = Trim(catalog.epoch() + 1, (Member(digit * 12),), 0.5)
    return catalog.decide(make_decision("promote", digit * 12), trim)


FULL = make_decision(
    "promote",
    "a" * 12,
    verdict=Verdict(
        challenger="a" * 12,
        champion="b" * 12,
        rows=1500,
        differences={"log_loss": Interval(-0.01, -0.02, float("inf"), 1500)},
        gates=(
            Judgement("paired", State.CANNOT_TELL, ("too few rows",), {"e": 1.25, "rows": 3, "why": "x", "no": None}),
        ),
    ),
    finding=Finding("risk", Judgement("risk", State.FAIL, ("beyond",)), "b" * 12, NOON, fires=True),
)


def test_a_new_catalog_is_empty(catalog: Catalog) -> None:
    assert (catalog.epoch(), catalog.trim(), catalog.versions(), catalog.journal()) == (0, None, (), ())
    assert catalog.verify_journal().state is State.PASS


def test_versions_are_numbered_once(catalog: Catalog) -> None:
    first, second = catalog.add_version(make_version("a")), catalog.add_version(make_version("b"))
    assert (first.name, second.name) == ("v1", "v2")
    assert catalog.add_version(make_version("a")) == first
    assert catalog.versions() == (first, second)


def test_a_decision_comes_back_equal_in_every_field(catalog: Catalog) -> None:
    written = [catalog.decide(make_decision("wait")), catalog.decide(FULL)]
    assert list(catalog.journal()) == written
    again = written[1]
    assert (again.verdict, again.finding, again.at) == (FULL.verdict, FULL.finding, NOON)
    assert (again.number, again.previous_hash) == (2, written[0].hash)


def test_a_promotion_changes_trim_and_journal_together(catalog: Catalog) -> None:
    decided = promote(catalog, "a")
    assert (catalog.epoch(), decided.epoch) == (1, 1)
    trim = Trim(2, (Member("a" * 12, 0.25, (0.9, -0.1)), Member("b" * 12, 0.75)), None)
    catalog.decide(make_decision("trim"), trim)
    assert catalog.trim() == trim
    assert catalog.trim(1) == Trim(1, (Member("a" * 12),), 0.5)
    assert catalog.trim(3) is None


def test_who_decides_on_an_old_epoch_is_refused_and_nothing_is_written(catalog: Catalog) -> None:
    promote(catalog, "a")
    with pytest.raises(Busy, match=r"the epoch is 1, and this Decision was made at epoch 0"):
        catalog.decide(make_decision("promote"), Trim(1, (Member("b" * 12),)))
    assert len(catalog.journal()) == 1


def test_of_many_who_promote_at_once_one_wins(catalog: Catalog) -> None:
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda digit: try_promotion(catalog, digit), "abcdef"))
    assert (sum(won), catalog.epoch(), len(catalog.journal())) == (1, 1, 1)


def try_promotion(catalog: Catalog, digit: str) -> bool:
    try:
        catalog.decide(make_decision("promote"), Trim(1, (Member(digit * 12),)))
    except Busy:
        return False
    return True


def test_standings_follow_from_trims_and_journal(catalog: Catalog) -> None:
    for digit in "abc":
        catalog.add_version(make_version(digit))
    promote(catalog, "a")
    assert catalog.standings().challenger == "c" * 12
    catalog.decide(make_decision("refuse", "c" * 12))
    assert catalog.standings().challenger == "b" * 12
    promote(catalog, "b")
    assert (catalog.find_version("champion").name, catalog.find_version("previous").name) == ("v2", "v1")
    catalog.decide(make_decision("roll_back", "a" * 12), Trim(3, (Member("a" * 12),)))
    standings = catalog.standings()
    assert (standings.champion, standings.previous, standings.challenger) == ("a" * 12, "b" * 12, None)


@pytest.mark.parametrize("ref", ["a" * 12, "aaaa", "v1", "V1", " v1 "])
def test_a_version_is_found_by_any_of_its_names(catalog: Catalog, ref: str) -> None:
    catalog.add_version(make_version("a"))
    catalog.add_version(make_version("b"))
    assert catalog.find_version(ref).id == "a" * 12


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("champoin", "did you mean 'champion'"),
        ("champion", "there is no champion Version"),
        ("v11", "did you mean 'v1'"),
        ("abc0", "begins the ids of 2 Versions: abc000000001, abc000000002"),
        ("abc", "there is no Version 'abc'"),
    ],
)
def test_a_version_that_is_not_meant_clearly_is_refused(catalog: Catalog, ref: str, message: str) -> None:
    for number in (1, 2):
        catalog.add_version(replace(make_version("a"), id=f"abc00000000{number}"))
    with pytest.raises(UsageError, match=message):
        catalog.find_version(ref)


def test_before_the_first_training_every_name_is_answered_so(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="nothing is trained yet"):
        catalog.find_version("v1")


def test_a_state_is_replaced_whole(catalog: Catalog) -> None:
    assert catalog.get_state("risk") is None
    catalog.put_state("risk", {"m": [1.5, 2], "at": NOON})
    catalog.put_state("risk", {"m": [float("inf")]})
    catalog.put_state("growth", {"rows": 3})
    assert catalog.get_state("risk") == {"m": [float("inf")]}


# --- the journal cannot be changed unnoticed ------------------------------------------------------------------------


def damage(catalog: Catalog, *statements: str) -> None:
    with sqlite3.connect(catalog.file) as connection:
        for table in ("decision", "trim"):
            for deed in ("update", "delete"):
                connection.execute(f"drop trigger {table}_no_{deed}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("statement", ["update decision set body = ''", "delete from decision", "delete from trim"])
def test_the_file_itself_refuses_to_change_what_was_decided(catalog: Catalog, statement: str) -> None:
    promote(catalog, "a")
    connection = sqlite3.connect(catalog.file)
    with pytest.raises(sqlite3.IntegrityError, match="is append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "update decision set body = replace(body, 'keep', 'wait') where number = 2",
            "decision 2: its text does not have",
        ),
        ("delete from decision where number = 2", "decision 3: decision 2 is missing"),
        ("delete from decision where number = 1", "decision 2: decision 1 is missing"),
        ("delete from decision where number = 4", "decision 4: epoch 1 says that it was decided here"),
        ("update trim set decision = 2", "decision 2: epoch 1 says that it was decided here"),
    ],
)
def test_a_changed_journal_is_found_at_its_first_broken_line(catalog: Catalog, statement: str, reason: str) -> None:
    [catalog.decide(make_decision("keep")) for _ in range(3)]
    promote(catalog, "a")
    assert catalog.verify_journal().state is State.PASS
    damage(catalog, statement)
    judgement = catalog.verify_journal()
    assert judgement.state is State.FAIL
    assert reason in judgement.reasons[0]


def test_a_forged_line_with_a_right_hash_is_found_by_the_next(catalog: Catalog) -> None:
    first = catalog.decide(make_decision("keep"))
    catalog.decide(make_decision("keep"))
    forged = "sha('" + "' || replace(body, 'keep', 'wait'))"
    connection = sqlite3.connect(catalog.file)
    connection.create_function("sha", 1, lambda text: __import__("hashlib").sha256(text.encode()).hexdigest())
    connection.execute("drop trigger decision_no_update")
    connection.execute(f"update decision set hash = {forged}, body = replace(body, 'keep', 'wait') where number = 1")
    connection.commit()
    connection.close()
    judgement = catalog.verify_journal()
    assert judgement.evidence["number"] == 2
    assert catalog.journal()[0].hash != first.hash


# --- leases ---------------------------------------------------------------------------------------------------------


def test_a_lease_is_held_by_one_and_says_by_whom(catalog: Catalog) -> None:
    with catalog.lease("loop", "tick of process 7", 60) as lease:
        lease.renew()
        with pytest.raises(Busy, match=r"held by tick of process 7 on .* since 20"), catalog.lease("loop", "other", 60):
            pass
        with catalog.lease("train", "other", 60):
            pass


def test_every_holder_has_a_greater_token(catalog: Catalog) -> None:
    tokens = []
    for _ in range(3):
        with catalog.lease("loop", "me", 60) as lease:
            tokens.append(lease.token)
    assert tokens == [1, 2, 3]


def test_a_killed_holder_is_followed_at_once(catalog: Catalog, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from trimtab.store.catalog import Catalog\n"
        "catalog = Catalog(Path(sys.argv[1]), 'flights', Path(sys.argv[2])).open()\n"
        "with catalog.lease('loop', 'the dead one', 3600): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(catalog.file), str(tmp_path)], check=False)
    with catalog.lease("loop", "me", 60) as lease:
        assert lease.token == 2


def set_lease(catalog: Catalog, change: str) -> None:
    with sqlite3.connect(catalog.file) as connection:
        connection.execute(f"update lease set {change}")
    connection.close()


def test_a_holder_on_another_machine_is_waited_for_until_its_time_is_over(catalog: Catalog) -> None:
    with catalog.lease("loop", "far away", 60):
        pass
    set_lease(catalog, "host = 'elsewhere', expires = '2999-01-01T00:00:00+00:00'")
    with pytest.raises(Busy, match="far away on elsewhere"), catalog.lease("loop", "me", 60):
        pass
    set_lease(catalog, "expires = '2020-01-01T00:00:00+00:00'")
    with catalog.lease("loop", "me", 60) as lease:
        assert lease.token == 2


def test_who_was_overtaken_learns_it_when_renewing_and_cannot_end_the_others_lease(catalog: Catalog) -> None:
    with catalog.lease("loop", "slow", 60) as lease:
        set_lease(catalog, "token = 9, holder = 'fast', expires = '2999-01-01T00:00:00+00:00'")
        with pytest.raises(Busy, match="held by fast"):
            lease.renew()
    with sqlite3.connect(catalog.file) as connection:
        assert connection.execute("select expires from lease").fetchone()[0].startswith("2999")
    connection.close()


# --- the file -------------------------------------------------------------------------------------------------------


def test_the_format_stands_in_the_file_and_equals_the_newest_migration(catalog: Catalog) -> None:
    migrations = Path(schema.__file__).parent / "migrations" / "versions"
    newest = max(int(path.name[1:5]) for path in migrations.glob("m[0-9]*.py"))
    with sqlite3.connect(catalog.file) as connection:
        assert connection.execute("pragma user_version").fetchone()[0] == newest == schema.FORMAT
    connection.close()


def test_the_migrations_make_the_tables_that_the_code_speaks_of(catalog: Catalog) -> None:
    with sqlite3.connect(catalog.file) as connection:
        for table in (schema.project, schema.decision, schema.trim, schema.version, schema.state, schema.lease):
            made = connection.execute(f"pragma table_info('{table.name}')").fetchall()
            assert [column[1] for column in made] == [column.name for column in table.columns]
    connection.close()


def test_opening_a_current_catalog_does_not_import_alembic(catalog: Catalog, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from trimtab.store.catalog import Catalog\n"
        "Catalog(Path(sys.argv[1]), 'flights', Path(sys.argv[2])).open().epoch()\n"
        "print([name for name in ('alembic', 'deltalake', 'polars', 'numpy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(catalog.file), str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_a_catalog_of_a_newer_trimtab_is_not_touched(catalog: Catalog) -> None:
    with sqlite3.connect(catalog.file) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"has schema 99; this trimtab knows schemas up to"):
        Catalog(catalog.file, "flights", catalog.folder).open()


def test_many_who_open_a_new_catalog_at_once_all_succeed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Catalog(tmp_path / "c.db", "flights", tmp_path).open(), range(4)))
    assert [catalog.epoch() for catalog in opened] == [0, 0, 0, 0]


def test_a_file_that_is_no_catalog_is_said(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"hello " * 1000)
    with pytest.raises(StoreError, match=r"catalog\.db cannot be used: file is not a database"):
        Catalog(tmp_path / "catalog.db", "flights", tmp_path).open()


def test_a_state_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the folder of the catalog cannot be made"):
        Catalog(tmp_path / "file" / "catalog.db", "flights", tmp_path).open()


def test_a_copy_of_a_project_is_refused_while_the_first_is_there(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    Catalog(first / ".trimtab" / "catalog.db", "flights", first).open().close()
    shutil.copytree(first, copy)
    with pytest.raises(StoreError, match=rf"project 'flights' lives in {first}"):
        Catalog(copy / ".trimtab" / "catalog.db", "flights", copy).open()
    Catalog(copy / ".trimtab" / "catalog.db", "other-name", copy).open().close()


def test_a_project_that_was_moved_goes_on_with_its_record(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    catalog = Catalog(before / ".trimtab" / "catalog.db", "flights", before).open()
    catalog.add_version(make_version("a"))
    catalog.close()
    before.rename(after)
    for _ in range(2):
        moved = Catalog(after / ".trimtab" / "catalog.db", "flights", after).open()
        assert len(moved.versions()) == 1
        moved.close()


def test_two_projects_in_one_file_do_not_see_each_other(tmp_path: Path) -> None:
    one = Catalog(tmp_path / "c.db", "one", tmp_path).open()
    two = Catalog(tmp_path / "c.db", "two", tmp_path).open()
    one.add_version(make_version("a"))
    promote(one, "a")
    one.put_state("x", {})
    assert (two.epoch(), two.versions(), two.journal(), two.get_state("x")) == (0, (), (), None)
    promote(two, "b")
    assert one.verify_journal().state is two.verify_journal().state is State.PASS


def test_a_writer_who_never_ends_is_said_to_be_busy(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.store.database.PATIENCE", 0.1)
    impatient = Catalog(catalog.file, "flights", catalog.folder).open()
    other = sqlite3.connect(catalog.file, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Busy, match="is being written by another process"):
        impatient.put_state("x", {})
    other.close()
