"""One value of one column: its cleaned form, or the code that says why there is none.

Both compilations rest on these readers. The row side calls them for every value; the frame side calls them for each
distinct value that its shortcuts (`fast.py`) are not certain about. So the two cannot disagree about odd values.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite, isnan
from typing import Final

from trimtab.errors import ConfigError, Mistake
from trimtab.nouns.contract import Column

Cleaned = str | float | int | bool | datetime | date
Read = Callable[[object], Cleaned | None]
"""A value as it arrived -> cleaned, None where it is null; raises `UnreadableError` with the reason's code."""

BLANKS: Final = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What `trim` strips: Unicode's White_Space and the byte order mark. Spelled out, since libraries differ on the set."""

LONGEST_TEXT: Final = 10_000
NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
DIGITS: Final = r"[+-]?[0-9]{1,300}"
INT64: Final = (-(2**63), 2**63 - 1)
TEXT_STEPS: Final = ("trim", "lower", "upper", "decimal_comma", "map")
WORDS: Final[Mapping[str, bool]] = {
    "true": True, "yes": True, "t": True, "y": True, "1": True,
    "false": False, "no": False, "f": False, "n": False, "0": False,
}  # fmt: skip

_number = re.compile(NUMBER)
_digits = re.compile(DIGITS)


class UnreadableError(ValueError):
    """A value that its column cannot accept. `code` is a reason code; the value itself is never kept here."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def null_spellings(column: Column) -> frozenset[str]:
    """Return the texts that mean null in a column, without surrounding blanks; the empty text always does."""
    return frozenset({"", *(spelling.strip(BLANKS) for spelling in column.nulls)})


def refuse_steps(column: Column) -> None:
    """Raise `ConfigError` for a cleaning step that is unknown or could have no effect on such a column."""
    numeric = column.type in {"number", "integer"}
    for step in column.clean:
        if step not in TEXT_STEPS:
            _numbers_of(step, column)
        if not numeric and (step not in TEXT_STEPS or step == "decimal_comma"):
            raise _bad_step(step, column)
    if column.map and "map" not in column.clean:
        mistake = Mistake(f"columns.{column.name}.map", "has no effect without the step 'map' in clean")
        raise ConfigError("The contract cannot be used.", mistakes=[mistake], hint="correct contract.toml")


def compile_text(column: Column) -> Callable[[str], str | None]:
    """Return the cleaning of a text: null spellings, then the text steps of `clean` in their order.

    Raises `too_long` beyond 10,000 characters and `wrong_type` for a lone surrogate, which no file can hold.
    """
    nulls = null_spellings(column)
    steps = tuple(_text_step(step, column) for step in column.clean if step in TEXT_STEPS)

    def clean(text: str) -> str | None:
        if len(text) > LONGEST_TEXT:
            raise UnreadableError("too_long")
        if not text.isascii():
            _refuse_surrogates(text)
        if text.strip(BLANKS) in nulls:
            return None
        for step in steps:
            text = step(text)
        return text or None

    return clean


def compile_scaling(column: Column) -> tuple[Callable[[float], float], ...]:
    """Return the numeric steps of `clean` (`unit:<factor>`, `clip:<low>:<high>`) in their order."""
    return tuple(_number_step(step, column) for step in column.clean if step not in TEXT_STEPS)


def scaling(column: Column) -> tuple[tuple[float, ...], ...]:
    """Return the numeric steps as numbers: (factor,) for `unit`, (low, high) for `clip`."""
    return tuple(_numbers_of(step, column) for step in column.clean if step not in TEXT_STEPS)


def null_numbers(column: Column) -> frozenset[float]:
    """Return the null spellings that are numbers: -999 as a number is as null as the text "-999" or "-999.0"."""
    clean = compile_text(Column(column.name, "text", clean=column.clean))
    return frozenset(number for spelling in column.nulls if (number := _spelled_number(clean, spelling)) is not None)


def nan_is_null(column: Column) -> bool:
    """Return whether a typed NaN means null: only where `nulls` lists it, as it must for the text."""
    return any(spelling.strip(BLANKS).lower() == "nan" for spelling in column.nulls)


def parse_number(text: str) -> float:
    """Return the number that a text writes in plain ASCII: sign, digits, fraction, exponent; blanks around it.

    Python's own reading of "1_000", "nan", "infinity" and of other scripts' digits is refused: `not_a_number`.
    """
    stripped = text.strip(BLANKS)
    if _number.fullmatch(stripped) is None:
        raise UnreadableError("not_a_number")
    return float(stripped)


def parse_whole(text: str) -> int | float:
    """Return plain digits as an exact integer, and any other number as a float."""
    stripped = text.strip(BLANKS)
    return int(stripped) if _digits.fullmatch(stripped) else parse_number(stripped)


def read_number(column: Column, *, text: bool) -> Read:
    """Return the reader of a `number` column: finite floats; minus zero becomes zero, so that all formats agree."""
    parse = _compile_numeric(column, parse_number, text=text)
    nulls, steps, forgiving = null_numbers(column), compile_scaling(column), nan_is_null(column)

    def read(value: object) -> float | None:
        number = value if type(value) is float else parse(value)
        if number is None or number in nulls:
            return None
        if not isfinite(number):
            return _null_nan(number, forgiving=forgiving)
        if steps:
            number = _scale(number, steps)
        return number + 0.0

    return read


def read_integer(column: Column, *, text: bool) -> Read:
    """Return the reader of an `integer` column: whole numbers within 64 bits; 3.0 is 3, 3.5 is `not_an_integer`."""
    parse = _compile_numeric(column, parse_whole, text=text)
    nulls, steps, forgiving = null_numbers(column), compile_scaling(column), nan_is_null(column)

    def read(value: object) -> int | None:
        number = value if type(value) is int else parse(value)
        if number is None or number in nulls:
            return None
        if isinstance(number, float) and not isfinite(number):
            return _null_nan(number, forgiving=forgiving)
        return _whole(_scale(_widen(number), steps) if steps else number)

    return read


def read_boolean(column: Column, *, text: bool) -> Read:  # noqa: ARG001 - text and typed values are read alike here
    """Return the reader of a `boolean` column: true and false, the usual words for them in any case, 0 and 1."""
    clean = compile_text(column)

    def read(value: object) -> bool | None:
        if value is None:
            return None
        word = clean(_as_text(value, floats=False))
        if word is None:
            return None
        known = WORDS.get(word.strip(BLANKS).lower())
        if known is None:
            raise UnreadableError("wrong_type")
        return known

    return read


def read_text(column: Column, *, text: bool) -> Read:  # noqa: ARG001 - text and typed values are read alike here
    """Return the reader of a `category` or `text` column: texts, and whole numbers and booleans as their text."""
    clean = compile_text(column)
    settled = frozenset(value for value in column.values if clean(value) == value)
    forgiving = nan_is_null(column)

    def read(value: object) -> str | None:
        if type(value) is str:
            return value if value in settled else clean(value)
        if value is None or (forgiving and isinstance(value, float) and isnan(value)):
            return None
        return clean(_as_text(value, floats=True))

    return read


def _compile_numeric(
    column: Column, parse: Callable[[str], int | float], *, text: bool
) -> Callable[[object], int | float | None]:
    """Return the way from any value to a number, before null numbers, steps and ranges."""
    clean = compile_text(column)
    accept_text = text or column.numeric_text == "repair"
    accept_bool = column.bool_as_number == "repair"
    whole = column.type == "integer"

    def convert(value: object) -> int | float | None:
        if isinstance(value, str):
            cleaned = clean(value)
            if cleaned is not None and not accept_text:
                raise UnreadableError("text_for_number")
            return None if cleaned is None else parse(cleaned)
        if isinstance(value, bool):
            if not accept_bool:
                raise UnreadableError("bool_for_number")
            return int(value) if whole else float(value)
        return _plain_number(value, whole=whole)

    return convert


def _plain_number(value: object, *, whole: bool) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, int):
        return int(value) if whole else _widen(value)
    if isinstance(value, (float, Decimal)):
        return float(value)
    raise UnreadableError("wrong_type")


def _null_nan(number: float, *, forgiving: bool) -> int | None:
    """Return null for a NaN that the contract spells as null; anything else that is not finite is an error."""
    if forgiving and isnan(number):
        return None
    raise UnreadableError("not_finite")


def _scale(number: float, steps: tuple[Callable[[float], float], ...]) -> float:
    for step in steps:
        number = step(number)
    if not isfinite(number):
        raise UnreadableError("not_finite")
    return number


def _widen(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise UnreadableError("not_finite") from None


def _whole(number: float) -> int:
    """Return a number as an integer of 64 bits."""
    if isinstance(number, float):
        if not number.is_integer():
            raise UnreadableError("not_an_integer")
        number = int(number)
    if not INT64[0] <= number <= INT64[1]:
        raise UnreadableError("hard_range")
    return number


def _as_text(value: object, *, floats: bool) -> str:
    """Return the one text of a value that is not null: whole floats like the integer, booleans in lower case."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if floats and isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, int) and abs(value) < 10**1000:  # far above any column type, far below Python's own limit
        return str(int(value))
    raise UnreadableError("wrong_type")


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnreadableError("wrong_type") from None


