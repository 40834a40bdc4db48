"""`[[rules]]`: both compilations judge alike, Polars' own SQL agrees, and what the grammar lacks is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.config.expression_text import ExpressionError, parse_expression
from trimtab.contract.clean import compile_frame
from trimtab.contract.row import CleanRow, compile_row
from trimtab.errors import ConfigError
from trimtab.nouns.contract import Column, Contract, Rule

Agree = Callable[..., list[CleanRow]]
Build = Callable[..., Contract]

COLUMNS = (
    Column("x", "number", hard=(-1e300, 1e300)),
    Column("y", "number"),
    Column("n", "integer"),
    Column("m", "integer", missing="default", default=3),
    Column("on", "boolean"),
    Column("off", "boolean"),
    Column("word", "category"),
    Column("odd name", "text", role="ignore"),
    Column("at", "time", role="ignore"),
    Column("until", "time", role="ignore"),
    Column("day", "date", role="ignore"),
)
BY_NAME = {column.name: column for column in COLUMNS}
NUMBERS = ["x", "y", "n", "m", "0", "1", "2.5", "-3", "1e300", "9007199254740993", ".5"]
TEXTS = ["word", '"odd name"', "'a'", "''", "'it''s'", "lower(word)", 'UPPER("odd name")']


def sums(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from("+-*/%"), inner).map(" ".join).map("({})".format) | inner.map(
        "abs({})".format
    )


AMOUNTS = st.recursive(st.sampled_from([*NUMBERS, "length(word)"]), sums, max_leaves=4)
SIGNS = st.sampled_from(["=", "==", "!=", "<>", "<", "<=", ">", ">="])
ATOMS = (
    st.tuples(AMOUNTS, SIGNS, AMOUNTS).map(" ".join)
    | st.tuples(st.sampled_from(TEXTS), SIGNS, st.sampled_from(TEXTS)).map(" ".join)
    | st.tuples(
        st.sampled_from(["at", "until", "'2013-07-04T05:06:07+02:00'"]), SIGNS, st.sampled_from(["at", "until"])
    ).map(" ".join)
    | st.tuples(
        st.just("at - until"), SIGNS, st.sampled_from(["INTERVAL '2 hours'", "interval '1 day 3 seconds'"])
    ).map(" ".join)
    | st.sampled_from(
        [
            "on",
            "off",
            "NOT on",
            "on = off",
            "true",
            "day < '2013-07-04'",
            "at >= timestamp '2013-07-04T05:06:07Z'",
            "day - day = interval '0 days'",
        ]
    )
    | st.sampled_from(["word IN ('a', 'B')", "n NOT IN (1, 2.0, -999)", "x in (0, .5)", "x BETWEEN n AND y"])
    | st.just("at >= timestamp '2013-07-04T05:06:07Z'")
    | st.sampled_from(["word is null", "x + y IS NOT NULL", "(on or off) is null", "at between until and at"])
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["AND", "or"]), inner).map(" ".join).map("({})".format)
        | inner.map("NOT ({})".format)
    ),
    max_leaves=5,
)
FLOATS = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e300, 2.0**53])
INTEGERS = st.none() | st.sampled_from([0, 1, 2, -3, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]) | st.integers(-5, 5)
WORDS = st.none() | st.sampled_from(["a", "A", "B", "it's", "\u0130", "stra\u00dfe", "\u03a3\u03c2", "\U0001f600"])
MOMENTS = st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 30)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - naive on purpose
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "x": FLOATS, "y": FLOATS, "n": INTEGERS, "m": INTEGERS, "on": st.none() | st.booleans(),
            "off": st.none() | st.booleans(), "word": WORDS, "odd name": WORDS, "at": MOMENTS, "until": MOMENTS,
            "day": st.none() | st.dates(),
        }
    ),
    min_size=1, max_size=5,
)  # fmt: skip
SCHEMA: dict[str, Any] = {
    "x": pl.Float64(), "y": pl.Float64(), "n": pl.Int64(), "m": pl.Int64(), "on": pl.Boolean(), "off": pl.Boolean(),
    "word": pl.String(), "odd name": pl.String(), "at": pl.Datetime("us", "UTC"), "until": pl.Datetime("us", "UTC"),
    "day": pl.Date(),
}  # fmt: skip


@given(st.lists(st.tuples(CONDITIONS, st.sampled_from(["reject", "warn"])), min_size=1, max_size=3), ROWS)
@settings(deadline=None, max_examples=80)
def test_both_compilations_judge_alike(
    agree: Agree, contract_of: Build, conditions: list[tuple[str, Any]], rows: list[dict[str, object]]
) -> None:
    rules = [
        Rule(f"rule{number}", f"{where} OR x = 1 AND x != 1", otherwise)
        for number, (where, otherwise) in enumerate(conditions)
    ]
    agree(contract_of(*COLUMNS, rules=rules), pl.DataFrame(rows, schema=SCHEMA), text=False)


PLAIN = (
    "x < y", "x + y * 2 >= n - 1", "n / m > 0.5", "word = 'a' OR on", "NOT (on AND off)", "word IN ('a', 'B')",
    "x BETWEEN 0 AND 2.5", "n NOT IN (1, 2)", "x IS NULL OR y IS NOT NULL", "abs(x) <= 2.5", "length(word) = 1",
    "at < until", "day < DATE '2013-07-04'", "word <> 'a' AND n >= 0 OR x = y", "at - until < INTERVAL '2 hours'",
)  # fmt: skip


@pytest.mark.parametrize("where", PLAIN)
def test_polars_own_sql_gives_the_same_verdicts(where: str, contract_of: Build) -> None:
    """The grammar is a part of Polars SQL: wherever nothing overflows, a condition means there what it means here."""
    moment = datetime(2013, 7, 4, 5, tzinfo=UTC)
    values: dict[str, list[object]] = {
        "x": [0.5, 2.5, -1.0, None], "y": [1.0, None, 2.5, 3.0], "n": [0, 1, 2, None], "m": [1, 2, 4, 5],
        "on": [True, False, None, True], "off": [None, True, False, True], "word": ["a", "B", None, "cc"],
        "odd name": ["a"] * 4, "at": [moment, moment, None, moment], "until": [moment, None, moment, moment],
        "day": [date(2013, 1, 1), date(2014, 1, 1), None, date(2013, 7, 4)],
    }  # fmt: skip
    frame = pl.DataFrame(values, schema=SCHEMA)
    expected = frame.select(pl.sql_expr(where).fill_null(value=True)).to_series().to_list()
    judge = compile_row(contract_of(*COLUMNS, rules=[Rule("r", where)]))
    assert [not judge(row).reasons for row in frame.iter_rows(named=True)] == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("x <", "at character 4: a value is needed here"),
        ("xx < 1", "at character 1: there is no column 'xx'; did you mean 'x'?"),
        ("x < word", "at character 3: a number cannot be compared with a text"),
        ("x", "is a number; a rule needs a condition"),
        ("1 < 2", "names no column"),
        ("x < 1 y", "at character 7: the condition was at its end"),
        ("x < 1 adn y < 1", "did you mean 'and'"),
        ("x = NULL", "write IS NULL"),
        ("lenght(word) > 1", "there is no function 'lenght'; did you mean 'length'?"),
        ("length(x) > 1", "length takes a text, this is a number"),
        ("word = 'a", "a text that is not closed"),
        ("on > off", "equal or not, but not greater or less"),
        ("x AND on", "AND needs conditions, this is a number"),
        ("at > '2013-07-04'", "a time is written '2026-01-31T12:00:00Z'"),
        ("word + 1 > 2", "'+' is for numbers, this is a text"),
        ("x IN (y)", "IN takes values"),
        ("x IN ()", "a value is needed"),
        ("x NOT 1", "NOT must be followed by IN or BETWEEN"),
        ("x < 1; drop", "';' cannot stand here"),
        ("at - until > interval '2 moons'", "a duration is written INTERVAL"),
        ("(" * 50 + "x = 1" + ")" * 50, "nested more than 40 deep"),
        ("x = 1 OR " * 300 + "on", "longer than 2,000"),
        ("x" + "+1" * 500 + "=1", "more than 400 words"),
        ("secret = 'a'", "'secret' is pii"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(where: str, message: str) -> None:
    secret = Column("secret", "text", role="ignore", pii=True)
    with pytest.raises(ExpressionError) as caught:
        parse_expression(where, {**BY_NAME, "secret": secret})
    assert message in str(caught.value)


def test_a_long_chain_is_compiled_on_both_sides(agree: Agree, contract_of: Build) -> None:
    where = "x = 1" + " OR x = 1" * 98
    rows = agree(contract_of(*COLUMNS, rules=[Rule("r", where)]), pl.DataFrame({"x": [1.0, 2.0, None]}), text=False)
    assert [row.reasons for row in rows] == [[], [("rule", "r")], []]


def test_a_rule_about_a_bad_field_is_not_asked_and_others_are(agree: Agree, contract_of: Build) -> None:
    rules = [Rule("low", "x <= 10"), Rule("known", "y IS NOT NULL"), Rule("odd", "x % 2 = 1", "warn")]
    columns = (Column("x", "number", hard=(0, 20)), Column("y", "number"))
    frame = pl.DataFrame({"x": [99.0, 11.0, 4.0], "y": [None, 1.0, 1.0]})
    rows = agree(contract_of(*columns, rules=rules), frame, text=False)
    assert [row.reasons for row in rows] == [[("x", "hard_range"), ("rule", "known")], [("rule", "low")], []]
    assert rows[2].warnings == ["rule:odd"]


def test_broken_rules_are_counted_and_kept_as_reasons(contract_of: Build) -> None:
    contract = contract_of(Column("x", "number"), Column("y", "number"), rules=[Rule("rising", "x < y")])
    checked = compile_frame(contract, text=True).apply(pl.DataFrame({"x": ["1", "2", "a"], "y": ["2", "1", ""]}))
    assert checked.counts == {"x:not_a_number": 1, "rule:rising": 1}
    assert checked.quarantine["reasons"].to_list() == [["rule:rising"], ["x:not_a_number"]]


def test_a_rule_that_cannot_be_read_is_a_mistake_of_the_contract(contract_of: Build) -> None:
    contract = contract_of(Column("x", "number"), rules=[Rule("a", "y < 1"), Rule("b", "x <")])
    for compile_one in (lambda: compile_row(contract), lambda: compile_frame(contract, text=True)):
        with pytest.raises(ConfigError) as caught:
            compile_one()
        assert [mistake.where for mistake in caught.value.mistakes] == ["rules.a.where", "rules.b.where"]
    with pytest.raises(ConfigError, match=r"columns\.rule"):
        compile_row(contract_of(Column("rule", "number"), rules=[Rule("a", "rule < 1")]))
