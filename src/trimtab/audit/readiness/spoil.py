"""A valid row spoiled on purpose, once for each rule of the Contract that one column can break."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from trimtab.contract.row import bounds
from trimtab.nouns import Column, Contract

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A row with one field that cannot be accepted, and what is wrong with it."""

    field: str
    wrong: str
    row: Row


def spoil_row(contract: Contract, row: Row) -> tuple[Spoiled, ...]:
    """Return the row spoiled in every way that its columns' rules forbid. Conditions over several columns stay kept."""
    return tuple(
        Spoiled(column.name, wrong, _with(row, column.name, value))
        for column in contract.columns
        for wrong, value in _forbidden(column)
    )


ABSENT = object()


def _with(row: Row, name: str, value: object) -> Row:
    rest = {key: one for key, one in row.items() if key != name}
    return rest if value is ABSENT else {**rest, name: value}


def _forbidden(column: Column) -> Iterator[tuple[str, object]]:
    if column.required:
        yield "missing", ABSENT
        yield "null", None
    if column.pii:
        return
    yield "a list", ["x"]
    if column.type in {"number", "integer"}:
        yield "a text", "no number at all"
        low, high = bounds(column, column.hard)
        if isfinite(low):
            yield "below its hard range", low - max(1.0, abs(low))
        if isfinite(high):
            yield "above its hard range", high + max(1.0, abs(high))
    if column.type in {"time", "date"}:
        yield "no time", "some time ago"
    if column.type == "category" and column.values and column.unseen == "reject":
        yield "a category that is refused", "never seen in training"