def _spelled_number(clean: Callable[[str], str | None], spelling: str) -> float | None:
    try:
        text = clean(spelling)
        return None if text is None else parse_number(text)
    except UnreadableError:
        return None


def _text_step(step: str, column: Column) -> Callable[[str], str]:
    if step == "trim":
        return lambda text: text.strip(BLANKS)
    if step == "decimal_comma":
        return _swap_decimal_comma
    if step == "map":
        names = dict(column.map)
        return lambda text: names.get(text, text)
    return str.lower if step == "lower" else str.upper


def _swap_decimal_comma(text: str) -> str:
    """Return 1,5 as 1.5. A point beside it could be a thousands mark, which would be wrong by a factor of 1,000."""
    if "." in text:
        raise UnreadableError("not_a_number")
    return text.replace(",", ".")


def _number_step(step: str, column: Column) -> Callable[[float], float]:
    numbers = _numbers_of(step, column)
    if len(numbers) == 1:
        return lambda number: number * numbers[0]
    low, high = numbers
    return lambda number: low if number < low else min(number, high)


def _numbers_of(step: str, column: Column) -> tuple[float, ...]:
    name, *arguments = step.split(":")
    try:
        numbers = tuple(parse_number(argument) for argument in arguments)
    except UnreadableError:
        numbers = ()
    if len(numbers) != {"unit": 1, "clip": 2}.get(name, -1) or not all(map(isfinite, numbers)):
        raise _bad_step(step, column)
    return numbers


def _bad_step(step: str, column: Column) -> ConfigError:
    what = (
        f"'{step}' is no step; known are trim, lower, upper, map, and on numbers decimal_comma, unit:F, clip:LOW:HIGH"
    )
    mistake = Mistake(f"columns.{column.name}.clean", what)
    return ConfigError("The contract cannot be used.", mistakes=[mistake], hint="correct contract.toml")
