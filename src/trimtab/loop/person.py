"""Whether a row is about one person (or any one thing), told by columns and their values.

A value is compared as the Contract cleans it, so that ` ann ` in a file, `Ann` in a request and a hidden value are one
and the same where the Contract says so. Rows stand in many forms: columns of a source, JSON text of a request, the text
of a key, a line that could not be read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import polars as pl

from trimtab.contract.row import compile_row
from trimtab.errors import Mistake, UsageError, nearest
from trimtab.nouns import Column, Contract, Target

TEXTS = ("key", "_key", "raw", "features")
"""Columns of the record that hold a row, or its key, as JSON text."""

Same = Callable[[object], bool]


class Person:
    """Finds the rows in which every column of `wanted` has its value.

    `predictions` are ids: their Outcomes are the person's too.
    """

    def __init__(self, contract: Contract, wanted: Mapping[str, str]) -> None:
        self.wanted = dict(wanted)
        self.predictions: frozenset[str] = frozenset()
        self._same = {name: _compile_same(contract, name, value) for name, value in wanted.items()}
        words = [rf"(?<!\w){re.escape(value.strip())}(?!\w)" for value in wanted.values()]
        self._words = [re.compile(word) for word in words]

    def can_be_in(self, columns: Sequence[str]) -> bool:
        """Return whether a table with these columns can say that a row is the person's."""
        return all(name in columns for name in self.wanted) or any(name in columns for name in TEXTS)

    def find(self, rows: pl.DataFrame) -> pl.Series:
        """Return for each row of a table whether it is the person's."""
        found = _all(rows.height, value=False)
        if all(name in rows.columns for name in self.wanted):
            found |= self._find_in_columns(rows)
        for name in (name for name in TEXTS if name in rows.columns and rows.schema[name] == pl.String):
            found |= _mark(rows[name], self.is_in_text)
        if "prediction_id" in rows.columns and self.predictions:
            found |= rows["prediction_id"].is_in(list(self.predictions)).fill_null(value=False)
        return found

    def is_in_text(self, text: object) -> bool:
        """Return whether JSON text of a row is the person's, or a line that is no JSON names all values as words."""
        try:
            row = msgspec.json.decode(str(text))
        except msgspec.DecodeError:
            row = None
        if isinstance(row, dict):
            return all(name in row and self._same[name](row[name]) for name in self.wanted)
        return all(word.search(str(text)) for word in self._words)

    def _find_in_columns(self, rows: pl.DataFrame) -> pl.Series:
        found = _all(rows.height, value=True)
        for name, same in self._same.items():
            found &= _mark(rows[name], same)
        return found


def read_keys(words: Sequence[str], contract: Contract, columns: Sequence[str]) -> dict[str, str]:
    """Return the columns and values that `--key VALUE` or `--key column=value` name; `columns` are all that there are.

    Raises:
        UsageError: a column that no table has, a value without its column, an empty value; all of them at once.
    """
    wanted: dict[str, str] = {}
    mistakes = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = (contract.row.key[0] if len(contract.row.key) == 1 else ""), word
            mistakes += [] if name else [_not_named(contract)]
        elif name not in columns:
            mistakes.append(Mistake("--key", f"no table has a column '{name[:64]}'{nearest(name, list(columns))}"))
        if not value.strip():
            mistakes.append(Mistake("--key", "has an empty value"))
        wanted[name] = value
    if not words:
        mistakes.append(Mistake("--key", "is required"))
    if mistakes:
        hint = "--key VALUE where [row] key is one column, else --key COLUMN=VALUE for each (also for a value with =)"
        raise UsageError("It is not clear whose rows to erase.", mistakes=mistakes, hint=hint)
    return wanted


def _not_named(contract: Contract) -> Mistake:
    key = contract.row.key
    said = f"the key is {', '.join(key)}" if key else "contract.toml has no [row] key"
    return Mistake("--key", f"is a value without its column, and {said}")


def _all(height: int, *, value: bool) -> pl.Series:
    return pl.repeat(value, height, dtype=pl.Boolean(), eager=True)


def _mark(series: pl.Series, same: Same) -> pl.Series:
    values = series.unique().drop_nulls()
    matching = [value for value in values.to_list() if same(value)]
    if not matching:
        return _all(series.len(), value=False)
    return series.is_in(pl.Series(matching, dtype=series.dtype).implode()).fill_null(value=False)


def _compile_same(contract: Contract, name: str, wanted: str) -> Same:
    """Return whether a value is the wanted one: as text, as a number, or once both are cleaned."""
    clean = _compile_clean(contract, name)
    text, number, cleaned = wanted.strip(), _number(wanted), clean(wanted)

    def same(value: object) -> bool:
        if value is None:
            return False
        if str(value).strip() == text or (cleaned is not None and clean(value) == cleaned):
            return True
        return number is not None and not isinstance(value, bool) and _number(value) == number

    return same


def _compile_clean(contract: Contract, name: str) -> Callable[[object], object]:
    column = next((one for one in contract.columns if one.name == name), None)
    if column is None:
        return lambda _: None
    plain = _without_limits(column)
    alone = Contract(contract.row.without_key(), Target(column="_no_target", task="regression"), (plain,))
    told, typed = compile_row(alone, text=True), compile_row(alone, text=False)

    def clean(value: object) -> Any:
        return (told if isinstance(value, str) else typed)({name: value}).values[0]

    return clean


def _without_limits(column: Column) -> Column:
    """Return a column that refuses no value for being unusual: whose row it is does not depend on that."""
    return replace(
        column, hard=None, soft=None, values=(), unseen="bucket", required=False, missing="native", default=None
    )


def _number(value: object) -> float | int | None:
    """Return a number as exact as it is written: ids may be larger than a float can tell apart."""
    try:
        return int(str(value))
    except ValueError:
        pass
    try:
        return float(str(value))
    except ValueError:
        return None
