"""A rule compiled to a Polars expression over cleaned columns: the same verdicts as `rule_row.py` gives one by one."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any, Final

import polars as pl

from trimtab.contract.columns import NO_CODE, Treated, no_codes
from trimtab.contract.fast import DTYPES as CLEANED
from trimtab.contract.rule_row import COMPARISONS, FUNCTIONS, ParsedRule, is_exact, read_rules
from trimtab.nouns.contract import Contract
from trimtab.nouns.expression import (
    Arithmetic,
    Call,
    Compare,
    Expression,
    IsNull,
    Literal,
    Logic,
    Name,
    Not,
    OneOfThese,
)

DTYPES: Final[Mapping[str, pl.DataType]] = {**CLEANED, "duration": pl.Duration("us")}


Judge = Callable[[Sequence[Treated]], list[Treated]]
"""The treated columns of a frame -> the verdicts of each rule."""


def compile_judge(contract: Contract) -> Judge:
    """Return the check of cleaned columns against `[[rules]]`, as `compile_rules` has it for one row."""
    names = {column.name: f"c{place}" for place, column in enumerate(contract.columns)}
    rules = [(parsed, frame_expression(parsed.condition, names)) for parsed in read_rules(contract)]

    def judge(treated: Sequence[Treated]) -> list[Treated]:
        by_name = {column.name: column for column in treated}
        return [_obey(parsed, holds, by_name, names) for parsed, holds in rules]

    return judge


def _obey(parsed: ParsedRule, holds: pl.Expr, treated: Mapping[str, Treated], names: Mapping[str, str]) -> Treated:
    """Return one rule's verdicts: only false is broken, and a row with a field in error that it names is not asked."""
    used = [treated[name] for name in sorted(parsed.columns)]
    table = pl.DataFrame([column.values.alias(names[column.name]) for column in used])
    sound = reduce(and_, (column.codes.is_null() for column in used))
    broken = ~table.with_columns(holds.fill_null(value=True).alias("holds")).get_column("holds") & sound
    rule = parsed.rule
    if rule.otherwise == "warn":
        return Treated(rule.name, broken, no_codes(broken.len()), (("rule", broken),) if broken.any() else ())
    code = pl.when("broken").then(pl.lit(rule.name)).otherwise(NO_CODE)
    return Treated("rule", broken, broken.to_frame("broken").select(code).to_series())


def frame_expression(expression: Expression, names: Mapping[str, str]) -> pl.Expr:
    """Return an expression over a frame; `names` gives each column's name there."""
    return _COMPILERS[type(expression)](expression, names)


def _name(name: Name, names: Mapping[str, str]) -> pl.Expr:
    return pl.col(names[name.column])


def _literal(literal: Literal, _: Mapping[str, str]) -> pl.Expr:
    return pl.lit(literal.value, dtype=DTYPES[literal.kind])


def _logic(expression: Logic, names: Mapping[str, str]) -> pl.Expr:
    left, right = frame_expression(expression.left, names), frame_expression(expression.right, names)
    return left & right if expression.operator == "and" else left | right


def _compare(expression: Compare, names: Mapping[str, str]) -> pl.Expr:
    left, right = _sides(names, expression.left, expression.right)
    return COMPARISONS[expression.operator](left, right)  # type: ignore[return-value]  # of expressions, an expression


def _one_of(expression: OneOfThese, names: Mapping[str, str]) -> pl.Expr:
    value, *known = _sides(names, expression.value, *expression.values)
    return pl.any_horizontal([value == one for one in known])


def _sides(names: Mapping[str, str], *sides: Expression) -> list[pl.Expr]:
    found = [frame_expression(side, names) for side in sides]
    return found if is_exact(*sides) else [side.cast(pl.Float64) for side in found]


def _arithmetic(expression: Arithmetic, names: Mapping[str, str]) -> pl.Expr:
    left, right = frame_expression(expression.left, names), frame_expression(expression.right, names)
    if expression.kind == "duration":
        return (left.cast(pl.Datetime("us")) - right.cast(pl.Datetime("us"))).cast(pl.Duration("us"))
    return _OPERATIONS[expression.operator](left.cast(pl.Float64), right.cast(pl.Float64))


def _finite(number: pl.Expr) -> pl.Expr:
    return pl.when(number.is_finite()).then(number)


def _modulo(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return _finite(left - right * _finite(left / right).floor())


_OPERATIONS: Final[Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "+": lambda left, right: _finite(left + right),
    "-": lambda left, right: _finite(left - right),
    "*": lambda left, right: _finite(left * right),
    "/": lambda left, right: _finite(left / right),
    "%": _modulo,
}


def _is_null(expression: IsNull, names: Mapping[str, str]) -> pl.Expr:
    return frame_expression(expression.value, names).is_null()


def _not(expression: Not, names: Mapping[str, str]) -> pl.Expr:
    return ~frame_expression(expression.part, names)


def _call(expression: Call, names: Mapping[str, str]) -> pl.Expr:
    value = frame_expression(expression.argument, names)
    if expression.function == "abs":
        return value.cast(pl.Float64).abs()
    if expression.function == "length":
        return value.str.len_chars().cast(pl.Int64)
    function = FUNCTIONS[expression.function]  # Polars changes the case of some letters in another way than Python
    return value.map_batches(lambda texts: _by_distinct(texts, function), return_dtype=pl.String())


def _by_distinct(texts: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """Return the texts changed by a Python function, asked once for each distinct one."""
    known = texts.drop_nulls().unique()
    changed = pl.Series([function(text) for text in known], dtype=pl.String())
    return texts.replace_strict(known, changed, default=None, return_dtype=pl.String()) if known.len() else texts


_COMPILERS: Final[Mapping[type, Callable[[Any, Mapping[str, str]], pl.Expr]]] = {
    Name: _name, Literal: _literal, Logic: _logic, Compare: _compare, OneOfThese: _one_of,
    Arithmetic: _arithmetic, IsNull: _is_null, Not: _not, Call: _call,
}  # fmt: skip
