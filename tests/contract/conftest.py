"""Both compilations asked at once: every test of a treatment is a test that the two agree."""

import struct
from collections.abc import Callable, Sequence
from datetime import datetime

import polars as pl
import pytest

from trimtab.contract.clean import Checked, compile_frame
from trimtab.contract.row import CleanRow, compile_row
from trimtab.nouns.contract import Column, Contract, Row, Rule, Target

Answer = tuple[object, str, list[str]]
Ask = Callable[..., Answer]


def build(*columns: Column, zone: str = "UTC", target: Target | None = None, rules: Sequence[Rule] = ()) -> Contract:
    goal = target or Target("*target*", "binary", "1", ("0", "1"))
    return Contract(Row(time_zone=zone), goal, columns, rules=tuple(rules))


def bits(value: object) -> object:
    """A value in which minus zero differs from zero, and 1 from 1.0 and true."""
    if isinstance(value, float):
        return struct.pack(">d", value)
    if isinstance(value, datetime):
        return (value.isoformat(), value.utcoffset())
    return (type(value).__name__, value)


def by_frame(contract: Contract, frame: pl.DataFrame, *, text: bool) -> list[CleanRow]:
    """The frame compilation's answers, row by row; a quarantined row has reasons only."""
    checked: Checked = compile_frame(contract, text=text).apply(frame.with_row_index("_row"))
    names = [column.name for column in contract.columns]
    answers = {
        row["_row"]: CleanRow([row[name] for name in names], [], row["_warnings"])
        for row in checked.clean.iter_rows(named=True)
    }
    for row in checked.quarantine.iter_rows(named=True):
        reasons = [tuple(reason.rsplit(":", 1)) for reason in row["reasons"]]
        answers[row["_row"]] = CleanRow([], reasons, [])
    return [answers[number] for number in range(frame.height)]


def assert_equal(rows: Sequence[CleanRow], framed: Sequence[CleanRow]) -> None:
    for one, other in zip(rows, framed, strict=True):
        assert one.reasons == other.reasons
        if not one.reasons:
            assert [bits(value) for value in one.values] == [bits(value) for value in other.values]
            assert one.warnings == other.warnings


def compare(contract: Contract, frame: pl.DataFrame, *, text: bool) -> list[CleanRow]:
    """The answers of both compilations to every row, after asserting that they are the same."""
    row = compile_row(contract, text=text)
    rows = [row(mapping) for mapping in frame.iter_rows(named=True)]
    assert_equal(rows, by_frame(contract, frame, text=text))
    return rows


def ask_both(column: Column, value: object, *, text: bool = False, zone: str = "UTC", dtype: object = None) -> Answer:
    """The one answer of both compilations to one value: cleaned value, code, warnings."""
    series = pl.Series(column.name, [value], dtype=dtype)  # type: ignore[arg-type]
    (row,) = compare(build(column, zone=zone), pl.DataFrame({column.name: series}), text=text)
    return row.values[0], row.reasons[0][1] if row.reasons else "", row.warnings


@pytest.fixture(scope="session")
def ask() -> Ask:
    return ask_both


@pytest.fixture(scope="session")
def agree() -> Callable[..., list[CleanRow]]:
    return compare


@pytest.fixture(scope="session")
def contract_of() -> Callable[..., Contract]:
    return build
