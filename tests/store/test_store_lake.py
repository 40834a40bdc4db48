"""Appends are durable, committed once, and read back whatever the columns and folders are called."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trimtab import clock
from trimtab.errors import StoreError, UsageError
from trimtab.store.column_name import read_name, write_names
from trimtab.store.lake import Lake
from trimtab.store.table_name import escape, unescape

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def rows(*values: object) -> pl.DataFrame:
    return pl.DataFrame({"x": values})


def read(lake: Lake, table: str, version: int | None = None) -> list[object]:
    return sorted(lake.read(table, version=version).collect()["x"].to_list(), key=str)


def test_appends_add_up_and_every_version_can_be_read_again(lake: Lake) -> None:
    first = lake.append("clean", rows(1, 2))
    second = lake.append("clean", rows(3))
    assert (first, second, lake.version("clean")) == (1, 2, 2)
    assert (read(lake, "clean", first), read(lake, "clean")) == ([1, 2], [1, 2, 3])


def test_a_table_that_does_not_exist_is_empty_in_its_known_columns(lake: Lake) -> None:
    assert lake.version("outcomes") == -1
    assert lake.tables() == ()
    assert lake.committed("outcomes", "app") is None
    assert lake.metadata("outcomes") == {}
    empty = lake.read("outcomes").collect()
    assert empty.height == 0
    assert empty.schema["known_at"] == pl.Datetime("us", "UTC")
    assert lake.read("raw/flights", version=-1).collect().columns == ["_row", "_offset", "_arrived_at"]


def test_a_version_that_does_not_exist_is_said(lake: Lake) -> None:
    lake.append("clean", rows(1))
    with pytest.raises(StoreError, match="table clean has no version 7; its newest is 1"):
        lake.read("clean", version=7)


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_transaction_is_committed_once_even_by_a_fresh_lake(lake: Lake) -> None:
    assert lake.append("clean", rows(1), app="spool/w0/a", number=3) == 1
    for again in (3, 2):
        assert Lake(lake.root).append("clean", rows(9), app="spool/w0/a", number=again) is None
    assert lake.append("clean", rows(2), app="spool/w1/a", number=1) == 2
    assert read(lake, "clean") == [1, 2]
    assert (lake.committed("clean", "spool/w0/a"), lake.committed("clean", "none")) == (3, None)


def test_of_many_who_commit_the_same_transaction_one_does(lake: Lake) -> None:
    lake.append("clean", rows(0))
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda _: Lake(lake.root).append("clean", rows(1), app="a", number=1), range(6)))
    assert [version for version in versions if version is not None] == [2]
    assert read(lake, "clean") == [0, 1]


def test_many_who_append_at_once_lose_nothing_and_learn_their_own_version(lake: Lake) -> None:
    with ThreadPoolExecutor(5) as pool:
        versions = list(pool.map(lambda number: Lake(lake.root).append("t", rows(number)), range(5)))
    assert read(lake, "t") == [0, 1, 2, 3, 4]
    for number, version in enumerate(versions):
        assert version is not None
        assert set(read(lake, "t", version)) - set(read(lake, "t", version - 1)) == {number}


def test_metadata_is_that_of_the_newest_commit_that_has_any(lake: Lake) -> None:
    lake.append("raw/a", rows(1), metadata={"position": '{"Größe": 1}'})
    lake.append("raw/a", rows(2), metadata={"position": "2", "more": "x"})
    lake.append("raw/a", rows(3))
    assert lake.metadata("raw/a") == {"position": "2", "more": "x"}


def test_no_rows_still_carry_metadata(lake: Lake) -> None:
    lake.append("raw/a", rows(1).clear(), app="a", number=1, metadata={"position": "end"})
    assert (lake.metadata("raw/a"), read(lake, "raw/a"), lake.committed("raw/a", "a")) == ({"position": "end"}, [], 1)


# --- columns, types and names ---------------------------------------------------------------------------------------


def test_new_columns_are_added_and_missing_ones_are_null(lake: Lake) -> None:
    lake.append("clean", pl.DataFrame({"x": [1], "old": ["a"]}))
    lake.append("clean", pl.DataFrame({"new": [[1.5]], "x": [2]}))
    expected = pl.DataFrame({"x": [1, 2], "old": ["a", None], "new": [None, [1.5]]})
    assert_frame_equal(lake.read("clean").sort("x").collect(), expected)


def test_odd_column_names_simply_work(lake: Lake) -> None:
    names = [
        "Größe (cm)",
        "plan/type",
        "x y",
        "a,b;{}=\t\n",
        "A",
        "a",
        "a~0",
        "_row",
        "🙂",
        'q"',
        "x.y",
        "`",
        "%41",
    ]
    frame = pl.DataFrame({name: [number, None] for number, name in enumerate(names)})
    lake.append("raw/odd", frame)
    lake.append("raw/odd", frame.select(reversed(names)))
    back = lake.read("raw/odd").collect()
    assert back.columns == names
    assert back.sum().row(0) == tuple(2 * number for number in range(len(names)))
    assert lake.read("raw/odd").select("a").collect().height == 4


ODD_TABLES = [
    "raw/Übung 1;final",
    "raw/a b%20c",
    "raw/data[1]",
    "raw/a/b",
    "raw/.hidden",
    "raw/~41",
    "clean",
    "raw/x|y\\z",
]


def test_odd_table_names_simply_work(lake: Lake) -> None:
    for number, table in enumerate(ODD_TABLES):
        lake.append(table, rows(number))
    assert sorted(lake.tables()) == sorted(ODD_TABLES)
    assert [read(lake, table) for table in ODD_TABLES] == [[number] for number in range(len(ODD_TABLES))]


@pytest.mark.parametrize("folder", ["Übung 1;final", "x#y?z", "100%", 'it\'s {1} & "2"', "漢字 🙂"])
def test_odd_project_folders_simply_work(tmp_path: Path, folder: str) -> None:
    lake = Lake(tmp_path / folder / ".trimtab" / "lake")
    lake.append("predictions", pl.DataFrame({"id": ["a"], "x": [1]}))
    lake.append("predictions", pl.DataFrame({"id": ["b"], "x": [2]}))
    assert read(lake, "predictions") == [1, 2]
    assert lake.find_prediction("b") == {"id": "b", "x": 2}


@pytest.mark.parametrize("folder", ["old [2]", "a|b", "x%41y"])
def test_a_folder_that_deltalake_cannot_open_is_refused_in_words(tmp_path: Path, folder: str) -> None:
    with pytest.raises(StoreError, match="deltalake cannot open a path with") as caught:
        Lake(tmp_path / folder).append("clean", rows(1))
    assert "rename that folder" in caught.value.hint


@pytest.mark.parametrize("table", ["", "/x", "raw/"])
def test_a_table_without_a_name_is_refused(lake: Lake, table: str) -> None:
    with pytest.raises(UsageError, match="cannot name a table"):
        lake.append(table, rows(1))


@settings(deadline=None, max_examples=200)
@given(st.text(min_size=1))
def test_a_table_name_is_read_back_as_it_was_written(name: str) -> None:
    if name.isprintable():
        assert unescape(escape(name)) == name
        assert not set(escape(name)) & set("/[]^|\\% ")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("aAbB~01é"), unique=True), st.data())
def test_column_names_are_written_apart_and_read_back_in_any_order_of_arrival(
    names: list[str], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(names)))
    first = write_names(names[:cut], [])
    second = write_names(names, first.values())
    assert second | first == second
    assert len({written.lower() for written in second.values()}) == len(names)
    assert [read_name(second[name]) for name in names] == names


TYPES: dict[str, tuple[pl.Series, pl.Series]] = {
    "categorical": (pl.Series(["a", None], dtype=pl.Categorical()), pl.Series(["a", None])),
    "enum": (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), pl.Series(["a", "b"])),
    "small": (pl.Series([1, None], dtype=pl.UInt8), pl.Series([1, None])),
    "float32": (pl.Series([1.5, None], dtype=pl.Float32), pl.Series([1.5, None])),
    "beyond": (pl.Series([2**64 - 1, None], dtype=pl.UInt64), pl.Series([str(2**64 - 1), None])),
    "time": (pl.Series([time(1, 2, 3), None]), pl.Series(["01:02:03", None])),
    "duration": (pl.Series([timedelta(seconds=2), None]).dt.cast_time_unit("ms"), pl.Series([2_000_000, None])),
    "date": (pl.Series([date(2026, 1, 2), None]), pl.Series([date(2026, 1, 2), None])),
    "naive": (pl.Series([NAIVE, None]), pl.Series([NAIVE, None])),
    "zoned": (
        pl.Series([NOON]).dt.convert_time_zone("America/New_York"),
        pl.Series([NOON]).dt.convert_time_zone("UTC"),
    ),
    "nanoseconds": (pl.Series([NOON]).dt.cast_time_unit("ns"), pl.Series([NOON]).dt.cast_time_unit("us")),
    "null": (pl.Series([None, None]), pl.Series([None, None], dtype=pl.String)),
    "lists": (pl.Series([["a"], None]), pl.Series([["a"], None])),
    "list of nothing": (pl.Series([[None], []]), pl.Series([[None], []], dtype=pl.List(pl.String))),
    "array": (pl.Series([[1, 2]], dtype=pl.Array(pl.Int16, 2)), pl.Series([[1, 2]])),
    "struct": (pl.Series([{"a": 1}]), pl.Series([{"a": 1}])),
    "binary": (pl.Series([b"x"]), pl.Series([b"x"])),
    "boolean": (pl.Series([True, None]), pl.Series([True, None])),
    "not numbers": (pl.Series([float("nan"), float("inf"), -0.0]), pl.Series([float("nan"), float("inf"), -0.0])),
}


@pytest.mark.parametrize("name", TYPES)
def test_every_type_comes_back_as_the_documented_one(lake: Lake, name: str) -> None:
    given_, expected = TYPES[name]
    lake.append("raw/t", pl.DataFrame({"x": given_}))
    assert_frame_equal(lake.read("raw/t").collect(), pl.DataFrame({"x": expected}), check_exact=True)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (pl.Series([1.5]), pl.Series([2]), [1.5, 2.0]),
        (pl.Series([1]), pl.Series([2.0, None]), [1, 2, None]),
        (pl.Series(["a"]), pl.Series([None]), ["a", None]),
        (pl.Series([1]), pl.Series([2], dtype=pl.Int8), [1, 2]),
    ],
)
def test_a_column_takes_the_type_of_its_table_where_no_value_changes(
    lake: Lake, first: pl.Series, second: pl.Series, kept: list[object]
) -> None:
    lake.append("clean", pl.DataFrame({"x": first}))
    lake.append("clean", pl.DataFrame({"x": second}))
    assert read(lake, "clean") == sorted(kept, key=str)


def test_columns_that_do_not_fit_are_refused_all_at_once_and_nothing_is_written(lake: Lake) -> None:
    lake.append("clean", pl.DataFrame({"a": [1], "b": ["x"], "c": [1.0], "d": [1]}))
    wrong = pl.DataFrame({"a": [1.5], "b": [1], "c": [2.0], "d": [float("nan")]})
    with pytest.raises(StoreError, match="table clean cannot hold the new rows") as caught:
        lake.append("clean", wrong)
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "a: is Float64 now, and Int64 in clean",
        "b: is Int64 now, and String in clean",
        "d: is Float64 now, and Int64 in clean",
    ]
    assert lake.version("clean") == 1


# --- one Prediction -------------------------------------------------------------------------------------------------


def test_a_prediction_is_found_by_its_id_in_the_files_of_its_minutes(lake: Lake) -> None:
    ids = []
    for _ in range(5):
        ids.append(clock.uuid7())
        lake.append("predictions", pl.DataFrame({"id": ids[-1:], "_arrived_at": [clock.now()]}))
    lake.append("predictions", pl.DataFrame({"id": ["old"], "_arrived_at": [NOON - timedelta(days=3)]}))
    spoil_files_before(lake, NOON - timedelta(days=1))
    found = lake.find_prediction(ids[2])
    assert found is not None
    assert found["id"] == ids[2]
    assert lake.find_prediction(clock.uuid7()) is None


def spoil_files_before(lake: Lake, moment: datetime) -> None:
    """Make old files unreadable: who opens them fails, so a test that passes did not."""
    for file in (lake.root / "predictions").glob("*.parquet"):
        arrived = pl.read_parquet(file)["_arrived_at"].to_list()
        if arrived and arrived[0] < moment:
            file.write_bytes(b"")


def test_an_id_that_is_no_uuid_is_looked_for_everywhere(lake: Lake) -> None:
    assert lake.find_prediction("x") is None
    lake.append("predictions", pl.DataFrame({"id": ["x", "y"], "_arrived_at": [NOON, NOON]}))
    found = lake.find_prediction("x")
    assert found == {"id": "x", "_arrived_at": NOON}
    assert lake.find_prediction("z") is None


# --- after a power cut ----------------------------------------------------------------------------------------------
# What was not synced may be gone, short or empty. `append` had not returned for such a commit.


def newest(lake: Lake, pattern: str) -> Path:
    return max((lake.root / "clean").glob(pattern), key=lambda path: path.stat().st_mtime_ns)


def forget_sync(lake: Lake) -> None:
    """The note of what was synced is written last."""
    (lake.root / "clean" / "_delta_log" / ".trimtab_synced").write_bytes(b"")


def empty_log(lake: Lake) -> None:
    newest(lake, "_delta_log/*.json").write_bytes(b"")


def half_log(lake: Lake) -> None:
    log = newest(lake, "_delta_log/*.json")
    log.write_bytes(log.read_bytes()[:-40])


def empty_data(lake: Lake) -> None:
    newest(lake, "*.parquet").write_bytes(b"")


def zeros_as_data(lake: Lake) -> None:
    data = newest(lake, "*.parquet")
    data.write_bytes(b"\0" * data.stat().st_size)


def no_data(lake: Lake) -> None:
    newest(lake, "*.parquet").unlink()


@pytest.mark.parametrize("cut", [empty_log, half_log, empty_data, zeros_as_data, no_data])
def test_a_torn_commit_is_put_aside_and_its_rows_can_come_again(lake: Lake, cut: Callable[[Lake], None]) -> None:
    lake.append("clean", rows(1), app="a", number=1, metadata={"at": "1"})
    lake.append("clean", rows(2), app="a", number=2, metadata={"at": "2"})
    cut(lake)
    forget_sync(lake)
    after = Lake(lake.root)
    assert (read(after, "clean"), after.committed("clean", "a"), after.metadata("clean")) == ([1], 1, {"at": "1"})
    assert after.append("clean", rows(2), app="a", number=2) == 2
    assert read(after, "clean") == [1, 2]


@pytest.mark.parametrize("damage", [empty_log, no_data])
def test_a_commit_that_was_acknowledged_is_never_put_aside(lake: Lake, damage: Callable[[Lake], None]) -> None:
    lake.append("clean", rows(1))
    lake.append("clean", rows(2))
    damage(lake)
    with pytest.raises(StoreError, match="was complete once"):
        read(Lake(lake.root), "clean")
    assert not list((lake.root / "clean" / "_delta_log").glob("*.torn"))


def test_a_table_whose_very_first_commit_was_torn_is_made_again(lake: Lake) -> None:
    lake.append("clean", rows(1))
    for log in (lake.root / "clean" / "_delta_log").glob("*.json"):
        log.write_bytes(b"")
    forget_sync(lake)
    after = Lake(lake.root)
    assert after.version("clean") == -1
    assert after.append("clean", rows(2)) == 1
    assert read(after, "clean") == [2]


def test_a_torn_checkpoint_is_removed_because_it_only_repeats_the_log(lake: Lake) -> None:
    [lake.append("clean", rows(number)) for number in range(3)]
    DeltaTable(lake.root / "clean").create_checkpoint()
    (checkpoint,) = (lake.root / "clean" / "_delta_log").glob("*.checkpoint.parquet")
    assert read(Lake(lake.root), "clean") == [0, 1, 2]
    checkpoint.write_bytes(b"")
    after = Lake(lake.root)
    after.append("clean", rows(3))
    assert (read(after, "clean"), read(after, "clean", 2)) == ([0, 1, 2, 3], [0, 1])


def test_a_table_damaged_in_the_middle_is_not_mended_but_said(lake: Lake) -> None:
    [lake.append("clean", rows(number)) for number in range(3)]
    (lake.root / "clean" / "_delta_log" / f"{1:020d}.json").write_text("rubbish")
    with pytest.raises(StoreError, match=r"table clean in .* cannot be used"):
        read(Lake(lake.root), "clean")


_TRACE = """
import os, sys
from pathlib import Path
synced = []
real = os.fsync
def note(descriptor):
    synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    real(descriptor)
