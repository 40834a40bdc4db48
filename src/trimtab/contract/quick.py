"""Shortcuts for one value of a row: what is plainly in order is answered at once, all else goes the whole way.

What `fast.py` is to a frame. A shortcut may only say what the whole way would say, without a reason or a warning.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from sys import float_info
from typing import Final

from trimtab.contract.reading import (
    NUMBER,
    Cleaned,
    Read,
    UnreadableError,
    compile_text,
    null_numbers,
    null_spellings,
    scaling,
)
from trimtab.nouns.contract import Column, Range

Field = Callable[[object, list[tuple[str, str]], list[str]], Cleaned | None]
"""A value, the row's reasons and warnings -> the cleaned value; what is wrong is added to the two lists."""

_plain_number = re.compile(NUMBER).fullmatch
_plain_whole = re.compile("[+-]?[0-9]{1,18}").fullmatch
_rfc3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{3}(?:[0-9]{3})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-9]{2})"
).fullmatch
_EXACT: Final = 2**53
_SHORT: Final = 40
_LONG: Final = 1_000


def hasten(column: Column, whole_way: Field, read: Read, usual: Range, *, text: bool) -> Field:
    """Return the field with its shortcut, or as it is. `usual`: the numbers inside both ranges, closed."""
    if column.type in {"number", "integer"}:
        return _hasten_number(column, whole_way, usual, text=text)
    if column.type == "boolean":
        return _hasten_boolean(whole_way, read)
    if column.type == "category" and column.values:
        return _hasten_category(column, whole_way, read)
    if column.type == "text" and not column.clean and not column.pii:
        return _hasten_text(column, whole_way)
    if column.type == "time" and column.formats[:1] == ("rfc3339",) and set(column.clean) <= {"trim"}:
        return _hasten_time(column, whole_way)
    return whole_way


def _hasten_number(column: Column, whole_way: Field, usual: Range, *, text: bool) -> Field:
    if scaling(column):
        return whole_way
    if text:
        if not set(column.clean) <= {"trim", "lower", "upper"}:
            return whole_way
        return (_text_whole if column.type == "integer" else _text_number)(column, whole_way, usual)
    return (_typed_whole if column.type == "integer" else _typed_number)(column, whole_way, usual)


def _typed_number(column: Column, whole_way: Field, usual: Range) -> Field:
    low, high = max(usual[0], -float_info.max), min(usual[1], float_info.max)  # so neither NaN nor infinity passes
    nulls = null_numbers(column)

    def number(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is int and -_EXACT < value < _EXACT:
            value = float(value)
        if type(value) is float and low <= value <= high and value not in nulls:
            return value + 0.0
        return whole_way(value, reasons, warnings)

    return number


def _typed_whole(column: Column, whole_way: Field, usual: Range) -> Field:
    low, high = max(usual[0], 1 - 2**62), min(usual[1], 2**62)
    nulls = null_numbers(column)

    def whole(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is int and low <= value <= high and value not in nulls:
            return value
        return whole_way(value, reasons, warnings)

    return whole


def _text_number(column: Column, whole_way: Field, usual: Range) -> Field:
    low, high = max(usual[0], -float_info.max), min(usual[1], float_info.max)
    nulls = null_numbers(column)

    def number(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is str and len(value) < _SHORT and _plain_number(value):
            found = float(value)
            if low <= found <= high and found not in nulls:
                return found + 0.0
        return whole_way(value, reasons, warnings)

    return number


def _text_whole(column: Column, whole_way: Field, usual: Range) -> Field:
    low, high = usual
    nulls = null_numbers(column)

    def whole(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is str and _plain_whole(value):
            found = int(value)
            if low <= found <= high and found not in nulls:
                return found
        return whole_way(value, reasons, warnings)

    return whole


def _hasten_boolean(whole_way: Field, read: Read) -> Field:
    spellings = ("true", "false", "True", "False", "1", "0", "yes", "no")
    words = {word: found for word in spellings if (found := _certain(read, word)) is not None}
    true, false = _certain(read, value=True), _certain(read, value=False)

    def boolean(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if value is True and true is not None:
            return true
        if value is False and false is not None:
            return false
        if type(value) is str and value in words:
            return words[value]
        return whole_way(value, reasons, warnings)

    return boolean


def _hasten_category(column: Column, whole_way: Field, read: Read) -> Field:
    known = {value for value in column.values if _certain(read, value) == value}

    def category(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is str and value in known:
            return value
        return whole_way(value, reasons, warnings)

    return category


def _hasten_text(column: Column, whole_way: Field) -> Field:
    nulls = null_spellings(column)

    def plain(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is str and value not in nulls and value.isalnum() and value.isascii() and len(value) < _LONG:
            return value  # without blanks at its ends a text is a spelling of null as it stands or not at all
        return whole_way(value, reasons, warnings)

    return plain


def _hasten_time(column: Column, whole_way: Field) -> Field:
    clean = compile_text(column)

    def moment(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        if type(value) is str and _rfc3339(value) and clean(value) == value:
            try:
                found = datetime.fromisoformat(value)
                return found if found.tzinfo is UTC else found.astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        return whole_way(value, reasons, warnings)

    return moment


def _certain(read: Read, value: object) -> Cleaned | None:
    try:
        return read(value)
    except UnreadableError:
        return None
