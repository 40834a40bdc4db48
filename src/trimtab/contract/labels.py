"""The label: which class a value names, or which number it is."""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Final

from trimtab.contract.reading import BLANKS, UnreadableError, parse_number
from trimtab.nouns.contract import Contract, Target

NOT_LABELLED: Final = frozenset({"", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "-", "?"})
"""Texts that mean "not labelled yet" in a label column, unless one of them is a class."""

ReadLabel = Callable[[object], str | None]
"""A value -> its canonical label text, None where it is not labelled yet; raises `UnreadableError`."""


def compile_label(contract: Contract) -> Callable[[object], str | None]:
    """Return the function that gives a value's canonical label text, or None where it is no label of this contract.

    Classes: the class name. Regression: `repr` of the finite float. Null and "not labelled yet" are None too.
    """
    read = read_label(contract.target)

    def label(value: object) -> str | None:
        try:
            return read(value)
        except UnreadableError:
            return None

    return label


def read_label(target: Target) -> ReadLabel:
    """Return the reader of a label; its codes are `unknown_class`, for regression `not_a_number` and `not_finite`."""
    unset = NOT_LABELLED - frozenset(target.classes)
    find = _read_amount if target.task == "regression" else _compile_class(target.classes)

    def read(value: object) -> str | None:
        if value is None or (isinstance(value, float) and isnan(value)):
            return None
        if isinstance(value, str):
            value = value.strip(BLANKS)
            if value in unset:
                return None
        return find(value)

    return read


def _compile_class(classes: tuple[str, ...]) -> Callable[[object], str]:
    """Return the finder of a class: by its text; a boolean also by its word; a number by its value."""
    names = {name.strip(BLANKS): name for name in classes}
    truths = {name.lower() == "true": name for name in classes if name.lower() in {"true", "false"}}
    numbers = _numbered(classes)

    def find(value: object) -> str:
        if isinstance(value, bool):
            found = truths.get(value)
        elif isinstance(value, str):
            found = names.get(value) or numbers.get(_amount_or_none(value))
        else:
            found = numbers.get(value) if isinstance(value, (int, float)) else None
        if found is None:
            raise UnreadableError("unknown_class")
        return found

    return find


def _numbered(classes: tuple[str, ...]) -> Mapping[float | None, str]:
    """Return the classes by their value, where every class is a number and no two are the same one."""
    values = {_amount_or_none(name): name for name in classes}
    return {} if None in values or len(values) < len(classes) else values


def _amount_or_none(text: str) -> float | None:
    try:
        return parse_number(text)
    except UnreadableError:
        return None


def _read_amount(value: object) -> str:
    """Return a finite number's canonical text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnreadableError("not_a_number")
    try:
        amount = parse_number(value) if isinstance(value, str) else float(value)
    except OverflowError:
        raise UnreadableError("not_finite") from None
    if amount - amount != 0.0:
        raise UnreadableError("not_finite")
    return repr(amount + 0.0)
