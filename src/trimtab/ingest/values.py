"""Values of a database in columns of one fixed type each: the table's schema decides, never the values seen so far.

A value that its column's type cannot hold exactly makes its row a rejected one; it is neither bent nor dropped.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import types as sql

from trimtab.nouns import canonical

EXACT = 2**53
"""Up to here every whole number is a Float64."""

_MOST = 2**63
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Kind:
    """How one column's values are kept: the type of the column, the types that need no work, and the work for others.

    `convert` returns the value to keep or raises ValueError with a reason.
    """

    column: pl.DataType
    plain: frozenset[type]
    convert: Callable[[Any], Any]


def kind_of(declared: sql.TypeEngine[Any], *, dynamic: bool) -> Kind | None:
    """Return how values of a declared type are kept, or None where they are no plain values (bytes, arrays, spans).

    `dynamic` is for SQLite, where a value may have another type than its column and a time is text or a number: times
    stay as they are, as text. A domain is kept as the type that it is made of.
    """
    declared = getattr(declared, "data_type", declared)
    if isinstance(declared, (sql.LargeBinary, sql.ARRAY)) or _is_span(declared):
        return None
    if isinstance(declared, sql.Numeric) and declared.precision is not None and declared.scale == 0:
        return WHOLE
    if isinstance(declared, sql.DateTime) and not dynamic:
        return MOMENT if declared.timezone else NAIVE
    if isinstance(declared, sql.Date) and not dynamic:
        return DAY
    return next((kind for one, kind in _SIMPLE if isinstance(declared, one)), TEXT)


def _is_span(declared: sql.TypeEngine[Any]) -> bool:
    with suppress(NotImplementedError):  # a type of one dialect only
        return isinstance(declared.as_generic(allow_nulltype=True), sql.Interval)
    return False


def build_column(name: str, values: Sequence[Any], kind: Kind) -> tuple[pl.Series, Mapping[int, str]]:
    """Return the values as a column, and the reasons against those that do not fit (null in the column), by number."""
    if set(map(type, values)) <= kind.plain | {type(None)}:
        with suppress(OverflowError, TypeError):  # a whole number beyond 64 bits: found below
            return pl.Series(name, values, dtype=kind.column), {}
    kept: list[Any] = []
    wrong: dict[int, str] = {}
    for number, value in enumerate(values):
        try:
            kept.append(value if value is None else kind.convert(value))
        except ValueError as error:
            kept.append(None)
            wrong[number] = f"column {name}: {error}"
    return pl.Series(name, kept, dtype=kind.column), wrong


def show_row(names: Iterable[str], values: Iterable[Any]) -> str:
    """Return a row as JSON text for people; what JSON does not have is shown as text."""
    return canonical({name: _shown(value) for name, value in zip(names, values, strict=True)})


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _to_whole(value: Any) -> int:
    if isinstance(value, (int, float, Decimal)) and math.isfinite(value) and value == int(value):
        whole = int(value)
        if -_MOST <= whole < _MOST:
            return whole
        raise ValueError(f"{whole} is beyond 64 bits")
    raise ValueError(f"{_say(value)} is no whole number")


def _to_number(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, (int, Decimal)):
        number = float(value)
        if abs(number) >= EXACT and math.isfinite(value) and value == int(value) and int(number) != value:
            raise ValueError(f"{value} has more digits than a number keeps; declare the column as text or integer")
        return number
    raise ValueError(f"{_say(value)} is no number")


def _to_boolean(value: Any) -> bool:
    if isinstance(value, int) and value in {0, 1}:
        return bool(value)
    raise ValueError(f"{_say(value)} is neither true nor false")


def _to_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return canonical(value)
    if not isinstance(value, bytes):
        return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
    raise ValueError("bytes that are no text")


def _to_moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise ValueError(f"{_say(value)} has no time zone" if isinstance(value, datetime) else f"{_say(value)} is no time")


def _to_naive(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    raise ValueError(f"{_say(value)} is no time without a zone")


def _to_day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"{_say(value)} is no date")


def _say(value: Any) -> str:
    return repr(value if not isinstance(value, bytes) else value.hex())[:_SHOWN]


WHOLE = Kind(pl.Int64(), frozenset({int}), _to_whole)
NUMBER = Kind(pl.Float64(), frozenset({float}), _to_number)
BOOLEAN = Kind(pl.Boolean(), frozenset({bool}), _to_boolean)
TEXT = Kind(pl.String(), frozenset({str}), _to_text)
MOMENT = Kind(pl.Datetime("us", "UTC"), frozenset(), _to_moment)
NAIVE = Kind(pl.Datetime("us"), frozenset(), _to_naive)
DAY = Kind(pl.Date(), frozenset({date}), _to_day)

_SIMPLE = ((sql.Boolean, BOOLEAN), (sql.Integer, WHOLE), (sql.Numeric, NUMBER), (sql.Float, NUMBER))
