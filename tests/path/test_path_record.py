"""The record keeps everything, mends itself where it can, and never loses anything silently."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import Busy, HostError
from trimtab.nouns import State
from trimtab.path.record import Attempt, Entry, Record, Sitting, open_record
from trimtab.path.record import home as find_home
from trimtab.path.record_file import NAME, speak

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STUDY = Entry("study", date(2026, 3, 1), hours=2.5, stage=1, note="loops")
PASSED = Attempt(1, "exam", State.PASS, NOON, passed=8, tasks=8, seconds=1500.0, skills={"load": State.PASS})
PAPER = Sitting("1", "exam", NOON, "/somewhere", 7, 30)


def fill(record: Record) -> None:
    for noted in (STUDY, PASSED, PAPER):
        record.add(noted)
    record.put("fit", "ml_engineer")


def aside(home: Path) -> list[Path]:
    return sorted(home.glob("*.damaged-*"))


def test_what_was_kept_is_there_after_opening_again(opened: Any) -> None:
    fill(opened())
    again = opened(days=1)
    assert [one.note for one in again.entries()] == ["loops"]
    assert again.attempts()[0].skills == {"load": State.PASS}
    assert again.sittings()[0].seed == 7
    assert again.setting("fit", str) == "ml_engineer"
    assert again.notices == []


def test_struck_entry_counts_no_more_but_stays_in_the_file(opened: Any, home: Path) -> None:
    record = opened()
    record.add(STUDY)
    record.strike(record.entries()[-1])
    assert record.entries() == ()
    with speak(home / NAME) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (2,)


def test_finished_sitting_is_no_longer_out(opened: Any) -> None:
    record = opened()
    record.add(PAPER)
    record.finish(record.sittings()[0], PASSED)
    assert record.sittings() == ()
    assert len(record.sittings(closed=True)) == len(record.attempts()) == 1


def test_told_is_remembered(opened: Any) -> None:
    opened().remember_told("a", "b")
    assert opened().told() == {"a", "b"}


@pytest.mark.parametrize("damage", [b"", b"this is no database at all" * 100], ids=["emptied", "overwritten"])
def test_damaged_file_is_kept_aside_and_told(opened: Any, home: Path, damage: bytes) -> None:
    fill(opened())
    (home / NAME).write_bytes(damage)
    record = opened(days=1)
    assert record.entries() == ()
    assert aside(home)[0].read_bytes() == damage
    assert str(aside(home)[0]) in record.notices[0]
    assert opened(days=1).notices == []


def test_second_damage_of_the_same_second_overwrites_nothing(opened: Any, home: Path) -> None:
    for text in (b"first", b"second"):
        opened()
        (home / NAME).write_bytes(text)
        opened()
    assert [one.read_bytes() for one in aside(home)] == [b"first", b"second"]


def test_what_can_still_be_read_is_taken_over(opened: Any, home: Path) -> None:
    """One event is spoilt, one setting too; the others survive with their numbers."""
    fill(opened())
    with speak(home / NAME) as connection:
        connection.execute("UPDATE event SET body = ? WHERE kind = 'attempt'", (b'{"stage": "three"}',))
    record = opened(days=1)
    assert record.entries()[0].hours == 2.5
    assert record.attempts() == ()
    assert record.sittings()[0].number == 3
    assert record.setting("fit", str) == "ml_engineer"
    assert "2 events could be taken over" in record.notices[0]


def test_file_cut_in_the_middle_gives_back_its_beginning(opened: Any, home: Path) -> None:
    record = opened()
    for number in range(80):
        record.add(Entry("course", date(2026, 1, 1), name=f"course {number} {'x' * 900}"))
    file = home / NAME
    os.truncate(file, file.stat().st_size // 2)
    mended = opened(days=1)
    assert len(aside(home)) == 1
    assert len(mended.notices) == 1
    mended.add(STUDY)
    assert mended.entries()[-1].note == "loops"


def test_missing_table_is_damage(opened: Any, home: Path) -> None:
    fill(opened())
    with speak(home / NAME) as connection:
        connection.execute("DROP TABLE setting")
    record = opened(days=1)
    assert len(record.entries()) == 1
    assert "3 events could be taken over" in record.notices[0]


def test_newer_format_is_refused_and_left_alone(opened: Any, home: Path) -> None:
    opened()
    with speak(home / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(HostError, match="newer trimtab"):
        opened()
    assert aside(home) == []


def test_record_that_another_process_holds_is_busy_not_damaged(
    opened: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = opened()
    monkeypatch.setattr("trimtab.path.record_file.PATIENCE", 0.05)
    holder = sqlite3.connect(home / NAME)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Busy, match="another command"):
        record.add(STUDY)
    holder.close()
    assert aside(home) == []


def test_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot hold your record"):
        open_record(NOON, tmp_path / "file" / "home")


def test_two_processes_that_begin_together_share_one_record(home: Path) -> None:
    code = (
        "from datetime import UTC, date, datetime; from trimtab.path.record import Entry, open_record;"
        "record = open_record(datetime.now(UTC)); print(record.notices);"
        "[record.add(Entry('study', date(2026, 1, 1), hours=1)) for _ in range(10)]"
    )
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [child.communicate(timeout=60)[0] for child in children] == ["[]\n"] * 3
    record = open_record(datetime.now(UTC))
    assert len(record.entries()) == 30
    assert aside(home) == []


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=400)])
def test_clock_turned_back_gives_no_negative_age_and_is_said(opened: Any, back: timedelta) -> None:
    fill(opened())
    record = open_record(NOON - back)
    assert record.clock_turned_back
    assert "turned back" in record.notices[0]
    assert record.since(NOON) == timedelta(0)


def test_after_the_clock_was_turned_back_time_still_goes_on(opened: Any) -> None:
    """Otherwise a wait of 24 hours would last until the old, wrong moment."""
    fill(opened())
    opened(days=-30)
    assert opened(days=-29).since(NOON) == timedelta(days=1)


def test_right_clock_forgets_that_it_was_wrong(opened: Any) -> None:
    fill(opened())
    opened(days=-30)
    record = opened(days=2)
    assert not record.clock_turned_back
    assert record.since(NOON) == timedelta(days=2)
    assert record.setting("clock_turned_back", datetime) is None


def test_clock_set_right_by_seconds_is_not_worth_a_word(opened: Any) -> None:
    fill(opened())
    record = opened(seconds=-30)
    assert record.notices == []
    assert record.since(NOON) == timedelta(0)


def test_folder_comes_from_the_variable_else_from_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRIMTAB_PATH_HOME", str(tmp_path))
    assert find_home() == tmp_path
    monkeypatch.delenv("TRIMTAB_PATH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert find_home() == tmp_path / "data" / "trimtab"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert find_home() == Path.home() / ".local" / "share" / "trimtab"
