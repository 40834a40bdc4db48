"""A CSV file that somebody may still be writing: each row once, and no half one where it can be told."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from trimtab.ingest import Chunk, FileSource, declare, open_source
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm


def told(path: Path, since: Mapping[str, Any] | None = None, **more: Any) -> list[Chunk]:
    return list(FileSource(replace(SourceSpec("rows", "files", path), **more)).read(since))


def take(
    path: Path, since: Mapping[str, Any] | None = None, **more: Any
) -> tuple[list[tuple[Any, ...]], Mapping[str, Any]]:
    """Return all new rows without their offsets, and the position behind them."""
    chunks = told(path, since, **more)
    rows = [row for chunk in chunks for row in chunk.frame.drop("_offset").rows()]
    return rows, chunks[-1].position if chunks else dict(since or {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_grown_file_gives_its_new_rows(tmp_path: Path, encoding: str, line_end: str) -> None:
    path = tmp_path / "rows.csv"
    text = "größe,b\n1,x\n2,y\n".replace("\n", line_end)
    form = CsvForm(encoding=encoding.removesuffix("-sig"))
    path.write_bytes(text.encode(encoding))
    _, position = take(path, csv=form)
    path.write_bytes((text + f"3,z{line_end}").encode(encoding))
    (chunk,) = told(path, position, csv=form)
    assert chunk.frame.drop("_offset").rows() == [("3", "z", 2)]
    assert chunk.frame["_offset"][0].endswith(":4")
    assert chunk.note == ""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_last_line_may_lack_its_end(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"a,b{line_end}1,x".encode())
    rows, position = take(path)
    assert rows == [("1", "x", 0)]
    with path.open("ab") as file:
        file.write(f"{line_end}2,y{line_end}".encode())
    (chunk,) = told(path, position)
    assert chunk.frame.drop("_offset").rows() == [("2", "y", 1)]
    assert chunk.frame["_offset"][0].endswith(":3")


def test_unfinished_last_line_means_new_content(tmp_path: Path) -> None:
    """A line that was read half is not patched up: the file is read whole, and it is said."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n2,y")
    _, position = take(path)
    path.write_text("a,b\n1,x\n2,yes\n")
    chunks = told(path, position)
    assert [row for chunk in chunks for row in chunk.frame["b"]] == ["x", "yes"]
    assert chunks[0].frame["_row"].to_list() == [2, 3]
    assert "changed" in chunks[0].note


def test_a_line_that_is_only_begun_waits_and_nothing_is_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "grow.csv"
    path.write_text("a,b,c\n1,2,x\n3,4", encoding="utf-8")
    (first,) = open_source(declare(path)).read(None)
    assert first.frame["a"].to_list() == ["1"]
    assert first.rejected == ()
    with path.open("a", encoding="utf-8") as file:
        file.write(",y\n5,6,z\n")
    (second,) = open_source(declare(path)).read(first.position)
    assert second.frame["a"].to_list() == ["3", "5"]
    assert second.note == ""
    assert list(open_source(declare(path)).read(second.position)) == []


def test_a_whole_last_row_needs_no_line_end(tmp_path: Path) -> None:
    path = tmp_path / "whole.csv"
    path.write_text('a,b\n1,"x\ny"\n2,"p\nq"', encoding="utf-8")
    (chunk,) = open_source(declare(path)).read(None)
    assert chunk.frame["a"].to_list() == ["1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_wherever_a_writer_pauses_each_row_comes_once(tmp_path: Path, encoding: str, line_end: str) -> None:
    """Cut at every byte: what was read before and what is read after are together the whole file, once.

    But not behind a comma or a quote, where half a row looks like a whole one whose last value is empty or ends there,
    nor behind a line end inside quotes, where the line is rejected as one whose quote is never closed.
    """
    form = CsvForm(encoding=encoding)
    text = 'a,"größe"\n1,"x, y"\n2,"he said ""no""\nand left"\n3,"süß"\n'.replace("\n", line_end)
    data = text.encode(encoding)
    path = tmp_path / "rows.csv"
    path.write_bytes(data)
    whole = [row[:2] for row in take(path, csv=form)[0]]
    assert len(whole) == 3
    header = len(text[: text.index("\n") + 1].encode(encoding))
    for cut in range(header, len(data)):
        if data[:cut].decode(encoding, "ignore").endswith((",", '"', f'no""{line_end}')):
            continue
        path.write_bytes(data[:cut])
        before, position = take(path, csv=form)
        path.write_bytes(data)
        chunks = told(path, position, csv=form)
        after = [row[:2] for chunk in chunks for row in chunk.frame.rows()]
        assert [row[:2] for row in before] + after == whole, cut
        assert not any(chunk.rejected for chunk in chunks)


def test_stray_quote_costs_its_line_and_holds_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n1,"x\n2,y\n3,z')
    (chunk,) = told(path)
    assert chunk.frame["a"].to_list() == ["2", "3"]
    assert len(chunk.rejected) == 1


def test_half_a_header_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,co")
    assert told(path) == []
    path.write_text("a,colour\n1,red\n")
    assert take(path)[0] == [("1", "red", 0)]


def test_half_a_line_of_a_finished_file_is_rejected(tmp_path: Path) -> None:
    """Where there is no next read, nothing is left out in silence."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n2")
    (chunk,) = open_source(declare(path), finished=True).read(None)
    assert chunk.frame["a"].to_list() == ["1"]
    assert [one.line for one in chunk.rejected] == ["2"]


def test_file_that_still_changes_is_waited_for(tmp_path: Path) -> None:
    """Younger than `settle`: a note and nothing else; an old one beside it is read, and a finished one at once."""
    for name in ("fresh.csv", "old.csv"):
        (tmp_path / name).write_text(f"a,b\n{name},x\n")
    os.utime(tmp_path / "old.csv", (1, 1))
    note, old = told(tmp_path, settle=timedelta(hours=1))
    assert note.note == "fresh.csv changed less than 3600 s ago and is waited for"
    assert (note.frame.height, old.frame["a"].to_list()) == (0, ["old.csv"])
    os.utime(tmp_path / "fresh.csv", (1, 1))
    (fresh,) = told(tmp_path, old.position, settle=timedelta(hours=1))
    assert fresh.frame["a"].to_list() == ["fresh.csv"]
    (tmp_path / "last.csv").write_text("a,b\n1,x\n")
    spec = SourceSpec("rows", "files", tmp_path / "last.csv", settle=timedelta(hours=1))
    assert [chunk.frame.height for chunk in FileSource(spec, finished=True).read(None)] == [1]


def test_wrong_clock_does_not_hold_a_file_back_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,x\n")
    os.utime(path, (4e9, 4e9))
    assert told(path, settle=timedelta(minutes=1))[0].frame.height == 1
