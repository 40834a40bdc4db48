"""What a file source gives, and gives again only when there is something new."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.errors import ConfigError, DataError, UsageError
from trimtab.ingest import Chunk, FileSource, UnclearForm, declare, open_source, read_head
from trimtab.ingest.blocks import Unsettled
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm

TEXT = "a,b\n1,x\n2,y\n"


def spec(path: Path, **more: Any) -> SourceSpec:
    return replace(SourceSpec("rows", "files", path), **more)


def take(
    path: Path, since: Mapping[str, Any] | None = None, **more: Any
) -> tuple[list[tuple[Any, ...]], Mapping[str, Any]]:
    """Return all new rows without their offsets, and the position behind them."""
    chunks = list(FileSource(spec(path, **more)).read(since))
    rows = [row for chunk in chunks for row in chunk.frame.drop("_offset").rows()]
    return rows, chunks[-1].position if chunks else dict(since or {})


def told(path: Path, since: Mapping[str, Any] | None = None, **more: Any) -> list[Chunk]:
    return list(FileSource(spec(path, **more)).read(since))


def test_rows_come_with_number_and_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    (chunk,) = open_source(declare(path)).read(None)
    assert chunk.frame.columns == ["a", "b", "_row", "_offset"]
    assert chunk.frame.dtypes == [pl.String, pl.String, pl.Int64, pl.String]
    assert chunk.frame["_row"].to_list() == [0, 1]
    digest = chunk.position["seen"][0]
    assert chunk.frame["_offset"].to_list() == [f"{digest[:12]}:2", f"{digest[:12]}:3"]


def test_unchanged_file_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    _, position = take(path)
    os.utime(path, (1, 1))
    assert told(path, position) == []


def test_changed_beginning_means_new_content(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    _, position = take(path)
    path.write_text(TEXT.replace("1,x", "1,X"))
    (chunk,) = told(path, position)
    assert chunk.frame.drop("_offset").rows() == [("1", "X", 2), ("2", "y", 3)]
    assert "changed" in chunk.note


def test_same_content_under_another_name_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    _, position = take(tmp_path)
    (tmp_path / "a.csv").rename(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text(TEXT)
    assert told(tmp_path, position) == []


def test_renamed_and_grown_file_gives_its_new_rows(tmp_path: Path) -> None:
    """Rotation: log.csv becomes log.1.csv with a few more lines, and a new log.csv begins."""
    (tmp_path / "log.csv").write_text(TEXT)
    _, position = take(tmp_path)
    (tmp_path / "log.csv").rename(tmp_path / "log.1.csv")
    with (tmp_path / "log.1.csv").open("a") as file:
        file.write("3,z\n")
    (tmp_path / "new.csv").write_text("a,b\n9,n\n")
    rows, position = take(tmp_path, position)
    assert rows == [("3", "z", 2), ("9", "n", 3)]
    assert set(position["files"]) == {"log.1.csv", "new.csv"}
    assert told(tmp_path, position) == []


def test_files_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("2.csv", "1.csv", ".hidden.csv", "3.csv.part", "notes.txt"):
        (tmp_path / name).write_text(f"a,b\n{name},x\n")
    (tmp_path / "folder.csv").mkdir()
    rows, _ = take(tmp_path, pattern="*.csv")
    assert [(row[0], row[2]) for row in rows] == [("1.csv", 0), ("2.csv", 1)]


def test_reading_goes_on_behind_any_chunk(tmp_path: Path) -> None:
    """Whatever chunk was the last to be kept, the rest follows with the same numbers and places."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'x' * 40}\n" for i in range(120_000)))
    whole = pl.concat(chunk.frame for chunk in told(path))
    chunks = told(path)
    assert len(chunks) > 2
    for number, chunk in enumerate(chunks):
        rest = told(path, chunk.position)
        assert pl.concat([one.frame for one in (*chunks[: number + 1], *rest)]).equals(whole)


