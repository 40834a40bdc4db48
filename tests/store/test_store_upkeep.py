"""Upkeep changes no row that the newest or a pinned version shows; erasing leaves no trace in any of them."""

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.store.erasure import erase_from, find_files
from trimtab.store.lake import Lake
from trimtab.store.upkeep import Upkeep, keep_up

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def fill(lake: Lake, *names: str, table: str = "clean") -> None:
    """Append each name as a row of its own commit, one day after the other, the last one today."""
    for number, name in enumerate(names):
        arrived = NOW - DAY * (len(names) - 1 - number)
        frame = pl.DataFrame({"who": [name], "_arrived_at": [arrived]})
        lake.append(table, frame, app="a", number=number, metadata={"position": f"after {name}"})


def names(lake: Lake, version: int | None = None, table: str = "clean") -> list[str]:
    return sorted(lake.read(table, version=version).collect()["who"])


def files(lake: Lake) -> int:
    return len(list(lake.folder("clean").glob("*.parquet")))


def tidy(lake: Lake, **how: Any) -> Upkeep:
    return keep_up(lake, "clean", **{"pins": (), "now": NOW, "grace": timedelta(0), **how})


def test_small_files_become_one_and_positions_and_transactions_stay(lake: Lake) -> None:
    fill(lake, "ann", "bob", "cem")
    done = tidy(lake)
    assert (done.merged, done.dropped, files(lake)) == (3, 3, 1)
    again = Lake(lake.root)
    assert names(again) == ["ann", "bob", "cem"]
    assert (again.committed("clean", "a"), again.metadata("clean")) == (2, {"position": "after cem"})
    assert again.append("clean", pl.DataFrame({"who": ["x"]}), app="a", number=2) is None
    assert tidy(lake) == Upkeep("clean")


def test_a_pinned_version_is_readable_after_everything(lake: Lake) -> None:
    fill(lake, "ann", "bob", "cem")
    done = tidy(lake, pins=(1,), before=NOW)
    assert (done.expired, done.dropped) == (2, 1)
    assert names(lake) == ["cem"]
    assert names(Lake(lake.root), 1) == ["ann"]
    with pytest.raises(OSError, match="No such file"):
        names(lake, 2)


def test_what_was_needed_a_moment_ago_is_kept(lake: Lake) -> None:
    """A reader may have opened the version before, and an append may be about to commit its file."""
    fill(lake, "ann", "bob")
    done = keep_up(lake, "clean", pins=(), now=datetime.now(UTC))
    assert (done.merged, done.dropped) == (2, 0)
    assert names(lake, 2) == ["ann", "bob"]


def test_looking_first_changes_nothing_and_says_what_would_go(lake: Lake) -> None:
    fill(lake, "ann", "bob")
    before = sorted(path.name for path in lake.root.rglob("*"))
    would = tidy(lake, before=NOW, dry_run=True)
    assert (would.expired, would.merged, would.dropped) == (1, 2, 0)
    assert sorted(path.name for path in lake.root.rglob("*")) == before


def test_a_table_that_is_not_there_needs_nothing(lake: Lake) -> None:
    assert tidy(lake, before=NOW) == Upkeep("clean")


def test_no_value_of_a_row_stands_in_the_log(lake: Lake) -> None:
    fill(lake, "needle")
    assert not any(b"needle" in log.read_bytes() for log in logs(lake) if b"position" not in log.read_bytes())
    assert lake.read("clean").collect().height == 1


# --- erasing --------------------------------------------------------------------------------------------------------


def logs(lake: Lake) -> list[Path]:
    return [path for path in (lake.folder("clean") / "_delta_log").iterdir() if path.is_file()]


def find(name: str) -> Callable[[pl.DataFrame], pl.Series]:
    return lambda frame: (frame["who"] == name).fill_null(value=False)


def is_anywhere(root: Path, text: str) -> bool:
    """Whether a text stands in a file as it is, or as a value of a table."""
    for path in (path for path in root.rglob("*") if path.is_file()):
        if text.encode() in path.read_bytes():
            return True
        if path.suffix == ".parquet" and text in str(pl.read_parquet(path, glob=False).to_dicts()):
            return True
    return False


def write_old_table(lake: Lake) -> None:
    """A table as an older release made it: with bounds of every column, a checkpoint, a torn commit, a stray file."""
    folder = lake.folder("clean")
    fill(lake, "ann", "needle", "cem")
    DeltaTable(folder).alter.set_table_properties({"delta.dataSkippingStatsColumns": "who,_arrived_at"})
    fill(lake, "dan", table="clean")
    lake.append("clean", pl.DataFrame({"who": ["needle"], "_arrived_at": [NOW]}))
    DeltaTable(folder).create_checkpoint()
    pl.DataFrame({"who": ["needle"]}).write_parquet(folder / "stray.parquet")
    os.utime(folder / "stray.parquet", (0, 0))
    (folder / "_delta_log" / f"{99:020d}.torn").write_text('{"add": "needle"}')


