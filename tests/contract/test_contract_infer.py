"""What `init` guesses from a table: section by section, and that the table always fits the guess."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract.clean import compile_frame
from trimtab.contract.infer import Inferred, infer
from trimtab.errors import DataError, UsageError
from trimtab.nouns.contract import Column

ROWS = 400
START = datetime(2013, 1, 1, tzinfo=UTC)


def table(**columns: Sequence[object]) -> pl.DataFrame:
    """A table of 400 rows in which every column repeats its values; `y` is the label."""
    columns = {"y": ["no", "no", "yes"], **columns}
    return pl.DataFrame({name: [values[row % len(values)] for row in range(ROWS)] for name, values in columns.items()})


def guess(values: Sequence[object], **flags: Any) -> Column:
    return infer(table(x=values), target="y", **(flags or {"order": "none"})).contract.by_name["x"]


def notes(values: Sequence[object]) -> str:
    return infer(table(x=values), target="y", order="none").notes.get("x", "")


SPREAD = [str(number / 8) for number in range(100)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5", "2", "-3e2"], "number"),
        (["1", "2", "-3"], "integer"),
        (["9223372036854775808", "1"], "category"),
        (["01234", "04321"], "category"),
        (["true", "False"], "boolean"),
        (["y", "n", "Y"], "boolean"),
        (["yes", "f"], "category"),
        (["2013-01-31", "2013-02-28"], "date"),
        (["31.01.2013", "28.02.2013"], "date"),
        (["2013-01-31T05:06:07Z", "2013-01-31 05:06:07"], "time"),
        (["1/31/2013 5:06", "2/28/2013 15:06"], "time"),
        (["AA", "B6"], "category"),
        (["1,5", "2,25"], "number"),
        (["1,500", "2,250"], "category"),
        ([1.5, 2.5], "number"),
        ([1, 2], "integer"),
        ([True, False], "boolean"),
        ([date(2013, 1, 1), date(2013, 1, 2)], "date"),
        ([START, START + timedelta(days=1)], "time"),
    ],
)
def test_types(values: Sequence[object], kind: str) -> None:
    assert guess(values).type == kind


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["31.01.2013", "28.02.2013"], ("%d.%m.%Y",)),
        (["1/31/2013 5:06 pm", "2/28/2013 3:06 AM"], ("%m/%d/%Y %I:%M %p",)),
        (["31/01/2013", "01/02/2013"], ("%d/%m/%Y",)),
        (["4 Jul 2013", "31 Dec 2013"], ("%d %b %Y",)),
    ],
)
def test_formats_of_time(values: Sequence[str], formats: tuple[str, ...]) -> None:
    assert guess(values).formats == formats


def test_an_order_of_day_and_month_that_cannot_be_told_is_said() -> None:
    frame = table(x=["01/02/2013", "03/04/2013"])
    for flags in ({"order": "none"}, {"time": "x"}):
        assert "%d/%m/%Y would fit as well" in infer(frame, target="y", **flags).notes["x"]  # type: ignore[arg-type]


def test_a_value_is_required_where_no_null_was_seen() -> None:
    assert guess(["1", "2"]).required
    assert not guess(["1", ""]).required
    assert not guess([1.5, None]).required


def test_null_spellings_are_listed_only_when_seen() -> None:
    assert guess(["1.5", "NA", "?", ""]).nulls == ("", "?", "NA")
    assert guess(["1.5", "2.5"]).nulls == ("",)
    assert guess([1.5, float("nan")]).nulls == ("", "NaN")


def test_namibia_is_not_null() -> None:
    """NA among two-letter codes is one of them, and the note says so."""
    column = guess(["NA", "DE", "FR"])
    assert (column.values, column.nulls) == (("DE", "FR", "NA"), ("",))
    assert "kept as one of them" in notes(["NA", "DE", "FR"])


def test_soft_ranges_are_quantiles_of_many_values() -> None:
    assert guess(SPREAD).soft == (0.0, 12.375)
    assert guess(["1.5", "2.5"]).soft is None
    assert guess(SPREAD).hard is None


def test_categories_are_few_and_texts_are_not_features() -> None:
    few, many = [f"c{n}" for n in range(20)], [f"c{n}" for n in range(21)]
    assert (guess(few).type, guess(few).role) == ("category", "feature")
    assert (guess(many).type, guess(many).role) == ("text", "ignore")
    assert "21 different values" in notes(many)


def test_words_are_trimmed_and_their_spelling_is_noticed() -> None:
    assert guess(["a ", "b"]).clean == ("trim",)
    assert guess(["a ", "b"]).values == ("a", "b")
    assert "blanks" in notes(["a ", "b"])
    assert "case only" in notes(["Aa", "aa"])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([str(n) for n in range(ROWS)], "identifier"),
        ([f"12345678-1234-1234-1234-{n:012x}" for n in range(ROWS)], "identifier"),
        (["same"], "same value"),
        (["", " "], "no value"),
        ([None], "no value"),
    ],
)
def test_columns_that_tell_nothing_are_ignored(values: Sequence[object], why: str) -> None:
    assert (guess(values).role, guess(values).required) == ("ignore", False)
    assert why in notes(values)


def test_a_number_with_some_words_is_said_to_be_one() -> None:
    column = guess([*SPREAD, "many"])
    assert (column.type, column.role) == ("text", "ignore")
    assert "99.0% of them are numbers" in notes([*SPREAD, "many"])


def test_infinite_numbers_stay_numbers_and_are_counted() -> None:
    assert guess([1.5, 2.5, float("inf")]).type == "number"
    assert guess([1.5, 2.5, float("inf")]).required
    assert "not finite in 133 rows" in notes([1.5, 2.5, float("inf")])


def test_naive_texts_in_a_typed_table_stay_texts() -> None:
    """Only in a text file may a time lack its zone; a typed table has a type for that."""
    inferred = infer(table(x=["2013-01-31 05:06:07", "2013-02-28 05:06:07"]), target="y", text=False)
    assert inferred.contract.by_name["x"].type == "text"
    assert "store them as timestamps" in inferred.notes["x"]


def test_lists_and_endless_texts_are_left_out() -> None:
    inferred = infer(table(x=[[1, 2]], z=["a" * 10_001, "b"], u=["1", "2"]), target="y", text=False)
    assert [column.name for column in inferred.contract.columns] == ["u"]
    assert "left out" in inferred.notes["x"]
    assert "left out" in inferred.notes["z"]


@pytest.mark.parametrize(
    ("labels", "task", "classes", "positive"),
    [
        (["no", "no", "yes"], "binary", ("no", "yes"), "yes"),
        (["b", "a", "a"], "binary", ("a", "b"), "b"),
        (["0", "1", "1"], "binary", ("0", "1"), "1"),
        ([1.0, 0.0, 0.0], "binary", ("0", "1"), "1"),
        ([True, False, False], "binary", ("false", "true"), "true"),
        (["10", "9", "2"], "multiclass", ("2", "9", "10"), ""),
        (["red", "green", "blue"], "multiclass", ("blue", "green", "red"), ""),
        ([str(n / 2) for n in range(30)], "regression", (), ""),
        (["no", "", "yes", "NA", "no", "yes", "no"], "binary", ("no", "yes"), "yes"),
    ],
)
def test_targets(labels: Sequence[object], task: str, classes: tuple[str, ...], positive: str) -> None:
    target = infer(table(y=labels, x=["1", "2"]), target="y").contract.target
    assert (target.task, target.classes, target.positive) == (task, classes, positive)


def test_a_task_that_was_asked_for() -> None:
    numbers = table(y=[str(n) for n in range(10)], x=["1", "2"])
    assert infer(numbers, target="y", task="regression").contract.target.task == "regression"
    with pytest.raises(UsageError, match="10 different values"):
        infer(numbers, target="y", task="binary")
    with pytest.raises(UsageError, match="no finite number in row 1"):
        infer(table(), target="y", task="regression")


def inferred_from(**flags: Any) -> Inferred:
    at = [(START + timedelta(hours=n)).strftime("%Y-%m-%d %H:%M:%S") for n in range(ROWS)]
    return infer(table(at=at, x=SPREAD), target="y", **flags)


def test_the_only_column_of_times_is_the_event_time() -> None:
    inferred = inferred_from()
    assert (inferred.contract.row.event_time, inferred.contract.row.order) == ("at", "event_time")
    column = inferred.contract.by_name["at"]
    assert (column.type, column.role, column.required) == ("time", "time", False)
    assert "read in row.time_zone" in inferred.notes["at"]
    assert any("ordered by 'at'" in finding for finding in inferred.findings)


def test_the_flags_decide_the_order() -> None:
    by_file = inferred_from(order="file").contract
    assert (by_file.row.event_time, by_file.row.order, by_file.by_name["at"].role) == ("", "file", "feature")
    both = inferred_from(order="file", time="at")
    assert (both.contract.row.event_time, both.contract.row.order) == ("at", "file")
    assert "Rows are ordered by their position in the file." in both.findings


def test_without_a_time_rows_have_no_order_and_the_flag_is_named() -> None:
    inferred = infer(table(x=SPREAD), target="y")
    assert inferred.contract.row.order == "none"
    assert "order" in inferred.notes[""]
    assert any("--order file" in found for found in inferred.findings)


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        ([str(1_372_914_367 + n) for n in range(ROWS)], ("epoch_s",)),
        ([1_372_914_367_000 + n for n in range(ROWS)], ("epoch_ms",)),
        (["20130131", "20130228"], ("%Y%m%d",)),
        (["2013-01-31", "2013-02-28"], ("%Y-%m-%d",)),
        (["31.01.2013 05:06", "28.02.2013 05:06"], ("%d.%m.%Y %H:%M",)),
    ],
)
def test_a_named_time_is_tried_in_more_ways(values: Sequence[object], formats: tuple[str, ...]) -> None:
    assert guess(values, time="x").formats == formats


@pytest.mark.parametrize(
    ("values", "row"),
    [(["2013-01-31T05:06:07Z"] * 9 + ["never"], 10), (["17", "18"], 1), ([2013, 2014], 1)],
)
def test_a_time_that_cannot_be_read_names_the_row_and_not_the_value(values: Sequence[object], row: int) -> None:
    with pytest.raises(DataError, match=rf"'x' is no time in row {row} of the data") as caught:
        guess(values, time="x")
    assert "never" not in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "flags", "message"),
    [
        (table(), {"target": "Y2"}, "there is no column 'Y2'; did you mean 'y'|there is no column 'Y2'"),
        (table(at=["x"]), {"target": "y", "time": "att"}, "did you mean 'at'"),
        (table(), {"target": "y", "order": "files"}, "none of 'event_time', 'file', 'none'"),
        (table(), {"target": "y", "task": "guess"}, "none of 'binary', 'multiclass', 'regression'"),
        (table(), {"target": "y", "time": "y"}, "cannot be the event time"),
        (table(x=["1", "2"]), {"target": "y", "order": "event_time"}, "add --time COLUMN"),
    ],
)
def test_flags_that_do_not_fit(frame: pl.DataFrame, flags: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        infer(frame, **flags)  # type: ignore[arg-type]  # the words come as a person typed them


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table().clear(), "no rows"),
        (pl.DataFrame(), "no rows"),
        (table(y=["yes"]), "same value in every labelled row"),
        (table(y=["yes", "no", "", "", ""]), "labelled in 160 of 400 rows; 200 are needed"),
        (table(y=[f"word {n}" for n in range(101)]), "101 different values"),
        (table(_label=["x"]), "_label: is a name that trimtab keeps"),
        (table(y=[START, START + timedelta(days=1)]), "is no label"),
    ],
)
def test_data_that_cannot_carry_a_model(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer(frame, target="y")


def test_odd_names_work_and_a_column_without_a_name_keeps_its_note() -> None:
    odd = {
        "": [str(n) for n in range(ROWS)],
        "Größe (cm)": SPREAD,
        'plan/"type"': ["a", "b"],
        "count": ["1", "2"],
        "^.*$": ["x"],
    }
    frame = table(**odd)
    inferred = infer(frame, target="y")
    assert [column.name for column in inferred.contract.columns] == list(odd)
    assert "Column '': ignored" in inferred.notes[""]
    assert compile_frame(inferred.contract, text=True).apply(frame).counts == {}


def test_what_only_a_person_knows_is_asked_for() -> None:
    inferred = infer(table(x=SPREAD), target="y")
    assert inferred.contract.target.meaning == ""
    assert "target.meaning" in inferred.notes[""]
    assert "row.key is empty" in inferred.notes[""]


CELLS = st.sampled_from(
    [
        "",
        "NA",
        "1",
        "2.5",
        "-3",
        "1,5",
        "007",
        "yes",
        "no",
        "AA",
        "b ",
        "2013-01-31",
        "31.12.2013",
        "2013-01-31 05:06:07",
        "\x00",
        "inf",
    ]
)
MIXES = st.lists(CELLS, min_size=1, max_size=6)
TYPED = st.sampled_from(
    [
        [1, 2, None],
        [1.5, float("nan")],
        [True, None],
        [date(2013, 1, 1), None],
        ["1", "2"],
        ["2013-01-31 05:06:07", ""],
    ]
)


@given(st.lists(MIXES, min_size=1, max_size=4))
@settings(deadline=None, max_examples=25)
def test_every_text_table_fits_its_own_contract(mixes: list[list[str]]) -> None:
    frame = table(**{f"x{number}": mix for number, mix in enumerate(mixes)})
    contract = infer(frame, target="y").contract
    assert compile_frame(contract, text=True).apply(frame).counts == {}


@given(st.lists(TYPED, min_size=1, max_size=4))
@settings(deadline=None, max_examples=25)
def test_every_typed_table_fits_its_own_contract(mixes: list[list[object]]) -> None:
    frame = table(**{f"x{number}": mix for number, mix in enumerate(mixes)})
    contract = infer(frame, target="y", text=False).contract
    assert compile_frame(contract, text=False).apply(frame).counts == {}


@pytest.mark.parametrize("dtype", [pl.String, pl.Datetime("us", "UTC")])
def test_rfc_3339_is_sure_of_itself(dtype: pl.DataType) -> None:
    """Every other format reads a time with its offset too, so that it fits says nothing."""
    moments = [f"2026-01-{1 + row % 28:02d}T12:00:00Z" for row in range(400)]
    at = pl.Series("at", moments).str.to_datetime(time_unit="us") if dtype != pl.String else pl.Series("at", moments)
    frame = pl.DataFrame([at, pl.Series("y", ["a", "b"] * 200)])
    for flags in ({}, {"time": "at"}):
        found = infer(frame, target="y", **flags)  # type: ignore[arg-type]
        assert "would fit" not in "".join(found.findings)


def test_the_file_names_keys_and_the_terminal_flags() -> None:
    found = infer(pl.DataFrame({"x": ["1", "2"] * 800, "y": ["a", "b"] * 800}), target="y")
    assert "--order file" in "".join(found.findings)
    assert "--" not in found.notes[""]
    assert '[row] event_time, or write order = "file"' in found.notes[""]
    assert "1,600 labelled rows" in found.findings[0]


def test_wrong_order_is_answered_with_orders_not_with_columns() -> None:
    with pytest.raises(UsageError) as error:
        infer(pl.DataFrame({"plan": ["1"] * 300, "y": ["a", "b"] * 150}), target="y", order="fiel")
    assert "did you mean 'file'?" in str(error.value)
    assert "the columns are" not in str(error.value)


def suspects(**columns: Sequence[object]) -> dict[str, str]:
    """What is suspected in a table of 2,000 rows whose label is true in every third one."""
    rows = 2000
    label = ["yes" if row % 3 == 0 else "no" for row in range(rows)]
    frame = pl.DataFrame({"y": columns.pop("y", label), **columns})
    found = infer(frame, target="y", order="none").notes
    return {name: note for name, note in found.items() if "leakage suspect" in note}


def noise(seed: int) -> list[float]:
    return [(row * 7919 + seed) % 1009 / 1009 for row in range(2000)]


def test_a_column_that_alone_tells_the_label_is_suspected_with_its_number() -> None:
    leak = [value / 10 + (row % 3 == 0) for row, value in enumerate(noise(1))]
    found = suspects(leak=leak, honest=noise(2))
    assert list(found) == ["leak"]
    assert "AUC of 1.000" in found["leak"]
    assert 'role = "ignore"' in found["leak"]


def test_a_column_that_is_filled_once_the_outcome_is_known_is_suspected() -> None:
    """By its nulls where there is no label, and by a value that only one label has."""
    label = [None if row % 10 == 0 else "yes" if row % 3 == 0 else "no" for row in range(2000)]
    landed = [None if row % 10 == 0 else value for row, value in enumerate(noise(3))]
    body = [row % 50 if row % 3 == 1 and row % 4 == 0 else None for row in range(2000)]
    found = suspects(y=label, landed=landed, body=body, honest=noise(4))
    assert set(found) == {"landed", "body"}
    assert "null in 100.0% of the rows without a label and in 0.0%" in found["landed"]
    assert "label is 'no' in 100.0%" in found["body"]


@pytest.mark.parametrize("labels", [[str(row % 4) for row in range(2000)], [f"{row % 97}.5" for row in range(2000)]])
def test_suspects_of_other_tasks(labels: list[str]) -> None:
    found = suspects(y=labels, copy=[float(label) * 2 for label in labels], honest=noise(5))
    assert list(found) == ["copy"]


def test_units_and_what_is_impossible_are_noticed() -> None:
    found = infer(table(dist_km=SPREAD, lat=SPREAD, weight=["12 kg", "3.5 kg"]), target="y", order="none")
    assert found.contract.by_name["dist_km"].unit == "km"
    assert found.contract.by_name["lat"].hard == (-90.0, 90.0)
    assert found.contract.by_name["dist_km"].hard is None
    assert "with the unit 'kg'" in found.notes["weight"]


def test_a_column_that_may_be_the_key_is_named_but_not_taken() -> None:
    found = infer(table(flight=[f"{row:05}x{row}" if row < 0 else str(row) for row in range(ROWS)]), target="y")
    assert "'flight' may be one: key = [\"flight\"]" in found.notes[""]
    assert found.contract.row.key == ()