os.fsync = note
import polars as pl
from trimtab.store.lake import Lake
Lake(Path(sys.argv[1])).append("raw/flights", pl.DataFrame({"x": [1]}).head(int(sys.argv[2])))
print("\\n".join(synced))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to name what was synced")
@pytest.mark.parametrize("rows_", ["0", "1"])
def test_before_append_returns_every_file_and_folder_of_the_commit_is_synced(lake: Lake, rows_: str) -> None:
    """kill -9 cannot show a missing fsync, so the calls themselves are looked at."""
    command = [sys.executable, "-c", _TRACE, str(lake.root), rows_]
    synced = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    table = lake.root / "raw" / "flights"
    expected = [lake.root.parent, lake.root, lake.root / "raw", table, table / "_delta_log"]
    assert missing(synced, [*expected, *table.glob("*.parquet"), *table.glob("_delta_log/*.json")]) == []


def missing(synced: Iterable[str], expected: Iterable[Path]) -> list[str]:
    return [str(path) for path in expected if str(path.resolve()) not in set(synced)]


def test_the_log_of_old_versions_is_kept_because_snapshots_pin_them(lake: Lake) -> None:
    lake.append("clean", rows(1))
    actions = [json.loads(line) for line in newest_log(lake).read_text().splitlines()]
    (settings_,) = [action["metaData"]["configuration"] for action in actions if "metaData" in action]
    assert settings_["delta.enableExpiredLogCleanup"] == "false"


def newest_log(lake: Lake) -> Path:
    return lake.root / "clean" / "_delta_log" / f"{0:020d}.json"


def test_a_table_with_features_that_plain_files_cannot_show_is_refused(lake: Lake) -> None:
    lake.append("clean", rows(1))
    log = newest_log(lake)
    features = '"readerFeatures":["columnMapping"],"writerFeatures":["columnMapping"]'
    mapped = f'"minReaderVersion":3,"minWriterVersion":7,{features}'
    log.write_text(log.read_text().replace('"minReaderVersion":1,"minWriterVersion":2', mapped))
    with pytest.raises(StoreError, match="columnMapping"):
        lake.read("clean")
