"""A file that is not what its source holds is refused with the reading that was tried, and how to pin another."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.errors import DataError
from trimtab.ingest import FileSource, UnclearForm
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm

WANTED = {"a", "y"}


def spec(path: Path, **more: Any) -> SourceSpec:
    return SourceSpec("rows", "files", path, **more)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("text", "guess"),
    [("a;y\n1;2\n", ";"), ("a\ty\n1\t2\n", "\t"), ("a,b;y\n1,2;3\n4,5;6\n", ";"), ("a|y\n1|2\n", "|")],
)
def test_another_delimiter_that_fits_as_well_is_refused_and_named(tmp_path: Path, text: str, guess: str) -> None:
    with pytest.raises(UnclearForm, match=r"is read as . columns? with ',', and may as well be 2 with") as caught:
        list(FileSource(spec(write(tmp_path, "x.csv", text)), expected=WANTED).read(None))
    assert caught.value.settles == {"delimiter": guess}
    assert "csv = { ... }" in caught.value.hint


@pytest.mark.parametrize("text", ["a\n1\n", "a,y\n1;2,3\n", "y,b;c\n1,2\n", '"note; a",y\n1,2\n'])
def test_signs_in_a_file_that_is_read_right_do_not_matter(tmp_path: Path, text: str) -> None:
    (chunk,) = FileSource(spec(write(tmp_path, "x.csv", text)), expected=WANTED).read(None)
    assert chunk.frame.height == 1


def test_where_nothing_is_expected_a_lone_column_that_another_sign_divides_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnclearForm):
        list(FileSource(spec(write(tmp_path, "x.csv", "p;q\n1;2\n"))).read(None))
    assert list(FileSource(spec(write(tmp_path, "y.csv", "p;q\nno sign here\n"))).read(None))


@pytest.mark.parametrize(("name", "kind"), [("x.csv", "csv"), ("x.jsonl", "jsonl"), ("x.parquet", "parquet")])
def test_a_file_without_any_expected_column_is_refused_whatever_its_format(
    tmp_path: Path, name: str, kind: Any
) -> None:
    if kind == "parquet":
        pl.DataFrame({"error": ["none"]}).write_parquet(tmp_path / name)
    else:
        write(tmp_path, name, "<html>\n<p>sorry</p>\n" if kind == "csv" else json.dumps({"error": "none"}) + "\n")
    with pytest.raises(DataError, match="none of the columns that are asked for"):
        list(FileSource(spec(tmp_path / name, format=kind), expected=WANTED).read(None))


def test_in_a_folder_it_is_rejected_once_and_read_when_its_form_is_pinned(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,y\n1,2\n")
    write(tmp_path, "b.csv", "a;y\n3;4\n5;6\n")
    first = list(FileSource(spec(tmp_path), expected=WANTED).read(None))
    assert [chunk.frame.height for chunk in first] == [1, 0]
    assert 'delimiter = ";"' in first[1].note
    position = json.loads(json.dumps(first[-1].position))
    assert list(FileSource(spec(tmp_path), expected=WANTED).read(position)) == []
    assert len(list(FileSource(spec(tmp_path), expected={"a", "z"}).read(position))) == 1
    pinned = spec(tmp_path, csv=CsvForm(delimiter=";"))
    again = list(FileSource(pinned, expected=WANTED).read(position))
    assert [(chunk.frame["_row"].to_list(), chunk.frame["a"].to_list()) for chunk in again] == [([1, 2], ["3", "5"])]
