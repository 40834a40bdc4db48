"""A rule's condition: from its text in contract.toml to a tree whose names and types are right.

The grammar is a part of SQL's, with the meaning that Polars gives it: comparisons, AND OR NOT, arithmetic, IS NULL, IN,
BETWEEN, and four functions. It is bounded in length and depth, and whatever else is written is refused at its place.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from trimtab.errors import nearest
from trimtab.nouns.contract import Column
from trimtab.nouns.expression import (
    Arithmetic,
    Call,
    Compare,
    Expression,
    IsNull,
    Kind,
    Literal,
    Logic,
    Name,
    Not,
    OneOfThese,
    names_in,
)

LONGEST: Final = 2_000
DEEPEST: Final = 40
MOST_WORDS: Final = 400
_KINDS: Final[Mapping[str, Kind]] = {
    "number": "number", "integer": "integer", "boolean": "boolean", "category": "text", "text": "text",
    "time": "time", "date": "date",
}  # fmt: skip
_NUMBERS: Final = frozenset({"number", "integer"})
_FUNCTIONS: Final[Mapping[str, tuple[str, Kind]]] = {
    "abs": ("number", "number"),
    "length": ("text", "integer"),
    "lower": ("text", "text"),
    "upper": ("text", "text"),
}
_WORDS: Final = ("and", "or", "not", "is", "null", "in", "between", "true", "false", "interval", *_FUNCTIONS)
_TYPED: Final[Mapping[str, Kind]] = {"date": "date", "timestamp": "time", "interval": "duration"}
_COMPARISONS: Final = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TOKEN: Final = re.compile(
    r"(?P<blank>\s+)|(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[^\W\d]\w*)|(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")"
    r"|(?P<sign><=|>=|<>|!=|==|[-+*/%=<>(),])"
)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}([0-9]{3})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPAN: Final = re.compile(r"\s*([0-9]{1,9})\s*(second|minute|hour|day|week)s?\s*,?", re.IGNORECASE)


class ExpressionError(ValueError):
    """A condition that cannot be read; the message says at which character and what may stand there."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_expression(text: str, columns: Mapping[str, Column]) -> Expression:
    """Return the condition that a text writes over some columns. Raises `ExpressionError` with the place."""
    if len(text) > LONGEST:
        raise ExpressionError(f"is longer than {LONGEST:,} characters")
    parser = _Parser(_tokens(text), columns)
    found = parser.alternatives()
    parser.finish()
    if found.kind != "boolean":
        raise ExpressionError(f"is a {found.kind}; a rule needs a condition, such as {_EXAMPLE}")
    if not any(True for _ in names_in(found)):
        raise ExpressionError(f"names no column; a rule is a condition over columns, such as {_EXAMPLE}")
    return found