def test_reading_parquet_goes_on_behind_any_chunk(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(120_000)}).write_parquet(path, row_group_size=30_000)
    chunks = told(path, format="parquet")
    whole = pl.concat([chunk.frame for chunk in chunks])
    assert whole["a"].to_list() == list(range(120_000))
    assert whole["_offset"][-1].endswith(":120000")
    for number, chunk in enumerate(chunks[:-1]):
        rest = told(path, chunk.position, format="parquet")
        assert pl.concat([one.frame for one in (*chunks[: number + 1], *rest)]).equals(whole)
    assert told(path, chunks[-1].position, format="parquet") == []


def test_every_chunk_accounts_for_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n2\n3,z,z\n\n4,w\n")
    (chunk,) = told(path)
    assert chunk.frame["a"].to_list() == ["1", "4"]
    assert [(one.offset[13:], one.line) for one in chunk.rejected] == [("3", "2"), ("4", "3,z,z")]


def test_header_only_file_has_no_rows_and_may_grow(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n")
    rows, position = take(path)
    assert rows == []
    assert told(path, position) == []
    path.write_text(TEXT)
    assert len(take(path, position)[0]) == 2


def test_unreadable_files_of_a_folder_are_told_once(tmp_path: Path) -> None:
    """An empty file, a workbook and a file with doubled names cost nothing but themselves."""
    (tmp_path / "1.csv").write_bytes(b"")
    (tmp_path / "2.csv").write_bytes(b"PK\x03\x04...")
    (tmp_path / "3.csv").write_text("a,a\n1,2\n")
    (tmp_path / "4.csv").write_text(TEXT)
    chunks = told(tmp_path)
    assert [one.line for chunk in chunks for one in chunk.rejected] == ["1.csv", "2.csv", "3.csv"]
    assert sum(chunk.frame.height for chunk in chunks) == 2
    assert told(tmp_path, chunks[-1].position) == []
    (tmp_path / "1.csv").write_text("a,b\n7,q\n")
    assert take(tmp_path, chunks[-1].position)[0] == [("7", "q", 2)]


def test_one_declared_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,a,_row\n1,2,3\n")
    with pytest.raises(DataError) as error:
        told(path)
    assert [mistake.where for mistake in error.value.mistakes] == ["column 'a'", "column '_row'"]


def test_links_may_not_leave_the_folder(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (tmp_path / "secret.csv").write_text("password,b\nhunter2,x\n")
    (drop / "link.csv").symlink_to(tmp_path / "secret.csv")
    (drop / "rows.csv").write_text(TEXT)
    (drop / "inside.csv").symlink_to(drop / "rows.csv")
    (drop / "dangling.csv").symlink_to(drop / "nothing.csv")
    chunks = told(drop)
    refused = {one.line: one.reason for chunk in chunks for one in chunk.rejected}
    assert set(refused) == {"link.csv", "dangling.csv"}
    assert "leaves the folder" in refused["link.csv"]
    assert "hunter2" not in repr(chunks)
    assert sum(chunk.frame.height for chunk in chunks) == 2
    assert told(drop, chunks[-1].position) == []


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (chunk,) = told(tmp_path)
    assert "no regular file" in chunk.rejected[0].reason
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        told(tmp_path / "pipe.csv")


def test_too_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    with pytest.raises(DataError, match="max_bytes"):
        told(path, max_bytes=5)


def test_missing_path_says_where_it_is_declared(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[sources\.rows\] path"):
        told(tmp_path / "none.csv")
    (tmp_path / "flights.csv").write_text(TEXT)
    with pytest.raises(UsageError, match=r"did you mean 'flights\.csv'"):
        read_head(tmp_path / "flihgts.csv", 10)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "none/such.csv"])
def test_impossible_paths_are_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        declare(tmp_path / name)
    with pytest.raises(ConfigError, match="there is no file"):
        told(tmp_path / name)


def test_file_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    """Between the listing and its turn somebody took it; the others are read."""
    for name in ("1.csv", "2.csv", "3.csv"):
        (tmp_path / name).write_text(TEXT.replace("x", name))
    chunks = FileSource(spec(tmp_path)).read(None)
    next(chunks)
    (tmp_path / "2.csv").unlink()
    (last,) = list(chunks)
    assert (last.frame["b"][0], last.rejected) == ("3.csv", ())


def test_parquet_that_goes_away_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(120_000)}).write_parquet(path)
    chunks = FileSource(spec(path, format="parquet")).read(None)
    next(chunks)
    path.unlink()
    with pytest.raises(Unsettled):
        list(chunks)


