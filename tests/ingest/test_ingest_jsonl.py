"""Every line of a file of JSON lines is a row, a reason, or blank; a column has one type for good."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import DataError
from trimtab.ingest import Chunk, FileSource, declare
from trimtab.ingest.jsonl import read_object
from trimtab.nouns import SourceSpec


def told(path: Path, since: Mapping[str, Any] | None = None, **more: Any) -> list[Chunk]:
    return list(FileSource(replace(SourceSpec("rows", "files", path, format="jsonl"), **more)).read(since))


def test_values_come_in_columns_of_one_type(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n":1,"w":"x","in":{"k":[1]},"f":true}\r\n\n{"n":2.5,"w":"ü","late":"z"}\n{"mix":1}\n{"mix":"a"}')
    assert declare(path).format == "jsonl"
    (chunk,) = told(path)
    assert chunk.frame.drop("_row", "_offset").rows() == [
        (1.0, "x", '{"k":[1]}', True, None, None),
        (2.5, "ü", None, None, "z", None),
        (None, None, None, None, None, "1"),
        (None, None, None, None, None, "a"),
    ]
    assert [place.rpartition(":")[2] for place in chunk.frame["_offset"]] == ["1", "3", "4", "5"]


def test_whole_numbers_of_the_key_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id":9007199254740993,"other":9007199254740993}\n{"id":3,"other":1}\n')
    (chunk,) = told(path, key=("id",))
    assert chunk.frame["other"].to_list() == ["9007199254740993", "1"]
    path.write_text('{"id":7}\n')
    (chunk,) = told(path, key=("id",))
    assert chunk.frame.schema["id"] == pl.Int64


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a":1', "no JSON"),
        ("[1]", "no object"),
        ("1", "no object"),
        ('{"a":NaN}', "NaN is no number"),
        ('{"a":-Infinity}', "is no number"),
        ('{"a":1e400}', "beyond all limits"),
        ('{"a":{"b":1e400}}', "beyond all limits"),
        ('{"a":1,"a":2}', "twice"),
        ('{"a":{"b":1,"b":2}}', "twice"),
        ('{"a":"\\ud800"}', "half of a character"),
        ('{"a":' + "[" * 65 + "]" * 65 + "}", "nested deeper"),
        ('{"a":' + "[" * 100_000, "nested deeper"),
        ('{"a":"' + "x" * 131_073 + '"}', "longer than"),
        ('{"a":"x\ty"}', "no JSON"),
        ('{"a":1} {"a":2}', "no JSON"),
        ('{"a":' + "9" * 5000 + "}", "no JSON"),
    ],
)
def test_each_bad_line_costs_itself(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a":1}}\n{line}\n{{"a":2}}\n')
    (chunk,) = told(path)
    assert chunk.frame["a"].to_list() == [1.0, 2.0]
    assert [(one.offset.rpartition(":")[2], reason in one.reason) for one in chunk.rejected] == [("2", True)]


def test_bytes_that_are_no_text_cost_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":"x"}\n{"a":"s\xfc"}\n')
    (chunk,) = told(path)
    assert (chunk.frame["a"].to_list(), chunk.rejected[0].reason) == (["x"], "bytes that are not UTF-8")
    path.write_bytes('{"a":1}\n'.encode("utf-16"))
    with pytest.raises(DataError, match="UTF-8"):
        told(path)


def test_types_stay_as_the_first_file_had_them(tmp_path: Path) -> None:
    """What does not fit later is rejected; a new column may come."""
    (tmp_path / "1.jsonl").write_text('{"a":1,"b":"x"}\n')
    (first,) = told(tmp_path)
    (tmp_path / "2.jsonl").write_text('{"a":"x"}\n{"a":2,"b":3,"c":true}\n')
    (second,) = told(tmp_path, first.position)
    assert [one.reason for one in second.rejected] == ["column a: text where number was before"]
    assert second.frame.drop("_row", "_offset").rows() == [(2.0, "3", True)]


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a":1}\n{"a":')
    (first,) = told(path)
    path.write_text('{"a":1}\n{"a":2}')
    (second,) = told(path, first.position)
    assert (first.frame["a"].to_list(), first.rejected, second.frame["a"].to_list()) == ([1.0], (), [2.0])
    path.write_text('{"a":1}\n{"a":2}\n{"a":3}\n')
    (third,) = told(path, second.position)
    assert third.frame["_offset"][0].endswith(":3")


def test_reading_goes_on_behind_any_chunk(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"a":{n},"b":"{"x" * 20}"}}\n' for n in range(70_000)) + '{"b":1}\n')
    chunks = told(path)
    assert len(chunks) > 1
    rest = told(path, chunks[0].position)
    whole = pl.concat(chunk.frame for chunk in chunks)
    assert pl.concat([chunks[0].frame, *(one.frame for one in rest)]).equals(whole)


def test_names_that_cannot_be_used_refuse_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"_row":1,"_offset":2}\n')
    with pytest.raises(DataError) as error:
        told(path)
    assert len(error.value.mistakes) == 2
    path.write_text("{" + ",".join(f'"c{n}":1' for n in range(10_000)) + "}\n")
    with pytest.raises(DataError, match="10000 columns"):
        told(path)


values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.integers(0, 9), max_size=2),
)
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
lines = objects.map(json.dumps) | st.text('{}[]":,1ae\\u\r ', max_size=12)


@given(st.lists(lines, max_size=12), st.booleans())
@settings(deadline=None, max_examples=80)
def test_lines_are_rows_or_rejected_or_blank(
    tmp_path_factory: pytest.TempPathFactory, found: list[str], end: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    path.write_text("\n".join(found) + "\n" * end)
    chunks = list(FileSource(SourceSpec("rows", "files", path, format="jsonl"), finished=True).read(None))
    said = sum(chunk.frame.height + len(chunk.rejected) for chunk in chunks)
    assert said == sum(1 for line in path.read_bytes().split(b"\n") if line.strip())


@given(objects.filter(bool))
@settings(deadline=None, max_examples=80)
def test_an_object_is_read_as_it_was_written(item: dict[str, Any]) -> None:
    assert read_object(json.dumps(item).encode()) == item
