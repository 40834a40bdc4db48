"""A rule's condition as a tree: what `[[rules]]` may say, after its text was read and its types were checked.

Values are those of a cleaned row. Every part may be null, which means "cannot tell". Arithmetic is done in 64-bit
floating point, and a result that is not finite (a division by zero) is null; whole numbers are compared exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal as OneOf

Kind = OneOf["number", "integer", "boolean", "text", "time", "date", "duration"]
Constant = float | int | bool | str | datetime | date | timedelta


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the contract."""

    column: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text of the rule."""

    value: Constant
    kind: Kind


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` and so on, of two numbers: `+ - * / %`; of two times or two dates `-` alone."""

    operator: str
    left: "Expression"
    right: "Expression"
    kind: Kind


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one value: abs, length, lower, upper."""

    function: str
    argument: "Expression"
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compare:
    """`left < right` and so on: `= != < <= > >=`."""

    operator: str
    left: "Expression"
    right: "Expression"

    @property
    def kind(self) -> Kind:
        """A comparison is true, false or null."""
        return "boolean"


@dataclass(frozen=True, slots=True)
class OneOfThese:
    """`value IN (...)`, with at least one value in the brackets."""

    value: "Expression"
    values: tuple[Literal, ...]

    @property
    def kind(self) -> Kind:
        """True, false or null."""
        return "boolean"


@dataclass(frozen=True, slots=True)
class IsNull:
    """`value IS NULL`: the one test that is never null itself."""

    value: "Expression"

    @property
    def kind(self) -> Kind:
        """True or false."""
        return "boolean"


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT part`; of null it is null."""

    part: "Expression"

    @property
    def kind(self) -> Kind:
        """True, false or null."""
        return "boolean"


@dataclass(frozen=True, slots=True)
class Logic:
    """`left AND right`, `left OR right`: false and true decide whatever the other side is."""

    operator: OneOf["and", "or"]
    left: "Expression"
    right: "Expression"

    @property
    def kind(self) -> Kind:
        """True, false or null."""
        return "boolean"


Expression = Name | Literal | Arithmetic | Call | Compare | OneOfThese | IsNull | Not | Logic


def names_in(expression: Expression) -> Iterator[str]:
    """Yield the columns that an expression speaks of, in the order of its text."""
    if isinstance(expression, Name):
        yield expression.column
        return
    for part in ("left", "right", "argument", "value", "part"):
        inner = getattr(expression, part, None)
        if inner is not None and not isinstance(expression, Literal):
            yield from names_in(inner)
