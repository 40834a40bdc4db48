"""A pipeline that is run again gives nothing twice."""

import math
import struct
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab import clock
from trimtab.errors import DataError
from trimtab.pipeline import find_changes

NAN = float("nan")
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "f": pl.Float64,
    "i": pl.Int64,
    "s": pl.String,
    "b": pl.Boolean,
    "t": pl.Datetime("us", "UTC"),
}
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 0.0, -0.0, NAN, -NAN, 1.5, math.inf]),
        st.sampled_from([None, 0, 1, 2**53 + 1]),
        st.sampled_from([None, "", "a"]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC)]),
    ),
    max_size=30,
)


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def identity(row: tuple[object, ...]) -> tuple[object, ...]:
    number = row[0]
    bits = number if not isinstance(number, float) else "nan" if math.isnan(number) else struct.pack("d", number)
    return (bits, *row[1:])


@settings(deadline=None, max_examples=150)
@given(ROWS, ROWS)
def test_changes_are_the_difference_of_two_bags(
    result: list[tuple[object, ...]], kept: list[tuple[object, ...]]
) -> None:
    """The same as counting in plain Python gives: the surplus of one side is new, that of the other is gone."""
    found = find_changes(frame(result), frame(kept), list(SCHEMA))
    ours, theirs = Counter(map(identity, result)), Counter(map(identity, kept))
    assert Counter(map(identity, found.new.rows())) == ours - theirs
    assert Counter(map(identity, found.gone.rows())) == theirs - ours


def new_rows(result: pl.DataFrame, kept: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    return find_changes(result, kept, columns).new


def test_rows_come_back_in_their_order_and_of_equal_ones_the_last() -> None:
    result = pl.DataFrame({"a": [3, 1, 3, 2], "n": [0, 1, 2, 3]})
    found = find_changes(result, pl.DataFrame({"a": [5, 3, 4], "n": [0, 1, 2]}), ["a"])
    assert found.new.rows() == [(1, 1), (3, 2), (2, 3)]
    assert found.gone.rows() == [(5, 0), (4, 2)]


def test_every_nan_is_the_same_and_no_zero_is_another() -> None:
    kept = pl.DataFrame({"f": [-NAN, 0.0, math.inf]})
    found = new_rows(pl.DataFrame({"f": [NAN, -0.0, math.inf, None]}), kept, ["f"])
    assert str(found["f"].to_list()) == "[-0.0, None]"


def test_only_the_named_columns_count() -> None:
    candidates = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    kept = pl.DataFrame({"a": [1], "b": ["other"]})
    assert new_rows(candidates, kept, ["a"]).rows() == [(2, "y")]
    assert new_rows(candidates, kept, ["a", "b"]).rows() == [(1, "x"), (2, "y")]


def test_a_column_that_is_not_kept_yet_was_null() -> None:
    candidates = pl.DataFrame({"a": [1, 1], "b": [None, "new"]}, schema={"a": pl.Int64, "b": pl.String})
    assert new_rows(candidates, pl.DataFrame({"a": [1]}), ["a", "b"]).rows() == [(1, "new")]


def test_a_kept_value_of_another_type_is_compared_as_the_new_one() -> None:
    candidates = pl.DataFrame({"a": [1, None]}, schema={"a": pl.Int64})
    changes = find_changes(candidates, pl.DataFrame({"a": ["1", "no number"]}), ["a"])
    assert (changes.new.rows(), changes.gone.rows()) == ([(None,)], [("no number",)])


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match=r"(?s)b: is not.*c: is not"):
        new_rows(pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), ["a", "b", "c"])


def test_empty_frames() -> None:
    some = pl.DataFrame({"a": [1]})
    assert new_rows(some, some.clear(), ["a"]).equals(some)
    assert new_rows(some.clear(), some, ["a"]).height == 0


def test_a_year_of_flights_takes_seconds() -> None:
    """336,000 rows of 25 columns, nine of ten known: a fraction of a second on a quiet machine."""
    rng = np.random.default_rng(7)
    numbers = {f"n{at}": rng.normal(size=336_000) for at in range(15)}
    words = {f"w{at}": rng.integers(0, 50, 336_000) for at in range(10)}
    candidates = pl.DataFrame({**numbers, **words}).with_columns(pl.col("^w.*$").cast(pl.String))
    begin = clock.monotonic_ns()
    found = new_rows(candidates, candidates[33_600:], candidates.columns)
    assert found.equals(candidates[:33_600])
    assert (clock.monotonic_ns() - begin) / 1e9 < 10