_EXAMPLE: Final = "low <= high"


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(at, f"{_sight(text[at])} cannot stand here")
        if match.lastgroup != "blank":
            found.append(_Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    if len(found) > MOST_WORDS:
        raise ExpressionError(f"has more than {MOST_WORDS} words and signs")
    return [*found, _Token("end", "", len(text))]


def _sight(letter: str) -> str:
    return {"'": "a text that is not closed", '"': "a name that is not closed"}.get(letter, f"'{letter}'")


def _wrong(at: int, what: str) -> ExpressionError:
    return ExpressionError(f"at character {at + 1}: {what}")


class _Parser:
    """Reads one condition from left to right; each method reads one level of the grammar."""

    def __init__(self, tokens: list[_Token], columns: Mapping[str, Column]) -> None:
        self.tokens, self.columns = tokens, columns
        self.at = self.depth = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    @staticmethod
    def boolean(side: Expression, token: _Token) -> Expression:
        """Return a side of AND, OR, NOT, which must be a condition."""
        if side.kind != "boolean":
            raise _wrong(token.at, f"{token.text.upper()} needs conditions, this is a {side.kind}")
        return side

    def accept(self, *words: str) -> _Token | None:
        """Return the next token where it is one of some words or signs."""
        token = self.next
        known = token.kind in {"word", "sign"} and token.text.lower() in words
        return self.take() if known else None

    def expect(self, word: str) -> None:
        if self.accept(word) is None:
            raise _wrong(self.next.at, f"'{word.upper()}' is needed here")

    def finish(self) -> None:
        if self.next.kind != "end":
            said = nearest(self.next.text.lower(), ["and", "or", "in", "is", "between"])
            what = "the condition was at its end; join conditions by AND or OR"
            raise _wrong(self.next.at, f"{what}{said}" if self.next.kind == "word" else what)

    def alternatives(self) -> Expression:
        left = self.together()
        while token := self.accept("or"):
            left = Logic("or", self.boolean(left, token), self.boolean(self.together(), token))
        return left

    def together(self) -> Expression:
        left = self.negated()
        while token := self.accept("and"):
            left = Logic("and", self.boolean(left, token), self.boolean(self.negated(), token))
        return left

    def negated(self) -> Expression:
        token = self.accept("not")
        if token is None:
            return self.predicate()
        self.deepen(token)
        part = Not(self.boolean(self.negated(), token))
        self.depth -= 1
        return part

    def predicate(self) -> Expression:
        left = self.sum()
        token = self.next
        if token.text in _COMPARISONS:
            self.take()
            return self.compare(_COMPARISONS[token.text], left, self.sum(), token)
        if self.accept("is"):
            return self.is_something(left)
        negated = self.accept("not") is not None
        found = self.membership(left)
        if found is None and negated:
            raise _wrong(self.next.at, "NOT must be followed by IN or BETWEEN here")
        return left if found is None else Not(found) if negated else found

    def is_something(self, left: Expression) -> Expression:
        negated = self.accept("not") is not None
        self.expect("null")
        return Not(IsNull(left)) if negated else IsNull(left)

    def membership(self, left: Expression) -> Expression | None:
        if token := self.accept("in"):
            return self.one_of(left, token)
        if token := self.accept("between"):
            low = self.compare(">=", left, self.sum(), token)
            self.expect("and")
            return Logic("and", low, self.compare("<=", left, self.sum(), token))
        return None

    def one_of(self, left: Expression, token: _Token) -> Expression:
        self.expect("(")
        values: list[Literal] = []
        while not values or self.accept(","):
            at = self.next
            found = self.sum()
            left, found = self.alike(left, found, "=", at)
            if not isinstance(found, Literal):
                raise _wrong(at.at, "IN takes values, not columns or sums")
            values.append(found)
        if isinstance(left, Literal):
            raise _wrong(token.at, "IN needs a column before it")
        self.expect(")")
        return OneOfThese(left, tuple(values))

    def compare(self, operator: str, left: Expression, right: Expression, token: _Token) -> Expression:
        left, right = self.alike(left, right, operator, token)
        return Compare(operator, left, right)

    def alike(self, left: Expression, right: Expression, operator: str, token: _Token) -> tuple[Expression, Expression]:
        """Return two sides that can be compared: a text beside a time or date is read as one."""
        if right.kind in {"time", "date"} and isinstance(left, Literal):
            left = _moment(left, right.kind, token)
        if left.kind in {"time", "date"} and isinstance(right, Literal):
            right = _moment(right, left.kind, token)
        if left.kind != right.kind and not {left.kind, right.kind} <= _NUMBERS:
            raise _wrong(token.at, f"a {left.kind} cannot be compared with a {right.kind}")
        if left.kind == "boolean" and operator not in {"=", "!="}:
            raise _wrong(token.at, "conditions can be equal or not, but not greater or less")
        return left, right

    def sum(self) -> Expression:
        left = self.product()
        while token := self.accept("+", "-"):
            left = self.arithmetic(left, self.product(), token)
        return left

    def product(self) -> Expression:
        left = self.factor()
        while token := self.accept("*", "/", "%"):
            left = self.arithmetic(left, self.factor(), token)
        return left

    def arithmetic(self, left: Expression, right: Expression, token: _Token) -> Expression:
        if token.text == "-" and left.kind == right.kind and left.kind in {"time", "date"}:
            return Arithmetic("-", left, right, "duration")
        for side in (left, right):
            if side.kind not in _NUMBERS:
                raise _wrong(token.at, f"'{token.text}' is for numbers, this is a {side.kind}")
        return Arithmetic(token.text, left, right, "number")

    def factor(self) -> Expression:
        token = self.accept("-", "+")
        if token is None:
            return self.primary()
        self.deepen(token)
        part = self.factor()
        self.depth -= 1
        if isinstance(part, Literal) and isinstance(part.value, int | float) and part.kind in _NUMBERS:
            return Literal(-part.value if token.text == "-" else part.value, part.kind)
        return self.arithmetic(Literal(0.0, "number"), part, token)

    def primary(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "text":
            return _text(token)
        if token.text == "(":
            self.deepen(token)
            inner = self.alternatives()
            self.expect(")")
            self.depth -= 1
            return inner
        return self.word(token)

    def word(self, token: _Token) -> Expression:
        """Return what a word stands for: true, false, a duration, a function, or a column."""
        word = token.text.lower()
        if token.kind == "word":
            if word in {"true", "false"}:
                return Literal(word == "true", "boolean")
            if word in _TYPED and self.next.kind == "text":
                text = self.take()
                return _duration(text) if word == "interval" else _moment(_text(text), _TYPED[word], text)
            if self.next.text == "(":
                return self.call(token)
            if word in {"and", "or", "not", "is", "null", "in", "between"}:
                hint = "; write IS NULL or IS NOT NULL" if word == "null" else ""
                raise _wrong(token.at, f"{token.text.upper()} cannot stand here{hint}")
        elif token.kind != "name":
            raise _wrong(token.at, "a value is needed here: a column, a number or a 'text'")
        return self.column(token)

    def column(self, token: _Token) -> Expression:
        name = token.text[1:-1].replace('""', '"') if token.kind == "name" else token.text
        column = self.columns.get(name)
        if column is None:
            said = "; texts stand in single quotes" if token.kind == "name" else ""
            raise _wrong(token.at, f"there is no column '{name}'{nearest(name, [*self.columns, *_WORDS]) or said}")
        if column.pii:
            raise _wrong(token.at, f"'{name}' is pii, of which only a hash is known")
        return Name(name, _KINDS[column.type])

    def call(self, token: _Token) -> Expression:
        name = token.text.lower()
        if name not in _FUNCTIONS:
            known = f"known are {', '.join(_FUNCTIONS)}"
            raise _wrong(token.at, f"there is no function '{token.text}'{nearest(name, _FUNCTIONS) or '; ' + known}")
        self.deepen(token)
        self.expect("(")
        argument = self.sum()
        self.expect(")")
        self.depth -= 1
        takes, kind = _FUNCTIONS[name]
        if argument.kind != takes and not (takes == "number" and argument.kind == "integer"):
            raise _wrong(token.at, f"{name} takes a {takes}, this is a {argument.kind}")
        return Call(name, argument, kind)

    def deepen(self, token: _Token) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _wrong(token.at, f"is nested more than {DEEPEST} deep")


def _number(token: _Token) -> Literal:
    if token.text.isdigit() and len(token.text) < 19:
        return Literal(int(token.text), "integer")
    value = float(token.text)
    if value == float("inf"):
        raise _wrong(token.at, "the number is too large")
    return Literal(value, "number")


def _text(token: _Token) -> Literal:
    return Literal(token.text[1:-1].replace("''", "'"), "text")


def _moment(literal: Literal, kind: Kind, token: _Token) -> Literal:
    """Return a text literal as the time or date that it is compared with."""
    if literal.kind != "text":
        return literal
    found = _time(str(literal.value)) if kind == "time" else _date(str(literal.value))
    if found is None:
        example = "'2026-01-31T12:00:00Z'" if kind == "time" else "'2026-01-31'"
        raise _wrong(token.at, f"a {kind} is written {example}")
    return Literal(found, kind)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _duration(token: _Token) -> Literal:
    text = token.text[1:-1]
    pieces = list(_SPAN.finditer(text))
    if not pieces or "".join(piece.group() for piece in pieces) != text:
        raise _wrong(token.at, "a duration is written INTERVAL '2 hours', with seconds, minutes, hours, days or weeks")
    try:
        parts = [timedelta(**{f"{piece[2].lower()}s": int(piece[1])}) for piece in pieces]
        return Literal(sum(parts, timedelta()), "duration")
    except OverflowError:
        raise _wrong(token.at, "the duration is too long") from None
