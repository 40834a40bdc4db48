"""What a change of the contract does to Versions that were fitted before it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.contract.clean import compile_frame
from trimtab.contract.compare import Change, breaks, compare_contracts
from trimtab.nouns.contract import Column, Contract, Row, Rule, Target

SIZE = Column("size", "number", hard=(0, 10), soft=(1, 5))
WORD = Column("word", "category", values=("a", "b"))
OLD = Contract(Row(), Target("y", "binary", "1", ("0", "1")), (SIZE, WORD), rules=(Rule("small", "size < 9"),))


def column(**changes: Any) -> Contract:
    return replace(OLD, columns=(replace(SIZE, **changes), WORD))


def word(**changes: Any) -> Contract:
    return replace(OLD, columns=(SIZE, replace(WORD, **changes)))


@pytest.mark.parametrize(
    ("new", "where", "effect"),
    [
        (column(type="integer"), "columns.size.type", "breaks"),
        (column(clean=("unit:1.6",)), "columns.size.clean", "breaks"),
        (column(role="ignore"), "columns.size.role", "breaks"),
        (column(required=True), "columns.size.required", "narrows"),
        (column(hard=(0, 9)), "columns.size.hard", "narrows"),
        (column(hard=(-1, 10)), "columns.size.hard", "widens"),
        (column(hard=None), "columns.size.hard", "widens"),
        (column(soft=None), "columns.size.soft", "neutral"),
        (column(unit="km"), "columns.size.unit", "neutral"),
        (column(nulls=("", "NA")), "columns.size.nulls", "widens"),
        (column(nulls=("", "-999")), "columns.size.nulls", "breaks"),
        (column(numeric_text="repair"), "columns.size.numeric_text", "widens"),
        (column(missing="default", default=0.0), "columns.size.missing", "breaks"),
        (word(values=("a", "b", "c")), "columns.word.values", "widens"),
        (word(unseen="reject"), "columns.word.unseen", "narrows"),
        (word(nulls=("", "NA")), "columns.word.nulls", "breaks"),
        (replace(OLD, columns=(SIZE,)), "columns.word", "breaks"),
        (replace(OLD, columns=(*OLD.columns, Column("z", "number"))), "columns.z", "neutral"),
        (replace(OLD, columns=(*OLD.columns, Column("z", "number", required=True))), "columns.z", "narrows"),
        (replace(OLD, columns=(WORD, SIZE)), "columns", "neutral"),
        (replace(OLD, rules=()), "rules.small", "widens"),
        (replace(OLD, rules=(Rule("small", "size < 9", "warn"),)), "rules.small", "widens"),
        (replace(OLD, rules=(*OLD.rules, Rule("r", "size > 1"))), "rules.r", "narrows"),
        (replace(OLD, rules=(*OLD.rules, Rule("r", "size > 1", "warn"))), "rules.r", "neutral"),
        (replace(OLD, row=Row(time_zone="Europe/Berlin")), "row.time_zone", "breaks"),
        (replace(OLD, target=replace(OLD.target, positive="0")), "target.positive", "breaks"),
        (replace(OLD, target=replace(OLD.target, matures_after=timedelta(1))), "target.matures_after", "neutral"),
        (replace(OLD, raw={"crm": (SIZE,)}), "raw.crm.columns.size", "narrows"),
    ],
)
def test_each_change_has_its_place_and_its_effect(new: Contract, where: str, effect: str) -> None:
    found = {change.where: change for change in compare_contracts(OLD, new)}
    assert found[where].effect == effect
    assert breaks(tuple(found.values())) == any(change.effect == "breaks" for change in found.values())


def test_the_same_contract_has_no_changes() -> None:
    assert compare_contracts(OLD, replace(OLD)) == ()


def test_a_change_is_told_in_words() -> None:
    assert compare_contracts(OLD, column(hard=None)) == (Change("columns.size.hard", "[0, 10] -> nothing", "widens"),)


@given(st.sampled_from([(0, 9), (2, 10), (-1, 10), None, (0, 20)]), st.sampled_from([True, False]))
def test_a_contract_that_widens_takes_every_row_that_the_old_one_took(limits: Any, required: bool) -> None:
    new = column(hard=limits, required=required)
    frame = pl.DataFrame({"size": [0.0, 5.0, 8.5, 10.0, 11.0, None], "word": "a"}).with_row_index("_row")
    took, takes = (set(compile_frame(one, text=False).apply(frame).clean["_row"]) for one in (OLD, new))
    if not any(change.effect in {"narrows", "breaks"} for change in compare_contracts(OLD, new)):
        assert took <= takes
