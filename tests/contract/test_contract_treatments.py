"""The table in docs/contract.md, line by line, on both compilations."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from trimtab.contract.row import compile_row
from trimtab.errors import ConfigError, DataError
from trimtab.nouns.contract import Column, Contract

Ask = Callable[..., tuple[object, str, list[str]]]
Build = Callable[..., Contract]

NUMBER = Column("x", "number")
REPAIR = Column("x", "number", numeric_text="repair", bool_as_number="repair")
WHOLE = Column("x", "integer")
CODE = Column("x", "category", clean=("trim",), values=("AA", "B6"))
INF = float("inf")


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("12", 12.0, ""), (" -1.5e3\t", -1500.0, ""), (".5", 0.5, ""), ("5.", 5.0, ""), ("-0", 0.0, ""),
        ("1_000", None, "not_a_number"), ("nan", None, "not_a_number"), ("0x10", None, "not_a_number"),
        ("\u0661", None, "not_a_number"), ("1,5", None, "not_a_number"), ("1e999", None, "not_finite"),
        ("x" * 10_001, None, "too_long"),
    ],
)  # fmt: skip
def test_a_number_in_a_file_has_one_grammar(ask: Ask, text: str, value: float | None, code: str) -> None:
    answer, found, _ = ask(NUMBER, text, text=True)
    assert (answer, found) == (value, code)


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("3", 3, ""), ("3.0", 3, ""), ("3.5", None, "not_an_integer"), ("9223372036854775807", 2**63 - 1, ""),
        ("9007199254740993", 2**53 + 1, ""), ("9223372036854775808", None, "hard_range"), ("1e400", None, "not_finite"),
        ("x", None, "not_a_number"),
    ],
)  # fmt: skip
def test_a_whole_number_in_a_file(ask: Ask, text: str, value: int | None, code: str) -> None:
    answer, found, _ = ask(WHOLE, text, text=True)
    assert (answer, found) == (value, code)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (NUMBER, 7, (7.0, "", [])),
        (NUMBER, "7", (None, "text_for_number", [])),
        (REPAIR, "7", (7.0, "", ["repaired:x"])),
        (REPAIR, "seven", (None, "not_a_number", [])),
        (NUMBER, True, (None, "bool_for_number", [])),
        (REPAIR, True, (1.0, "", ["repaired:x"])),
        (NUMBER, INF, (None, "not_finite", [])),
        (NUMBER, float("nan"), (None, "not_finite", [])),
        (NUMBER, [1], (None, "wrong_type", [])),
        (NUMBER, datetime(2013, 1, 1, tzinfo=UTC), (None, "wrong_type", [])),
        (NUMBER, "", (None, "", ["imputed:x"])),
        (WHOLE, 3.0, (3, "", [])),
        (WHOLE, 3.5, (None, "not_an_integer", [])),
        (WHOLE, 2.0**63, (None, "hard_range", [])),
        (WHOLE, False, (None, "bool_for_number", [])),
        (Column("x", "integer", bool_as_number="repair"), False, (0, "", ["repaired:x"])),
    ],
)
def test_a_typed_value_for_a_number(ask: Ask, column: Column, value: object, expected: object) -> None:
    assert ask(column, value) == expected


@pytest.mark.parametrize("spelled", ["-999", "-999.0", " -9.99e2 "])
def test_a_null_that_is_a_number_is_that_number_however_written(ask: Ask, spelled: str) -> None:
    column = Column("x", "number", nulls=("-999",))
    assert ask(column, spelled, text=True) == ask(column, -999.0) == ask(column, -999) == (None, "", ["imputed:x"])


def test_nan_is_null_exactly_where_the_contract_spells_it(ask: Ask) -> None:
    column = Column("x", "number", nulls=("NaN",))
    assert ask(column, float("nan")) == ask(column, "NaN", text=True) == (None, "", ["imputed:x"])
    assert ask(column, INF)[1] == "not_finite"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "hard_range"), (1.0, ""), (6000.0, ""), (6000.1, "hard_range")],
)
def test_the_hard_range_is_closed(ask: Ask, value: float, expected: str) -> None:
    assert ask(Column("x", "number", hard=(1, 6000)), value)[1] == expected


def test_outside_the_soft_range_is_a_warning(ask: Ask) -> None:
    column = Column("x", "number", required=True, soft=(0, 1))
    assert ask(column, 2.0) == (2.0, "", ["soft_range:x"])
    assert ask(column, 1.0) == (1.0, "", [])


def test_integers_meet_their_range_exactly(ask: Ask) -> None:
    """As floats, 2**53 and 2**53 + 1 are the same number; the range must not think so."""
    column = Column("x", "integer", hard=(0, 2.0**53))
    assert ask(column, 2**53)[1] == ""
    assert ask(column, 2**53 + 1)[1] == "hard_range"


@pytest.mark.parametrize(
    ("clean", "text", "value"),
    [
        (("unit:0.5",), "3", 1.5),
        (("clip:0:10",), "12", 10.0),
        (("unit:2", "clip:0:10"), "4", 8.0),
        (("decimal_comma",), "1,5", 1.5),
        (("map",), "low", 1.0),
    ],
)
def test_steps_on_numbers(ask: Ask, clean: tuple[str, ...], text: str, value: float) -> None:
    assert (
        ask(Column("x", "number", clean=clean, map={"low": "1"} if "map" in clean else {}), text, text=True)[0] == value
    )


def test_a_point_beside_a_decimal_comma_is_refused(ask: Ask) -> None:
    """1.234 would be wrong by a factor of a thousand if the point were a thousands mark."""
    assert ask(Column("x", "number", clean=("decimal_comma",)), "1.234", text=True)[1] == "not_a_number"


def test_a_clip_never_hides_what_is_not_finite(ask: Ask) -> None:
    assert ask(Column("x", "number", clean=("clip:0:10",)), "1e999", text=True)[1] == "not_finite"


@pytest.mark.parametrize("word", ["true", "Yes", "T", " y ", "1"])
def test_words_for_true(ask: Ask, word: str) -> None:
    column = Column("x", "boolean")
    assert ask(column, word, text=True)[0] is ask(column, word)[0] is True


@pytest.mark.parametrize(("value", "expected"), [(False, False), (0, False), (1, True)])
def test_typed_booleans(ask: Ask, value: object, expected: bool) -> None:
    assert ask(Column("x", "boolean"), value)[0] is expected


@pytest.mark.parametrize("value", ["maybe", 2, 1.0, [True]])
def test_no_boolean(ask: Ask, value: object) -> None:
    assert ask(Column("x", "boolean"), value)[1] == "wrong_type"


@pytest.mark.parametrize(
    ("value", "cleaned", "code"),
    [
        ("a", "a", ""), (True, "true", ""), (12, "12", ""), (12.0, "12", ""), (-0.0, "0", ""),
        (1.5, None, "wrong_type"), (2.0**53, None, "wrong_type"), (INF, None, "wrong_type"), ([1], None, "wrong_type"),
        (date(2013, 1, 1), None, "wrong_type"), ("a\x00b", "a\x00b", ""), ("x" * 10_001, None, "too_long"),
    ],
)  # fmt: skip
def test_texts_and_what_becomes_one(ask: Ask, value: object, cleaned: str | None, code: str) -> None:
    answer, found, _ = ask(Column("x", "text"), value)
    assert (answer, found) == (cleaned, code)


def test_an_unseen_category_is_kept_with_a_warning(ask: Ask) -> None:
    assert ask(CODE, " ZZ ") == ("ZZ", "", ["unseen:x"])
    assert ask(CODE, " B6 ") == ("B6", "", [])


def test_an_unseen_category_is_an_error_where_the_contract_says_so(ask: Ask) -> None:
    assert ask(Column("x", "category", values=("a",), unseen="reject"), "b")[1] == "unseen"


def test_text_steps_work_in_their_order(ask: Ask) -> None:
    column = Column("x", "text", clean=("trim", "map", "upper"), map={"AirTran": "fl"})
    assert ask(column, " AirTran ", text=True)[0] == "FL"
    assert ask(Column("x", "text", clean=("upper", "map"), map={"AirTran": "fl"}), "AirTran", text=True)[0] == "AIRTRAN"


@pytest.mark.parametrize("text", ["", "   ", "\u00a0", "NA", " NA "])
def test_null_spellings_are_compared_without_their_blanks(ask: Ask, text: str) -> None:
    assert ask(Column("x", "text", nulls=("NA",)), text) == (None, "", ["imputed:x"])


def test_a_listed_category_is_cleaned_like_any_text(ask: Ask) -> None:
    assert ask(Column("x", "category", clean=("lower",), values=("AA",)), "AA") == ("aa", "", ["unseen:x"])


def test_no_step_touches_the_default(ask: Ask) -> None:
    column = Column("x", "number", clean=("unit:2",), nulls=("3",), missing="default", default=3.0)
    assert ask(column, None)[0] == 3.0


def test_a_required_value_that_is_missing(ask: Ask) -> None:
    assert ask(Column("x", "number", required=True), "", text=True)[1] == "missing"


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [("number", 2, 2.0), ("integer", 3, 3), ("boolean", False, False), ("category", "a", "a")],
)
def test_the_default_is_a_value_of_the_column(ask: Ask, kind: Any, default: Any, value: object) -> None:
    answer = ask(Column("x", kind, missing="default", default=default), None)
    assert answer == (value, "", ["imputed:x"])
    assert type(answer[0]) is type(value)


@pytest.mark.parametrize("role", ["key", "time", "group", "ignore"])
def test_only_features_are_imputed(ask: Ask, role: Any) -> None:
    assert ask(Column("x", "text", role=role, missing="default", default="a"), None) == (None, "", [])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-07-04T05:06:07Z", datetime(2013, 7, 4, 5, 6, 7, tzinfo=UTC)),
        ("2013-07-04 05:06:07.25+01:30", datetime(2013, 7, 4, 3, 36, 7, 250_000, tzinfo=UTC)),
        ("2013-07-04t05:06:07.123456999z", datetime(2013, 7, 4, 5, 6, 7, 123_456, tzinfo=UTC)),
    ],
)
def test_rfc3339_with_its_offset(ask: Ask, text: str, moment: datetime) -> None:
    for formats in (("rfc3339",), ("%d.%m.%Y",)):
        assert ask(Column("x", "time", formats=formats), text)[0] == moment
        assert ask(Column("x", "time", formats=formats), text, text=True)[0] == moment


@pytest.mark.parametrize(
    "text",
    [
        "2013-W27-4T05:06:07Z", "20130704T050607Z", "2013-07-04T05:06Z", "2013-07-04T05:06:60Z", "2013-02-30T00:00:00Z",
        "2013-07-04T24:00:00Z", "2013-07-04T05:06:07+24:00", "2013-07-04", "soon",
    ],
)  # fmt: skip
def test_what_only_python_takes_for_a_time_is_refused(ask: Ask, text: str) -> None:
    assert ask(Column("x", "time"), text)[1] == "bad_time"
    assert ask(Column("x", "time"), text, text=True)[1] == "bad_time"


def test_a_naive_time_is_local_in_a_file_and_refused_in_a_request(ask: Ask) -> None:
    column, zone = Column("x", "time"), "America/New_York"
    assert ask(column, "2013-07-04 05:06:07", text=True, zone=zone)[0] == datetime(2013, 7, 4, 9, 6, 7, tzinfo=UTC)
    assert ask(column, "2013-07-04 05:06:07", zone=zone)[1] == "naive_time"


def test_a_naive_object_comes_from_a_table_and_is_local(ask: Ask) -> None:
    column, zone = Column("x", "time"), "America/New_York"
    naive = datetime(2013, 7, 4, 5, 6, 7)  # noqa: DTZ001 - naive on purpose
    assert ask(column, naive, zone=zone)[0] == datetime(2013, 7, 4, 9, 6, 7, tzinfo=UTC)
    assert ask(column, date(2013, 7, 4), zone=zone)[0] == datetime(2013, 7, 4, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2013-03-10 01:59:59", datetime(2013, 3, 10, 6, 59, 59, tzinfo=UTC)),
        ("2013-03-10 02:30:00", None),
        ("2013-03-10 03:00:00", datetime(2013, 3, 10, 7, tzinfo=UTC)),
        ("2013-11-03 01:30:00", datetime(2013, 11, 3, 5, 30, tzinfo=UTC)),
        ("2013-11-03 02:00:00", datetime(2013, 11, 3, 7, tzinfo=UTC)),
    ],
)
def test_local_times_at_the_change_of_clocks(ask: Ask, local: str, expected: datetime | None) -> None:
    """Of a time that occurs twice the earlier is meant; a time that does not occur is an error."""
    value, code, _ = ask(Column("x", "time"), local, text=True, zone="America/New_York")
    assert (value, code) == (expected, "" if expected else "bad_time")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%d.%m.%Y %H:%M", "4.7.2013 5:06", datetime(2013, 7, 4, 5, 6, tzinfo=UTC)),
        ("%m/%d/%y %I:%M %p", "07/04/69 12:06 am", datetime(1969, 7, 4, 0, 6, tzinfo=UTC)),
        ("%d %b %Y %H:%M:%S.%f", "04 Jul 2013 05:06:07.5", datetime(2013, 7, 4, 5, 6, 7, 500_000, tzinfo=UTC)),
        ("%d-%B-%Y", "04-JULY-2013", datetime(2013, 7, 4, tzinfo=UTC)),
        ("%Y%m%d%H%M%S%z", "20130704050607-0130", datetime(2013, 7, 4, 6, 36, 7, tzinfo=UTC)),
        ("%Y%m%d", "2013074", None),
        ("epoch_s", "1372914367", datetime(2013, 7, 4, 5, 6, 7, tzinfo=UTC)),
        ("epoch_ms", "1372914367250", datetime(2013, 7, 4, 5, 6, 7, 250_000, tzinfo=UTC)),
        ("epoch_s", "1e300", None),
    ],
)
def test_other_formats_of_time(ask: Ask, pattern: str, text: str, expected: datetime | None) -> None:
    value, code, _ = ask(Column("x", "time", formats=(pattern,)), text, text=True)
    assert (value, code) == (expected, "" if expected else "bad_time")


def test_numbers_are_times_only_where_an_epoch_is_declared(ask: Ask) -> None:
    expected = datetime(2013, 7, 4, 5, 6, 7, tzinfo=UTC)
    assert ask(Column("x", "time", formats=("epoch_s",)), 1372914367)[0] == expected
    assert ask(Column("x", "time", formats=("epoch_ms",)), 1372914367000.0)[0] == expected
    assert ask(Column("x", "time"), 1372914367)[1] == "wrong_type"
    yes: object = True
    assert ask(Column("x", "time", formats=("epoch_s",)), yes)[1] == "wrong_type"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2013-07-04", date(2013, 7, 4)), (date(2013, 7, 4), date(2013, 7, 4)), ("2013-02-30", None),
        (datetime(2013, 7, 4), date(2013, 7, 4)), (datetime(2013, 7, 4, 1), None),  # noqa: DTZ001 - naive on purpose
        (datetime(2013, 7, 4, tzinfo=UTC), None), ("2013-07-04T00:00:00Z", None),
    ],
)  # fmt: skip
def test_dates(ask: Ask, value: object, expected: date | None) -> None:
    answer, code, _ = ask(Column("x", "date"), value)
    assert (answer, code) == (expected, "" if expected else "bad_time")


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("text", "\ud800", "wrong_type"),
        ("category", {"a": 1}, "wrong_type"),
        ("number", 10**400, "not_finite"),
        ("integer", 10**400, "hard_range"),
        ("text", 10**2000, "wrong_type"),
        ("number", b"1", "wrong_type"),
    ],
)
def test_what_only_a_request_can_hold(contract_of: Build, kind: Any, value: object, code: str) -> None:
    assert compile_row(contract_of(Column("x", kind)))({"x": value}).reasons == [("x", code)]


@pytest.mark.parametrize(
    ("column", "where"),
    [
        (Column("x", "number", clean=("trimm",)), "columns.x.clean"),
        (Column("x", "text", clean=("unit:2",)), "columns.x.clean"),
        (Column("x", "number", clean=("clip:1",)), "columns.x.clean"),
        (Column("x", "text", map={"a": "b"}), "columns.x.map"),
        (Column("x", "time", formats=("%Q",)), "columns.x.formats"),
        (Column("x", "time", formats=("%H:%M",)), "columns.x.formats"),
        (Column("x", "time", formats=("%d.%m.%Y %d",)), "columns.x.formats"),
        (Column("x", "number", missing="default", default="many"), "columns.x.default"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(contract_of: Build, column: Column, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_row(contract_of(column, Column("y", "number", clean=("nonsense",))))
    assert [mistake.where for mistake in caught.value.mistakes] == [where, "columns.y.clean"]


def test_an_unknown_time_zone_is_named(contract_of: Build) -> None:
    with pytest.raises(ConfigError, match="Europe/Atlantis"):
        compile_row(contract_of(Column("x", "time"), zone="Europe/Atlantis"))


def test_reserved_names_are_refused(contract_of: Build) -> None:
    with pytest.raises(DataError, match="_label"):
        compile_row(contract_of(Column("_label", "text")))


def test_the_row_side_is_light() -> None:
    """It runs in every serving worker, which must not pay for a data frame library."""
    check = "import sys, trimtab.contract.row; print({'polars', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
