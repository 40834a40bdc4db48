"""Parquet comes in plain types, or not at all."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import DataError
from trimtab.ingest import FileSource, declare, read_head
from trimtab.ingest.blocks import CHUNK_ROWS
from trimtab.ingest.parquet import FIRST_ROWS, read_rows


def test_values_keep_their_meaning_in_plain_types(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    naive = moment.replace(tzinfo=None)
    frame = pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.UInt8),
            "big": [2**53 + 1, -1],
            "half": pl.Series([0.5, float("nan")], dtype=pl.Float32),
            "price": [Decimal("1.25"), None],
            "word": pl.Series(["a", "b"], dtype=pl.Categorical),
            "flag": [True, None],
            "day": [date(2026, 1, 31)] * 2,
            "at": pl.Series([moment, None]).cast(pl.Datetime("ns", "UTC")),
            "naive": pl.Series([naive] * 2, dtype=pl.Datetime("ms")),
            "nothing": [None, None],
        }
    )
    frame.write_parquet(path)
    read = read_head(path, 10)
    assert read.row(0) == (1, 2**53 + 1, 0.5, 1.25, "a", True, date(2026, 1, 31), moment, naive, None)
    assert read.dtypes == [
        pl.Int64, pl.Int64, pl.Float64, pl.Float64, pl.String, pl.Boolean, pl.Date,
        pl.Datetime("us", "UTC"), pl.Datetime("us"), pl.String,
    ]  # fmt: skip


def test_columns_without_a_plain_type_are_named_together(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"ok": [1], "list": [[1]], "struct": [{"a": 1}], "raw": [b"x"]}).write_parquet(path)
    with pytest.raises(DataError) as error:
        list(FileSource(declare(path)).read(None))
    assert [mistake.where for mistake in error.value.mistakes] == ["column 'list'", "column 'struct'", "column 'raw'"]


def test_reserved_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": [1], "_offset": [1]}).write_parquet(path)
    with pytest.raises(DataError, match="_offset"):
        read_head(path, 10)


@pytest.mark.parametrize("cut", [8, 200, -4])
def test_broken_file_is_an_error_with_a_name(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"rows\.parquet"):
        list(FileSource(declare(path)).read(None))


def test_file_without_rows_gives_an_empty_chunk(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame(schema={"a": pl.Int64}).write_parquet(path)
    (chunk,) = FileSource(declare(path)).read(None)
    assert chunk.frame.height == 0
    assert list(FileSource(declare(path)).read(chunk.position)) == []


def test_whole_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """They are never rounded or wrapped."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": pl.Series([1, 2**63], dtype=pl.UInt64)}).write_parquet(path)
    with pytest.raises(DataError, match="cannot be read"):
        list(FileSource(declare(path)).read(None))


@pytest.mark.parametrize("at_once", [1, 2_000, 1 << 30])
def test_rows_of_one_large_row_group_come_whole_and_in_order(tmp_path: Path, at_once: int) -> None:
    """However few of its columns and rows are in memory at once, and from whichever row reading goes on."""
    frame = pl.DataFrame({"a": range(2100), "b": [f"word {number}" for number in range(2100)], "c": [None, 0.5] * 1050})
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=2100)
    for begin in (0, 2050):
        portions = list(read_rows(tmp_path / "rows.parquet", "rows", begin, at_once=at_once))
        assert pl.concat([portion.frame for portion in portions]).equals(frame[begin:])
        assert at_once > 1 or [portion.done for portion in portions[1:]] == [1] * max(0, 2100 - begin - FIRST_ROWS)


def test_chunks_of_a_large_slice_hold_no_more_rows_than_others(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(200_000)}).write_parquet(tmp_path / "rows.parquet")
    portions = list(read_rows(tmp_path / "rows.parquet", "rows", 0))
    assert sum(portion.done for portion in portions) == 200_000
    assert max(portion.done for portion in portions) == CHUNK_ROWS
