"""The Contract compiled to a function on one row. Imports neither polars nor numpy: it runs inside the server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from math import ceil, floor, inf, isfinite
from typing import Final, NamedTuple, TypeVar

from trimtab.contract.labels import compile_label
from trimtab.contract.pii import read_pii
from trimtab.contract.quick import Field, hasten
from trimtab.contract.reading import (
    INT64,
    Cleaned,
    Read,
    UnreadableError,
    read_boolean,
    read_integer,
    read_number,
    read_text,
    refuse_steps,
)
from trimtab.contract.rule_row import compile_expression, read_rules
from trimtab.contract.times import read_date, read_time
from trimtab.errors import ConfigError, DataError, Mistake
from trimtab.nouns.contract import Column, Contract
from trimtab.nouns.identity import canonical

__all__ = ["CleanRow", "RowContract", "compile_label", "compile_row", "event_time", "reader", "row_key"]


class CleanRow(NamedTuple):
    """One row's cleaned values in the order of the contract's columns, its errors (field, code) and its warnings.

    With any error the row is not clean: the value of a field in error is None.
    """

    values: list[Cleaned | None]
    reasons: list[tuple[str, str]]
    warnings: list[str]


RowContract = Callable[[Mapping[str, object]], CleanRow]
Made = TypeVar("Made")
Obey = Callable[[list[Cleaned | None], list[tuple[str, str]], list[str]], None]

META: Final = ("_row", "_source", "_offset", "_arrived_at")
"""The columns that ingest adds to a raw row."""

RESERVED: Final = frozenset({*META, "_event_at", "_label", "_warnings"})
"""Names that no column of a user's data may have."""


def compile_row(contract: Contract, *, text: bool = False) -> RowContract:
    """Return the function that cleans and judges one row given by column name.

    `text`: every value is text as in a CSV file, so numbers and local times in text are in order; else values are
    as JSON or a database gives them. An absent field is a null. Raises `ConfigError` and `DataError` (reserved names).
    """
    made = compile_all(contract, lambda column: _compile_field(column, contract, text=text))
    fields = tuple((column.name, field) for column, field in zip(contract.columns, made, strict=True))
    obey = compile_rules(contract)

    def row(mapping: Mapping[str, object]) -> CleanRow:
        reasons: list[tuple[str, str]] = []
        warnings: list[str] = []
        get = mapping.get
        values = [field(get(name), reasons, warnings) for name, field in fields]
        if obey is not None:
            obey(values, reasons, warnings)
        return CleanRow(values, reasons, warnings)

    return row


def compile_rules(contract: Contract) -> Obey | None:
    """Return the check of a cleaned row against `[[rules]]`, None where there are none.

    A rule that is false adds the reason ("rule", name) or the warning "rule:name". Null passes, and a rule that speaks
    of a field in error is not asked.
    """
    places = {column.name: place for place, column in enumerate(contract.columns)}
    rules = [
        (
            parsed.rule.name,
            parsed.rule.otherwise == "reject",
            parsed.columns,
            compile_expression(parsed.condition, places),
        )
        for parsed in read_rules(contract)
    ]

    def obey(values: list[Cleaned | None], reasons: list[tuple[str, str]], warnings: list[str]) -> None:
        wrong = {name for name, _ in reasons}
        for name, rejects, columns, holds in rules:
            if (wrong and not columns.isdisjoint(wrong)) or holds(values) is not False:
                continue
            if rejects:
                reasons.append(("rule", name))
            else:
                warnings.append(f"rule:{name}")

    return obey if rules else None


def row_key(contract: Contract, values: Sequence[Cleaned | None]) -> str | None:
    """Return the canonical JSON of a row's key columns, or None where there is no key or a part of it is null."""
    names = contract.row.key
    if not names:
        return None
    found = {column.name: value for column, value in zip(contract.columns, values, strict=True) if column.name in names}
    return None if None in found.values() else canonical(found)


def event_time(contract: Contract, values: Sequence[Cleaned | None]) -> datetime | None:
    """Return when a cleaned row happened, UTC, or None where it does not say; a date counts from midnight UTC."""
    name = contract.row.event_time
    if not name:
        return None
    found = (value for column, value in zip(contract.columns, values, strict=True) if column.name == name)
    value = next(found, None)
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(tzinfo=UTC)) if isinstance(value, date) else None


def compile_all(contract: Contract, compile_one: Callable[[Column], Made]) -> list[Made]:
    """Return every column compiled. Raises one `ConfigError` with the mistakes of all columns together."""
    refuse_reserved(contract)
    made: list[Made] = []
    mistakes: list[Mistake] = []
    for column in contract.columns:
        try:
            made.append(compile_one(column))
        except ConfigError as wrong:
            if not wrong.mistakes:  # not the contract's fault: the machine lacks the key of personal columns
                raise
            mistakes.extend(wrong.mistakes)
    if mistakes:
        raise ConfigError(
            "The contract cannot be used.", mistakes=dict.fromkeys(mistakes), hint="correct contract.toml"
        )
    return made


