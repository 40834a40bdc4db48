"""A rule compiled to a function on one cleaned row. Imports neither polars nor numpy: it runs inside the server.

`rule_frame.py` says the same in Polars expressions; property tests hold the two together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite
from operator import eq, ge, gt, le, lt, ne, not_, sub
from typing import Any, Final

from trimtab.config.expression_text import ExpressionError, parse_expression
from trimtab.errors import ConfigError, Mistake
from trimtab.nouns.contract import Contract, Rule
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
    names_in,
)

Evaluate = Callable[[Sequence[Any]], Any]
"""The cleaned values of a row, in the contract's order -> the value of an expression, None for null."""

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule whose condition was read: its tree, and the columns that it speaks of."""

    rule: Rule
    condition: Expression
    columns: frozenset[str]


def read_rules(contract: Contract) -> tuple[ParsedRule, ...]:
    """Return a contract's rules, read. Raises `ConfigError` with every rule that cannot be."""
    found: list[ParsedRule] = []
    mistakes: list[Mistake] = []
    for rule in contract.rules:
        try:
            condition = parse_expression(rule.where, contract.by_name)
            found.append(ParsedRule(rule, condition, frozenset(names_in(condition))))
        except ExpressionError as wrong:
            mistakes.append(Mistake(f"rules.{rule.name}.where", str(wrong)))
    if mistakes:
        raise ConfigError("The contract cannot be used.", mistakes=mistakes, hint="correct contract.toml")
    return tuple(found)


def is_exact(*sides: Expression) -> bool:
    """Return whether sides are compared as they are: numbers that are not all whole are compared as floats."""
    kinds = {side.kind for side in sides}
    return "number" not in kinds


def compile_expression(expression: Expression, places: Mapping[str, int]) -> Evaluate:
    """Return the function that gives an expression's value; `places` says where each column stands in a row."""
    return _COMPILERS[type(expression)](expression, places)


def _name(name: Name, places: Mapping[str, int]) -> Evaluate:
    place = places[name.column]
    return lambda row: row[place]


def _literal(literal: Literal, _: Mapping[str, int]) -> Evaluate:
    value = literal.value
    return lambda _: value


def _logic(expression: Logic, places: Mapping[str, int]) -> Evaluate:
    left, right = compile_expression(expression.left, places), compile_expression(expression.right, places)
    decisive = expression.operator == "or"  # true decides an OR, false an AND

    def logic(row: Sequence[Any]) -> Any:
        first = left(row)
        if first is decisive:
            return decisive
        second = right(row)
        if second is decisive:
            return decisive
        return None if first is None or second is None else not decisive

    return logic


def _compare(expression: Compare, places: Mapping[str, int]) -> Evaluate:
    left = _comparable(expression.left, places, exact=is_exact(expression.left, expression.right))
    right = _comparable(expression.right, places, exact=is_exact(expression.left, expression.right))
    holds = COMPARISONS[expression.operator]

    def compare(row: Sequence[Any]) -> bool | None:
        first, second = left(row), right(row)
        return None if first is None or second is None else holds(first, second)

    return compare


def _one_of(expression: OneOfThese, places: Mapping[str, int]) -> Evaluate:
    exact = is_exact(expression.value, *expression.values)
    find = _comparable(expression.value, places, exact=exact)
    known = frozenset(one.value if exact else float(one.value) for one in expression.values)  # type: ignore[arg-type]

    def one_of(row: Sequence[Any]) -> bool | None:
        value = find(row)
        return None if value is None else value in known

    return one_of


def _comparable(expression: Expression, places: Mapping[str, int], *, exact: bool) -> Evaluate:
    find = compile_expression(expression, places)
    if exact or expression.kind == "number":
        return find

    def widened(row: Sequence[Any]) -> float | None:
        value = find(row)
        return None if value is None else float(value)

    return widened


def _arithmetic(expression: Arithmetic, places: Mapping[str, int]) -> Evaluate:
    if expression.kind == "duration":
        return _both(sub, expression, places)
    return _both(_OPERATIONS[expression.operator], expression, places)


def _both(operate: Callable[[Any, Any], Any], expression: Arithmetic, places: Mapping[str, int]) -> Evaluate:
    left, right = compile_expression(expression.left, places), compile_expression(expression.right, places)

    def both(row: Sequence[Any]) -> Any:
        first, second = left(row), right(row)
        return None if first is None or second is None else operate(first, second)

    return both


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None


def _add(left: float, right: float) -> float | None:
    return _finite(float(left) + float(right))


def _subtract(left: float, right: float) -> float | None:
    return _finite(float(left) - float(right))


def _multiply(left: float, right: float) -> float | None:
    return _finite(float(left) * float(right))


def _divide(left: float, right: float) -> float | None:
    return _finite(float(left) / float(right)) if right else None


def _modulo(left: float, right: float) -> float | None:
    """Return what is left after whole divisions, with the divisor's sign: each step rounds as Polars' does."""
    times = _divide(left, right)
    return None if times is None else _finite(float(left) - float(right) * float(floor(times)))


def _is_null(expression: IsNull, places: Mapping[str, int]) -> Evaluate:
    inner = compile_expression(expression.value, places)
    return lambda row: inner(row) is None


def _not(expression: Not, places: Mapping[str, int]) -> Evaluate:
    return _on_value(compile_expression(expression.part, places), not_)


def _call(expression: Call, places: Mapping[str, int]) -> Evaluate:
    return _on_value(compile_expression(expression.argument, places), FUNCTIONS[expression.function])


def _on_value(find: Evaluate, function: Callable[[Any], Any]) -> Evaluate:
    def on_value(row: Sequence[Any]) -> Any:
        value = find(row)
        return None if value is None else function(value)

    return on_value


FUNCTIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "abs": lambda number: abs(float(number)),
    "length": len,
    "lower": str.lower,
    "upper": str.upper,
}
_OPERATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": _add, "-": _subtract, "*": _multiply, "/": _divide, "%": _modulo,
}  # fmt: skip
_COMPILERS: Final[Mapping[type, Callable[[Any, Mapping[str, int]], Evaluate]]] = {
    Name: _name, Literal: _literal, Logic: _logic, Compare: _compare, OneOfThese: _one_of,
    Arithmetic: _arithmetic, IsNull: _is_null, Not: _not, Call: _call,
}  # fmt: skip