def test_file_that_changes_while_it_is_read_is_taken_next_time(tmp_path: Path) -> None:
    """Nothing of it is lost or doubled: the chunks before are right, and the next read finds new content."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'x' * 40}\n" for i in range(120_000)))
    chunks = FileSource(spec(path)).read(None)
    first = next(chunks)
    path.write_text("a,b\n")
    with pytest.raises(Unsettled):
        list(chunks)
    path.write_text(TEXT)
    assert take(path, first.position)[0] == [("1", "x", first.frame.height), ("2", "y", first.frame.height + 1)]


def test_file_of_a_folder_that_changes_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n" + "".join(f"{i},{'x' * 40}\n" for i in range(120_000)))
    (tmp_path / "2.csv").write_text(TEXT)
    chunks = FileSource(spec(tmp_path)).read(None)
    next(chunks)
    (tmp_path / "1.csv").write_text("a,b\n5,z\n")
    *_, note, second = list(chunks)
    assert "changed while it was read" in note.note
    assert note.rejected == ()
    assert second.frame["a"].to_list() == ["1", "2"]
    rows, _ = take(tmp_path, second.position)
    assert [row[0] for row in rows] == ["5"]


def test_bytes_that_change_behind_our_back_are_noticed(tmp_path: Path) -> None:
    """Same size, another byte near the end: the hash of what was read is not that of what was announced."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'x' * 40}\n" for i in range(120_000)))
    chunks = FileSource(spec(path)).read(None)
    next(chunks)
    with path.open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"y")
    with pytest.raises(Unsettled):
        list(chunks)


def test_parquet_that_is_replaced_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(120_000)}).write_parquet(path)
    chunks = FileSource(spec(path, format="parquet")).read(None)
    next(chunks)
    pl.DataFrame({"a": range(120_001)}).write_parquet(tmp_path / "new")
    (tmp_path / "new").rename(path)
    with pytest.raises(Unsettled):
        list(chunks)


def test_name_of_a_file_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "rows[1]*.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    pl.DataFrame({"a": [2]}).write_parquet(tmp_path / "rows1x.parquet")
    assert take(path, format="parquet")[0] == [(1, 0)]


def test_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n")
    os.truncate(path, 60 << 20)
    with pytest.raises(DataError, match="longer than 16 MB"):
        told(path)


def test_odd_names_simply_work(tmp_path: Path) -> None:
    path = tmp_path / "Übung 1;final.csv"
    path.write_text('"Größe (cm)";"plan/type";a\'b\n1,5;x;2\n', encoding="cp1252")
    (chunk,) = open_source(declare(path)).read(None)
    assert chunk.frame.columns[:3] == ["Größe (cm)", "plan/type", "a'b"]
    assert chunk.frame.row(0)[:3] == ("1,5", "x", "2")
    assert "Übung 1;final.csv" in chunk.position["files"]


def test_description_names_the_place(tmp_path: Path) -> None:
    assert FileSource(spec(tmp_path, pattern="*.csv")).describe() == f"csv files: {tmp_path}, pattern *.csv"


def test_changed_file_says_that_rows_may_come_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    _, position = take(path)
    path.write_text(TEXT.replace("1,x", "1,X"))
    assert [chunk.again for chunk in told(path, position)] == [True]
    assert [chunk.again for chunk in told(path)] == [False]


def test_known_source_tells_the_form_of_a_file_that_does_not(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("a:b\n1:2\n")
    with pytest.raises(UnclearForm):
        declare(path)
    assert declare(path, known=[spec(path, csv=CsvForm(":"))]).csv == CsvForm(":")
    path.write_text("a;b\n1;2\n")
    assert declare(path, known=[spec(path, csv=CsvForm(":"))]).csv == CsvForm(";")