def reader(column: Column, *, text: bool, time_zone: str) -> Read:
    """Return the reader of one column's values, before the checks of presence, range and category."""
    refuse_steps(column)
    if column.pii:
        return read_pii(column)
    if column.type == "number":
        return read_number(column, text=text)
    if column.type == "integer":
        return read_integer(column, text=text)
    if column.type == "boolean":
        return read_boolean(column, text=text)
    if column.type == "time":
        return read_time(column, text=text, time_zone=time_zone)
    return read_date(column) if column.type == "date" else read_text(column, text=text)


def default_of(column: Column) -> Cleaned | None:
    """Return what a missing optional value becomes: the contract's default, for a feature only, else None."""
    if column.missing != "default" or column.role != "feature":
        return None
    try:
        # a default is a cleaned value already: no step is applied to it, and no spelling makes it null
        plain = replace(column, clean=(), map={}, nulls=())
        return reader(plain, text=True, time_zone="UTC")(column.default)
    except UnreadableError as wrong:
        mistake = Mistake(f"columns.{column.name}.default", f"is no {column.type} ({wrong.code})")
        raise ConfigError("The contract cannot be used.", mistakes=[mistake], hint="correct contract.toml") from None


def bounds(column: Column, limits: tuple[float, float] | None) -> tuple[float, float]:
    """Return a closed range as numbers of the column's own kind, so that comparing an integer is exact."""
    low, high = limits or (-inf, inf)
    if column.type != "integer":
        return low, high
    return max(ceil(low), INT64[0]) if isfinite(low) else low, min(floor(high), INT64[1]) if isfinite(high) else high


def refuse_reserved(contract: Contract) -> None:
    """Raise `DataError` where a column's name is reserved, and `ConfigError` where one stands for two things."""
    names = [*contract.by_name, contract.target.column]
    mistakes = [Mistake(name, "is a name that trimtab keeps for its own columns") for name in names if name in RESERVED]
    if mistakes:
        raise DataError("Reserved column names.", mistakes=mistakes, hint="rename the column in the data")
    if contract.target.column in contract.by_name:
        mistake = Mistake(f"columns.{contract.target.column}", "the target cannot be a column of the row as well")
        raise ConfigError("The contract cannot be used.", mistakes=[mistake], hint="delete that table in contract.toml")
    if contract.rules and "rule" in contract.by_name:
        mistake = Mistake("columns.rule", "cannot stand beside [[rules]]: the reasons of both would read alike")
        raise ConfigError("The contract cannot be used.", mistakes=[mistake], hint="rename the column in the data")


def _compile_field(column: Column, contract: Contract, *, text: bool) -> Field:
    read = reader(column, text=text, time_zone=contract.row.time_zone)
    absent = _compile_absent(column)
    judge = _compile_judge(column)
    name, numeric = column.name, column.type in {"number", "integer"} and not text
    repaired = f"repaired:{column.name}"

    def field(value: object, reasons: list[tuple[str, str]], warnings: list[str]) -> Cleaned | None:
        try:
            cleaned = read(value)
            if cleaned is None:
                return absent(warnings)
            if numeric and isinstance(value, (str, bool)):
                warnings.append(repaired)
            if judge is not None:
                judge(cleaned, warnings)
        except UnreadableError as wrong:
            reasons.append((name, wrong.code))
            return None
        return cleaned

    hard, soft = bounds(column, column.hard), bounds(column, column.soft)
    return hasten(column, field, read, (max(hard[0], soft[0]), min(hard[1], soft[1])), text=text)


def _compile_absent(column: Column) -> Callable[[list[str]], Cleaned | None]:
    """Return what a null becomes: an error, or the default (or None) with a warning where a model would see it."""
    if column.required:
        return _refuse_missing
    if column.role != "feature":
        return lambda _: None
    default, warning = default_of(column), f"imputed:{column.name}"

    def impute(warnings: list[str]) -> Cleaned | None:
        warnings.append(warning)
        return default

    return impute


def _refuse_missing(_: list[str]) -> None:
    raise UnreadableError("missing")


def _compile_judge(column: Column) -> Callable[[Cleaned, list[str]], None] | None:
    """Return the check of a cleaned value against range or categories; None where there is nothing to check."""
    if column.type in {"number", "integer"}:
        return _compile_range(column) if column.hard or column.soft else None
    return _compile_category(column) if column.type == "category" and column.values else None


def _compile_range(column: Column) -> Callable[[Cleaned, list[str]], None]:
    low, high = bounds(column, column.hard)
    usual_low, usual_high = bounds(column, column.soft)
    warning = f"soft_range:{column.name}"

    def judge(value: Cleaned, warnings: list[str]) -> None:
        if not low <= value <= high:  # type: ignore[operator]  # only numbers come here
            raise UnreadableError("hard_range")
        if not usual_low <= value <= usual_high:  # type: ignore[operator]
            warnings.append(warning)

    return judge


def _compile_category(column: Column) -> Callable[[Cleaned, list[str]], None]:
    known, warning, reject = frozenset(column.values), f"unseen:{column.name}", column.unseen == "reject"

    def judge(value: Cleaned, warnings: list[str]) -> None:
        if value in known:
            return
        if reject:
            raise UnreadableError("unseen")
        warnings.append(warning)

    return judge
