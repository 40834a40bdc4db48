"""How a lake file holds its columns: chosen for speed and size, and no text is repeated beside the rows."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from trimtab.store.lake import Lake


@pytest.fixture
def columns(tmp_path: Path) -> dict[str, tuple[str, str | None]]:
    """Encodings and lowest value of each column in the file of one append."""
    rows = 3000
    frame = pl.DataFrame(
        {
            "many": [f"value {number * 7919}" for number in range(rows)],
            "odd.name ü": [f"{number * 7919}" for number in range(rows)],
            "few": ["red", "green", "blue"] * 1000,
            "_row": range(rows),
            "_offset": [f"0123456789ab:{number}" for number in range(rows)],
        }
    ).with_columns(_arrived_at=pl.lit(datetime(2026, 1, 31, tzinfo=UTC)))
    Lake(tmp_path).append("raw/rows", frame)
    (path,) = (tmp_path / "raw" / "rows").glob("*.parquet")
    query = "select path_in_schema, encodings, stats_min_value from parquet_metadata(?)"
    found = duckdb.execute(query, [str(path)]).fetchall()
    assert pl.read_parquet(path).equals(frame.with_columns(pl.col("_arrived_at").dt.cast_time_unit("us")))
    return {name: (encodings, lowest) for name, encodings, lowest in found}


def test_text_of_many_values_is_kept_as_lengths_and_letters(columns: dict[str, tuple[str, str | None]]) -> None:
    assert "DELTA_LENGTH_BYTE_ARRAY" in columns["many"][0]
    assert "DELTA_LENGTH_BYTE_ARRAY" in columns["odd.name ü"][0]
    assert "DELTA_BYTE_ARRAY" in columns["_offset"][0]
    assert "RLE_DICTIONARY" in columns["few"][0]


def test_bounds_stand_where_files_are_found_by_them_and_not_beside_text(
    columns: dict[str, tuple[str, str | None]],
) -> None:
    assert columns["_row"][1] == "0"
    assert columns["_arrived_at"][1] is not None
    assert {columns[name][1] for name in ("many", "odd.name ü", "few", "_offset")} == {None}
