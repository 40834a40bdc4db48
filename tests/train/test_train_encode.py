import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import DataError, VersionError
from trimtab.nouns import Column, Contract, Row, Target
from trimtab.nouns.contract import ColumnType
from trimtab.train.blocks import Form
from trimtab.train.encode import Encoder

TYPES: dict[ColumnType, Any] = {
    "number": pl.Float64,
    "integer": pl.Int64,
    "boolean": pl.Boolean,
    "category": pl.String,
    "time": pl.Datetime("us", "UTC"),
    "date": pl.Date,
}
FIRST, LAST = datetime(1700, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis wants naive limits
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 5e-324, 0.1]),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "category": st.sampled_from(["a", "b", "Ä b", "", "unknown"]),
    "time": st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    "date": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
}


def make_contract(*columns: Column) -> Contract:
    return Contract(Row(), Target("y", "binary", "1", ("0", "1")), columns)


def make_frame(rows: list[Any], contract: Contract) -> pl.DataFrame:
    schema: dict[str, Any] = {column.name: TYPES[column.type] for column in contract.columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def encode_rows(encoder: Encoder, rows: list[Any]) -> np.ndarray:
    encode = encoder.compile_row()
    return np.array([encode(row) for row in rows], dtype=np.float64).reshape(len(rows), -1)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal as bit patterns, one kind of NaN: minus zero is not zero."""
    return (
        a.shape == b.shape
        and np.array_equal(np.nan_to_num(a, nan=7e77), np.nan_to_num(b, nan=7e77))
        and bool(np.array_equal(np.signbit(a[~np.isnan(a)]), np.signbit(b[~np.isnan(b)])))
    )


ALL_TYPES = make_contract(
    *(Column(kind, kind, values=("a", "b", "Ä b") if kind == "category" else ()) for kind in TYPES)
)
ROWS = st.lists(st.tuples(*(st.none() | VALUES[kind] for kind in TYPES)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(fitted=ROWS, asked=ROWS, form=st.sampled_from(["codes", "one_hot"]))
def test_frame_and_row_are_encoded_to_the_same_bits(fitted: Any, asked: Any, form: Form) -> None:
    encoder = Encoder.fit(ALL_TYPES, make_frame(fitted, ALL_TYPES), form=form)
    matrix = encoder.encode_frame(make_frame(asked, ALL_TYPES))
    assert same_bits(matrix, encode_rows(encoder, asked))
    assert matrix.shape == (len(asked), len(encoder.names))
    assert matrix.flags.c_contiguous


@settings(deadline=None, max_examples=40)
@given(fitted=ROWS, form=st.sampled_from(["codes", "one_hot"]))
def test_an_encoder_comes_back_from_json_bit_for_bit(fitted: Any, form: Form) -> None:
    encoder = Encoder.fit(ALL_TYPES, make_frame(fitted, ALL_TYPES), form=form)
    again = Encoder.from_json(encoder.to_json())
    assert again.to_json() == encoder.to_json()
    assert same_bits(encode_rows(again, fitted), encode_rows(encoder, fitted))


def test_categories_are_coded_by_the_contract_with_one_bucket_for_the_unseen() -> None:
    contract = make_contract(Column("c", "category", values=("x", "y", "z")))
    encoder = Encoder.fit(contract, make_frame([("z",)], contract))
    codes = encode_rows(encoder, [("x",), ("z",), ("other",), ("",), (None,)])[:, 0].tolist()
    assert codes[:4] == [0.0, 2.0, 3.0, 3.0]
    assert math.isnan(codes[4])


def test_a_category_without_values_takes_them_from_the_rows() -> None:
    contract = make_contract(Column("c", "category"))
    encoder = Encoder.fit(contract, make_frame([("b",), ("a",), (None,), ("b",)], contract))
    assert encode_rows(encoder, [("a",), ("b",), ("c",)])[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_a_null_is_nan_where_nulls_were_seen_and_the_mean_where_not() -> None:
    contract = make_contract(Column("seen", "number"), Column("new", "number"))
    encoder = Encoder.fit(contract, make_frame([(None, 1.0), (2.0, 3.0)], contract))
    first, second = encode_rows(encoder, [(None, None)])[0]
    assert math.isnan(first)
    assert second == 2.0


def test_one_hot_standardises_and_tells_missing_apart() -> None:
    contract = make_contract(Column("n", "number"), Column("c", "category", values=("x",)))
    encoder = Encoder.fit(contract, make_frame([(1.0, "x"), (3.0, "x"), (None, "x")], contract), form="one_hot")
    assert encoder.names == ("n", "n is missing", "c = x", "c = unseen", "c = missing")
    rows = encode_rows(encoder, [(3.0, "x"), (None, "?"), (1.0, None)])
    assert rows.tolist() == [[1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [-1, 0, 0, 0, 1]]


def test_parts_of_a_time_are_counted_from_zero_in_utc() -> None:
    contract = make_contract(Column("t", "time"), Column("d", "date"))
    encoder = Encoder.fit(contract, make_frame([(None, None)], contract))
    moment = datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)  # a Tuesday in a leap year
    assert encoder.names == ("t hour", "t weekday", "t month", "t day of year", "d weekday", "d month", "d day of year")
    assert encode_rows(encoder, [(moment, date(2024, 3, 1))])[0].tolist() == [23, 1, 11, 365, 4, 2, 60]


@pytest.mark.parametrize("form", ["codes", "one_hot"])
def test_constant_and_empty_columns_are_harmless(form: Form) -> None:
    rows = [(7.0, 1, None, None, None, None)] * 3
    encoder = Encoder.fit(ALL_TYPES, make_frame(rows, ALL_TYPES), form=form)
    asked = [(8.0, 2, True, "zzz", datetime(2025, 1, 1, tzinfo=UTC), date(2025, 1, 1)), *rows]
    assert same_bits(encoder.encode_frame(make_frame(asked, ALL_TYPES)), encode_rows(encoder, asked))


def test_very_large_numbers_are_standardised_without_overflow() -> None:
    contract = make_contract(Column("n", "number"))
    encoder = Encoder.fit(contract, make_frame([(1e308,), (-1e308,)], contract), form="one_hot")
    assert encode_rows(encoder, [(1e308,), (-1e308,)])[:, 0].tolist() == [1.0, -1.0]


def test_a_line_reads_no_number_beyond_those_that_it_was_fitted_on() -> None:
    """Held are numbers of the form for lines, a little outside the range, and the file tells no row's own number."""
    contract = make_contract(Column("day", "number"))
    fitted = [(float(day),) for day in range(101)]
    asked = [(-1e9,), (0.0,), (50.0,), (100.0,), (130.0,), (1e308,), (None,)]
    line = Encoder.fit(contract, make_frame(fitted, contract), form="one_hot")
    end = 50.0 / math.sqrt(850.0)  # standard deviations from the mean to either end
    assert encode_rows(line, asked)[:, 0] == pytest.approx([-1.8, -end, 0.0, end, 1.8, 1.8, 0.0])
    assert same_bits(line.encode_frame(make_frame(asked, contract)), encode_rows(line, asked))
    assert Encoder.from_json(line.to_json()) == line
    trees = Encoder.fit(contract, make_frame(fitted, contract), form="codes")
    assert encode_rows(trees, asked)[5, 0] == 1e308


def test_an_encoder_without_bounds_is_read_as_before() -> None:
    """A Version that was written before there were bounds answers as it did."""
    contract = make_contract(Column("n", "number"))
    text = Encoder.fit(contract, make_frame([(0.0,), (2.0,)], contract), form="one_hot").to_json()
    old = Encoder.from_json(text.replace(',"bounds":[-1.0,1.0]', "").replace('"bounds":[-1.0,1.0],', ""))
    assert "bounds" in text
    assert encode_rows(old, [(5.0,)]).tolist() == [[4.0]]


def test_only_features_are_encoded() -> None:
    contract = make_contract(
        Column("key", "text", role="key"), Column("n", "number"), Column("i", "number", role="ignore")
    )
    frame = pl.DataFrame({"key": ["a"], "n": [1.0], "i": [2.0]})
    encoder = Encoder.fit(contract, frame)
    assert encoder.names == ("n",)
    assert encoder.compile_row()(["a", 5.0, 2.0]) == [5.0]


def test_every_text_feature_is_named_with_what_to_do() -> None:
    contract = make_contract(Column("note", "text"), Column("n", "number"), Column("story", "text"))
    with pytest.raises(DataError, match=r"(?s)columns\.note.*columns\.story.*role = .ignore") as caught:
        Encoder.fit(contract, pl.DataFrame())
    assert len(caught.value.mistakes) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format":2,"form":"codes","blocks":[]}',
        '{"format":1,"form":"codes","blocks":[{"kind":"exec"}]}',
    ],
)
def test_text_that_is_no_encoder_is_refused(text: bytes) -> None:
    with pytest.raises(VersionError, match=r"encoder\.json"):
        Encoder.from_json(text)


def test_only_unordered_categories_are_offered_as_sets() -> None:
    contract = make_contract(
        Column("n", "number"),
        Column("two", "category", values=("x", "y")),
        Column("many", "category", values=("x", "y", "z")),
    )
    frame = make_frame([(1.0, "x", "y")], contract)
    assert Encoder.fit(contract, frame).categorical == (2,)
    assert Encoder.fit(contract, frame, form="one_hot").categorical == ()
