"""A sheet comes as rows of text, after it was made sure that it is no bomb."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.workbooks import Cell, write_workbook

from trimtab.errors import DataError
from trimtab.ingest import Chunk, FileSource, declare, excel, read_head
from trimtab.nouns import SourceSpec

ROWS: Mapping[str, Cell] = {"A1": "a", "B1": "b", "A2": 1.0, "B2": "007", "A3": 2.5, "B3": True}


def told(path: Path, since: Mapping[str, Any] | None = None, **more: Any) -> list[Chunk]:
    return list(FileSource(replace(SourceSpec("rows", "files", path, format="excel"), **more)).read(since))


def test_cells_come_as_text(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"one": {**ROWS, "C1": "when", "C2": "@45000", "C3": "@45000.5"}})
    assert declare(path).format == "excel"
    assert declare(path).is_text
    assert read_head(path, 5).rows() == [
        ("1", "007", "2023-03-15 00:00:00"),
        ("2.5", "true", "2023-03-15 12:00:00"),
    ]


def test_rows_are_counted_as_excel_does(tmp_path: Path) -> None:
    """Empty rows above and between are no rows, and a cell that is missing is an empty value."""
    cells: Mapping[str, Cell] = {"B3": "a", "C3": "b", "B5": 1.0, "C9": "x", "B12": None}
    (chunk,) = told(write_workbook(tmp_path / "book.xlsx", {"one": cells}))
    assert chunk.frame.columns[:2] == ["a", "b"]
    assert chunk.frame.select("a", "b").rows() == [("1", ""), ("", "x")]
    assert [place.rpartition(":")[2] for place in chunk.frame["_offset"]] == ["5", "9"]


def test_errors_of_excel_reject_their_row(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"one": {**ROWS, "A4": "#DIV/0!", "B4": "x"}})
    (chunk,) = told(path)
    assert chunk.frame.height == 2
    assert [(one.offset.rpartition(":")[2], one.line) for one in chunk.rejected] == [("4", ",x")]


def test_sheet_is_chosen_or_asked_for(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"notes": {}, "one": ROWS})
    assert told(path)[0].frame.height == 2
    path = write_workbook(tmp_path / "book.xlsx", {"first &amp; best": ROWS, "two": {"A1": "z", "A2": 1.0}})
    with pytest.raises(DataError, match="'first & best', 'two'"):
        told(path)
    assert told(path, sheet="two")[0].frame.columns[0] == "z"
    assert told(path, sheet="first & best")[0].frame.height == 2
    with pytest.raises(DataError, match="no sheet 'three'"):
        told(path, sheet="three")


def test_reading_goes_on_behind_any_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "CHUNK_ROWS", 2)
    cells = {"A3": "a"} | {f"A{n}": "#N/A" if n == 8 else float(n) for n in (4, 5, 8, 9, 11)}
    path = write_workbook(tmp_path / "book.xlsx", {"one": cells})
    chunks = told(path)
    places = [one.offset.rpartition(":")[2] for chunk in chunks for one in chunk.rejected]
    assert ([row for chunk in chunks for row in chunk.frame["a"]], places) == (["4", "5", "9", "11"], ["8"])
    for number, chunk in enumerate(chunks):
        rest = told(path, chunk.position)
        assert [one.frame.rows() for one in rest] == [one.frame.rows() for one in chunks[number + 1 :]]


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ({"A1": "a", "A2": 1.0, "XFD1048576": 1.0}, "column 16,384"),
        ({"A1": "a", "ABC900000": 1.0}, "reaches to row 900,000"),
        ('<row r="1048576"><c r="A1"/></row><row r="2"><c r="ZZ2"/></row>', "reaches to row 1,048,576"),
        ("<row><c><v>1</v></c></row>", "without their places"),
        ("<!-- x --><row/>", "without their places"),
        ({}, "no cells"),
        ({"A1": None}, "is empty"),
        ({"A1": "a", "B1": "a"}, "cannot be used"),
        ("<row r='1'><c r='A1'><v>", "xlsx"),
    ],
)  # fmt: skip
def test_sheets_that_cannot_be_read_are_refused(tmp_path: Path, sheet: Any, words: str) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"one": sheet})
    with pytest.raises(DataError, match=words):
        told(path)


def test_bombs_are_refused_before_anything_is_kept(tmp_path: Path) -> None:
    """Also where the archive's directory says that little is packed."""
    path = write_workbook(tmp_path / "book.xlsx", {"one": ROWS}, more=b"\0" * (40 << 20))
    limited: list[dict[str, Any]] = [{"max_expansion": 100}, {"max_bytes": 1 << 20}]
    for limits in limited:
        with pytest.raises(DataError, match="max_expansion"):
            told(path, **limits)
    data = path.read_bytes().replace((40 << 20).to_bytes(4, "little"), (40).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(DataError, match="max_expansion"):
        told(path)


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"PK\x03\x04...", b"\xd0\xcf\x11\xe0\xa1\xb1"])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "book.xlsx").write_bytes(data)
    (chunk,) = told(tmp_path)
    assert "xlsx" in chunk.rejected[0].reason


def test_zip_archives_are_no_workbooks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        archive.writestr("rows.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="unzip it"):
        declare(tmp_path / "rows.zip")
    (chunk,) = told(tmp_path)
    assert "no Excel workbook" in chunk.rejected[0].reason


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_damaged_workbooks_never_crash(tmp_path_factory: pytest.TempPathFactory, place: int, put: bytes) -> None:
    path = write_workbook(tmp_path_factory.mktemp("books") / "book.xlsx", {"one": ROWS})
    data = path.read_bytes()
    place %= len(data)
    path.write_bytes(data[:place] + put + data[place + len(put) :])
    (chunk,) = told(path.parent)
    assert chunk.frame.height + len(chunk.rejected) in {0, 1, 2}


words = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "Zs"), exclude_characters="<&#@"), min_size=1, max_size=6
)


@given(st.lists(st.lists(words, min_size=2, max_size=2), min_size=1, max_size=5))
@settings(deadline=None, max_examples=40)
def test_words_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    cells = {
        f"{column}{n}": row[place] for n, row in enumerate([["a", "b"], *rows], 1) for place, column in enumerate("AB")
    }
    path = write_workbook(tmp_path_factory.mktemp("books") / "book.xlsx", {"one": cells})
    assert [list(row) for row in read_head(path, 10).rows()] == rows
