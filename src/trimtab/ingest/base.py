"""The role Source, and what every source hands over: chunks of raw rows with the position behind them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from trimtab.errors import DataError, Mistake

RESERVED = ("_row", "_offset", "_arrived_at", "_source", "_event_at", "_label", "_warnings")
"""Names that trimtab adds to rows; a source's own column may not be called so."""

MAX_COLUMNS = 2000
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Rejected:
    """One piece of a source that is no row: where it stands, what it says (cut), and why it was not taken."""

    offset: str
    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows in the order of the source, and the position to come back with.

    `frame` holds the source's own columns, then `_row` (Int64) and `_offset` (String). `position` is plain JSON: stored
    together with the rows, it makes the next read begin behind them. `note` is a sentence for people, mostly empty;
    `again` says that rows which were given before may be among those that follow.
    """

    frame: pl.DataFrame
    position: dict[str, Any]
    rejected: tuple[Rejected, ...] = ()
    note: str = ""
    again: bool = False


class Source(Protocol):
    """Where raw rows come from. One file per kind of source; `plugins` knows their names."""

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new since a position; None means from the beginning."""
        ...

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        ...


def check_names(names: Sequence[str], where: str) -> None:
    """Raise DataError with every column name that cannot be used: reserved, repeated or overlong."""
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{where} has {len(names)} columns; the limit is {MAX_COLUMNS}.", hint="keep those you need")
    mistakes = [Mistake(_shown(name), what) for name, what in _wrong_names(names)]
    if mistakes:
        raise DataError(f"{where} has column names that cannot be used:", hint="rename them", mistakes=mistakes)


def _wrong_names(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, times in Counter(names).items():
        if times > 1:
            yield name, f"stands {times} times in the header"
        if name in RESERVED:
            yield name, "is a name that trimtab adds to rows itself"
        if len(name) > MAX_NAME:
            yield name, f"is {len(name)} characters long; the limit is {MAX_NAME}"


def _shown(name: str) -> str:
    return f"column '{name[:64]}'".replace("\n", "\\n").replace("\r", "\\r")