def test_erased_rows_are_in_no_version_no_file_and_no_log(lake: Lake) -> None:
    write_old_table(lake)
    newest, pinned = lake.version("clean"), names(lake, 3)
    assert pinned == ["ann", "cem", "needle"]
    assert is_anywhere(lake.root, "needle")
    erase_from(lake.folder("clean"), find("needle"))
    assert not is_anywhere(lake.root, "needle")
    after = Lake(lake.root)
    assert (after.version("clean"), names(after), names(after, 3)) == (newest, ["ann", "cem"], ["ann", "cem"])
    assert (after.committed("clean", "a"), after.metadata("clean")) == (2, {"position": "after cem"})
    assert find_files(lake.folder("clean"), find("needle")) == {}


def test_a_table_goes_on_after_an_erasure(lake: Lake) -> None:
    fill(lake, "ann", "needle", "cem")
    erase_from(lake.folder("clean"), find("needle"))
    lake.append("clean", pl.DataFrame({"who": ["eve"], "_arrived_at": [NOW]}), app="a", number=9)
    assert tidy(lake).merged == 4
    assert names(Lake(lake.root)) == ["ann", "cem", "eve"]


def test_an_unreadable_file_of_the_table_is_said_not_skipped(lake: Lake) -> None:
    fill(lake, "ann", "needle")
    next(lake.folder("clean").glob("*.parquet")).write_bytes(b"rubbish")
    with pytest.raises(OSError, match="cannot be read"):
        find_files(lake.folder("clean"), find("needle"))


class Crash(BaseException):
    """What a kill looks like from inside."""


@pytest.mark.parametrize("steps", range(4))
def test_an_erasure_that_was_cut_short_is_finished_by_whoever_comes_next(
    lake: Lake, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crash comes before the n-th file is replaced: the table is whole, old or new; a second run completes it."""
    fill(lake, "ann", "needle", "cem")
    left = [steps]

    def replace_or_die(path: Path, text: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        path.write_text(text, encoding="utf-8")

    with monkeypatch.context() as patch:
        patch.setattr("trimtab.store.erasure.write_whole", replace_or_die)
        with pytest.raises(Crash) if steps < 3 else nullcontext():
            erase_from(lake.folder("clean"), find("needle"))
    assert names(Lake(lake.root)) == (["ann", "cem"] if steps else ["ann", "cem", "needle"])
    erase_from(lake.folder("clean"), find("needle"))
    assert names(Lake(lake.root)) == ["ann", "cem"]
    assert not is_anywhere(lake.root, "needle")


@settings(deadline=None, max_examples=15)
@given(deeds=st.lists(st.sampled_from(["append", "tidy", "erase", "expire", "pin"]), max_size=8))
def test_any_order_of_deeds_leaves_the_rows_that_a_list_would_hold(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[str]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("deeds") / "lake")
    present: list[str] = []
    pins: dict[int, list[str]] = {}
    for number, deed in enumerate(["append", *deeds]):
        if deed == "append":
            who = f"n{number}"
            lake.append("clean", pl.DataFrame({"who": [who, "needle"], "_arrived_at": [NOW - DAY * number, NOW]}))
            present += [who, "needle"]
        elif deed == "erase":
            erase_from(lake.folder("clean"), find("needle"))
            present = [one for one in present if one != "needle"]
            pins = {pin: [one for one in kept if one != "needle"] for pin, kept in pins.items()}
        elif deed == "pin":
            pins[lake.version("clean")] = list(present)
        else:
            tidy(lake, pins=tuple(pins), before=NOW - DAY / 2 if deed == "expire" else None)
            present = [one for one in present if deed == "tidy" or one in {"n0", "needle"}]
    assert names(lake) == sorted(present)
    assert {pin: names(lake, pin) for pin in pins} == {pin: sorted(kept) for pin, kept in pins.items()}


def test_the_log_of_an_erased_table_is_still_one_json_object_a_line(lake: Lake) -> None:
    fill(lake, "ann\u2028x", "needle")
    erase_from(lake.folder("clean"), find("needle"))
    for log in (log for log in logs(lake) if log.suffix == ".json"):
        assert [json.loads(line) for line in log.read_text(encoding="utf-8").split("\n")]
