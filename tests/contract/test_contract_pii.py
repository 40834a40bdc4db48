"""`pii = true`: no value leaves the check in clear, and a row fares the same whether it was hidden before or not."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract.clean import compile_frame
from trimtab.contract.pii import TOKEN, compile_hide_line, compile_hide_row
from trimtab.contract.pii_frame import hide_frame
from trimtab.contract.row import CleanRow, compile_row, row_key
from trimtab.errors import ConfigError
from trimtab.nouns.contract import Column, Contract, Row, Target

Agree = Callable[..., list[CleanRow]]
MAIL = Column("mail", "text", role="key", clean=("trim", "lower"), nulls=("", "none"), pii=True, required=True)
CONTRACT = Contract(Row(("mail",)), Target("y", "regression"), (MAIL, Column("x", "number")))
VALUES = (
    st.none()
    | st.sampled_from(["", " None", "A@b.org", "a@B.org ", "x" * 10_001, "pii:zz", "é"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_PII_KEY", "k" * 32)


@given(st.lists(VALUES, min_size=1, max_size=6), st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_hidden_row_fares_as_the_clear_one_in_frames_and_one_by_one(
    agree: Agree, values: list[str | None], text: bool
) -> None:
    frame = pl.DataFrame({"mail": pl.Series(values, dtype=pl.String())})
    hidden, hide = hide_frame(CONTRACT, frame), compile_hide_row(CONTRACT)
    clear = agree(CONTRACT, frame, text=text)
    assert agree(CONTRACT, hidden, text=text) == clear
    assert [hide(row) for row in frame.iter_rows(named=True)] == hidden.to_dicts()
    assert hide_frame(CONTRACT, hidden).equals(hidden)


@pytest.mark.parametrize(
    ("value", "code"),
    [(12, ""), (True, ""), (1.5, "wrong_type"), ([1], "wrong_type"), ({"a": 1}, "wrong_type"), ("a@b.org", ""),
     ("\ud800", "wrong_type"), ("x" * 10_001, "too_long")],
)  # fmt: skip
def test_whatever_is_sent_is_hidden_and_judged_alike(value: object, code: str) -> None:
    row, judge = {"mail": value, "x": 1.0}, compile_row(CONTRACT)
    hidden = compile_hide_row(CONTRACT)(row)
    assert TOKEN.fullmatch(str(hidden["mail"]))
    assert (judge(hidden), hidden["x"]) == (judge(row), 1.0)
    assert judge(row).reasons == ([("mail", code)] if code else [])


def test_neither_clean_rows_nor_quarantine_nor_keys_hold_the_value() -> None:
    """Quarantine repeats the row as it arrived, so it is safe where the frame was hidden first."""
    frame = pl.DataFrame({"mail": ["anna@b.org", "otto@b.org"], "x": ["1", "one"]})
    checked = compile_frame(CONTRACT, text=True).apply(hide_frame(CONTRACT, frame))
    kept = checked.clean.write_json() + checked.quarantine.write_json()
    assert checked.counts == {"x:not_a_number": 1}
    assert "b.org" not in kept
    key = row_key(CONTRACT, compile_row(CONTRACT)({"mail": " ANNA@b.org"}).values)
    assert key is not None
    assert checked.clean["mail"][0] in key


def test_the_hash_depends_on_the_key_and_not_on_the_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a pipeline can join two sources by it, and nobody without the key can try values."""
    other = Contract(Row(), Target("y", "regression"), (Column("owner", "text", role="ignore", pii=True),))
    first = compile_hide_row(CONTRACT)({"mail": "a@b.org"})["mail"]
    assert compile_hide_row(other)({"owner": "a@b.org"})["owner"] == first
    monkeypatch.setenv("TRIMTAB_PII_KEY", "other" * 8)
    assert compile_hide_row(CONTRACT)({"mail": "a@b.org"})["mail"] != first


def test_raw_columns_of_a_source_and_lines_that_are_no_rows_are_hidden_too() -> None:
    raw: dict[str, Any] = {"crm": (Column("phone", "text", pii=True),)}
    contract = Contract(Row(), Target("y", "regression"), (Column("x", "number"),), raw)
    frame = pl.DataFrame({"phone": [49301234567, None], "x": [1, 2]})
    assert hide_frame(contract, frame)["phone"].to_list() == [49301234567, None]
    tokens = hide_frame(contract, frame, "crm")["phone"].to_list()
    assert TOKEN.fullmatch(tokens[0])
    assert tokens[1] is None
    assert TOKEN.fullmatch(compile_hide_line(contract, "crm")("a;broken;line"))
    assert compile_hide_line(contract)("a;line") == "a;line"


@pytest.mark.parametrize(("key", "what"), [("", "is not set"), ("short", "is shorter than 32")])
def test_without_a_key_the_error_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch, key: str, what: str) -> None:
    monkeypatch.setenv("TRIMTAB_PII_KEY", key)
    for compile_one in (lambda: compile_row(CONTRACT), lambda: hide_frame(CONTRACT, pl.DataFrame({"mail": ["a"]}))):
        with pytest.raises(ConfigError, match=what) as caught:
            compile_one()
        assert "secrets.token_hex" in caught.value.hint
