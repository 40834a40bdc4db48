"""What a frame becomes: clean rows, quarantine, meta columns, labels."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from trimtab.contract.check import Tally
from trimtab.contract.clean import Checked, compile_frame
from trimtab.contract.row import compile_label, compile_row, event_time, row_key
from trimtab.errors import DataError
from trimtab.nouns.contract import Column, Contract, Row, Rule, Target

ARRIVED = datetime(2013, 7, 4, 12, tzinfo=UTC)
CLASSES = Target("late", "binary", "true", ("false", "true"))
COLUMNS = (
    Column("id", "text", role="key"),
    Column("at", "time", role="time"),
    Column("speed", "number", required=True, hard=(0, 120), soft=(0, 45)),
    Column("carrier", "category", clean=("trim",), values=("AA", "B6")),
)
CONTRACT = Contract(Row(("id",), "at", "event_time"), CLASSES, COLUMNS)


def raw_rows(**changes: list[str | None]) -> pl.DataFrame:
    columns = {
        "id": ["f1", "f2", "f3"],
        "at": ["2013-07-04T05:00:00Z", "", "2013-07-04T07:00:00Z"],
        "speed": ["10", "fast", "50"],
        "carrier": ["AA", " ", "ZZ "],
        "late": ["true", "maybe", ""],
        **changes,
    }
    arrived = pl.Series([ARRIVED] * 3, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame(columns).with_columns(
        _row=pl.int_range(3), _offset=pl.format("abc:{}", pl.int_range(1, 4)), _arrived_at=arrived
    )


def checked(**changes: list[str | None]) -> Checked:
    return compile_frame(CONTRACT, text=True).apply(raw_rows(**changes))


def test_good_rows_are_clean_with_their_warnings() -> None:
    clean = checked().clean
    assert clean.columns == ["id", "at", "speed", "carrier", "_label", "_event_at", "_row", "_arrived_at", "_warnings"]
    assert clean["_row"].to_list() == [0, 2]
    assert clean["_label"].to_list() == ["true", None]
    assert clean["_warnings"].to_list() == [[], ["soft_range:speed", "unseen:carrier"]]


def test_bad_rows_are_quarantined_with_every_reason() -> None:
    quarantine = checked().quarantine
    assert quarantine.columns == ["_row", "_offset", "_arrived_at", "raw", "reasons"]
    assert quarantine["reasons"].to_list() == [["speed:not_a_number", "late:unknown_class"]]
    assert quarantine["_offset"].to_list() == ["abc:2"]
    assert json.loads(quarantine["raw"][0])["speed"] == "fast"
    assert checked().counts == {"speed:not_a_number": 1, "late:unknown_class": 1}


def test_types_are_the_contracts_even_without_rows() -> None:
    full, empty = checked().clean, compile_frame(CONTRACT, text=True).apply(raw_rows().clear())
    assert empty.clean.schema == full.schema
    assert empty.quarantine.schema == checked().quarantine.schema
    assert full.schema["speed"] == pl.Float64()
    assert full.schema["_warnings"] == pl.List(pl.String())


def test_a_row_without_event_time_happened_when_it_arrived() -> None:
    clean = checked(speed=["1", "2", "3"], late=["", "", ""]).clean
    assert clean["_event_at"].to_list()[:2] == [datetime(2013, 7, 4, 5, tzinfo=UTC), ARRIVED]


def test_without_any_time_the_event_time_is_null() -> None:
    contract = replace(CONTRACT, row=Row())
    clean = compile_frame(contract, text=True).apply(raw_rows().drop("_arrived_at")).clean
    assert clean["_event_at"].null_count() == clean.height


def test_a_date_as_event_time_counts_from_midnight_utc() -> None:
    column = Column("day", "date", role="time")
    contract = Contract(Row(event_time="day", order="event_time"), CLASSES, (column,))
    expected = datetime(2013, 7, 4, tzinfo=UTC)
    clean = compile_frame(contract, text=True).apply(pl.DataFrame({"day": ["2013-07-04"]})).clean
    assert clean["_event_at"].to_list() == [expected]
    assert event_time(contract, compile_row(contract, text=True)({"day": "2013-07-04"}).values) == expected


def test_a_missing_optional_column_is_all_null() -> None:
    clean = (
        compile_frame(CONTRACT, text=True)
        .apply(raw_rows(speed=["1", "2", "3"], late=["", "", ""]).drop("carrier"))
        .clean
    )
    assert clean["carrier"].null_count() == 3
    assert clean["_warnings"].to_list() == [["imputed:carrier"], ["imputed:carrier"], ["imputed:carrier"]]


def test_missing_required_columns_are_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match="speed: is required and not in the data; did you mean 'sped'"):
        compile_frame(CONTRACT, text=True).apply(raw_rows().rename({"speed": "sped"}))


def test_a_table_without_the_label_is_not_labelled() -> None:
    assert compile_frame(CONTRACT, text=True).apply(raw_rows().drop("late")).clean["_label"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("classes", "value", "label"),
    [
        (("false", "true"), True, "true"), (("False", "True"), False, "False"), (("no", "yes"), " yes ", "yes"),
        (("0", "1"), "1.0", "1"), (("0", "1"), 1, "1"), (("0", "1"), 0.0, "0"), (("0", "1"), True, None),
        (("1.5", "2"), 2.0, "2"), (("a", "b"), "c", None), (("a", "b"), 1, None), (("a", "b"), ["a"], None),
        (("a", "b"), None, None), (("NA", "b"), "NA", "NA"), (("01", "1"), "1", "1"), (("01", "1"), 1, None),
    ],
)  # fmt: skip
def test_a_label_names_one_class(classes: tuple[str, ...], value: object, label: str | None) -> None:
    contract = replace(CONTRACT, target=Target("late", "binary", classes[1], classes))
    assert compile_label(contract)(value) == label
    if not isinstance(value, list):
        frame = pl.DataFrame({"late": [value], "speed": [1.0]}, strict=False)
        assert compile_frame(contract, text=False).apply(frame).clean["_label"].to_list() in ([label], [])


@pytest.mark.parametrize("unset", [None, "", " ", "NA", "?", float("nan")])
def test_not_labelled_yet_is_no_mistake(unset: object) -> None:
    frame = pl.DataFrame({"late": [unset], "speed": [1.0]})
    result = compile_frame(CONTRACT, text=False).apply(frame)
    assert result.clean["_label"].to_list() == [None]


@pytest.mark.parametrize(
    ("value", "label"),
    [(1, "1.0"), ("1e2", "100.0"), (-0.0, "0.0"), ("1e999", None), (True, None), ("x", None), (10**400, None)],
)
def test_a_regression_label_is_a_finite_number(value: object, label: str | None) -> None:
    contract = replace(CONTRACT, target=Target("late", "regression"))
    assert compile_label(contract)(value) == label


def test_regression_labels_are_numbers_in_the_frame() -> None:
    contract = replace(CONTRACT, target=Target("late", "regression"))
    result = compile_frame(contract, text=True).apply(raw_rows(late=["1.5", "", "x"], speed=["1", "1", "1"]))
    assert result.clean["_label"].to_list() == [1.5, None]
    assert result.counts == {"late:not_a_number": 1}


def test_a_key_is_canonical_and_whole() -> None:
    row = compile_row(CONTRACT)
    assert row_key(CONTRACT, row({"id": "f1", "speed": 1}).values) == '{"id":"f1"}'
    assert row_key(CONTRACT, row({"speed": 1}).values) is None
    assert row_key(replace(CONTRACT, row=Row()), row({"id": "f1"}).values) is None


def test_quarantine_keeps_values_that_json_has_no_word_for() -> None:
    frame = pl.DataFrame({"speed": [float("nan")], "x": [[1, 2]], "at": [ARRIVED]})
    raw = compile_frame(CONTRACT, text=False).apply(frame).quarantine["raw"][0]
    assert json.loads(raw) == {"speed": None, "x": [1, 2], "at": "2013-07-04T12:00:00Z"}


def test_the_report_is_sentences_without_values() -> None:
    tally = Tally()
    tally.add(checked())
    told = "\n".join(tally.report(CONTRACT))
    assert "2 of 3 rows are clean; 1 in quarantine (33.3%)" in told
    assert "'speed' is a text that is no number: 1 row (not_a_number); for example row 2." in told
    assert "'carrier' is a category that training has not seen in 1 row (warning unseen)." in told
    assert "fast" not in told


def test_nul_characters_survive_the_lake(tmp_path: Path) -> None:
    """That is why they are text like any other: what cannot be stored would have to be refused."""
    frame = pl.DataFrame({"x": ["a\x00b", "\x00"]})
    write_deltalake(str(tmp_path / "t"), frame)
    assert pl.scan_delta(str(tmp_path / "t")).collect()["x"].to_list() == ["a\x00b", "\x00"]


def test_the_facts_name_columns_rules_and_the_first_rows_of_each_reason() -> None:
    """Rows are named by their place in the file; an example is never more than a place."""
    contract = replace(CONTRACT, rules=(Rule("slow", "speed < 20"), Rule("aa", "carrier = 'AA'", "warn")))
    tally = Tally()
    for _ in range(5):
        tally.add(compile_frame(contract, text=True).apply(raw_rows()))
    facts = tally.facts(contract)
    assert facts["examples"] == {
        "speed:not_a_number": ["2"] * 3,
        "late:unknown_class": ["2"] * 3,
        "rule:slow": ["3"] * 3,
    }
    assert facts["columns"]["speed"] == {"refused": 5, "warned": 0, "null": 0}  # type: ignore[index]
    assert "Rule 'slow' is broken: 5 rows (speed < 20); for example row 3, 3, 3, ...." in tally.report(contract)
