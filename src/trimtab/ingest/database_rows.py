"""Rows of a database as the frame of a chunk: numbered, with their place, and the ones that cannot be kept apart."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from trimtab.ingest.base import Rejected
from trimtab.ingest.table import TableForm
from trimtab.ingest.values import build_column, show_row

MAX_OFFSET = 200
MAX_SHOWN = 1000

Values = tuple[Any, ...]


class RowFrames:
    """Makes frames of rows; `next_row` is the number that the next row gets."""

    def __init__(self, form: TableForm, origin: str, next_row: int) -> None:
        self._form = form
        self._origin = origin
        self._names = tuple(form.kinds)
        self._key_at = [self._names.index(name) for name in form.key]
        self.next_row = next_row

    def key_of(self, row: Values) -> Values:
        """Return the values of the key's columns."""
        return tuple(row[at] for at in self._key_at)

    def build(self, rows: Sequence[Values]) -> tuple[pl.DataFrame, tuple[Rejected, ...]]:
        """Return the rows that fit their columns as a frame with `_row` and `_offset`, and the others with reasons."""
        frame, reasons = self._build_columns(rows)
        offsets = pl.Series("_offset", [self._offset(row) for row in rows], dtype=pl.String)
        rejected = tuple(
            Rejected(offsets[number], show_row(self._names, rows[number])[:MAX_SHOWN], reason)
            for number, reason in sorted(reasons.items())
        )
        good = [number for number in range(len(rows)) if number not in reasons]
        frame = frame.with_columns(offsets)[good] if reasons else frame.with_columns(offsets)
        numbers = pl.Series("_row", range(self.next_row, self.next_row + frame.height), dtype=pl.Int64)
        self.next_row += frame.height
        return frame.insert_column(frame.width - 1, numbers), rejected

    def _build_columns(self, rows: Sequence[Values]) -> tuple[pl.DataFrame, dict[int, str]]:
        """Return all rows as a frame, and the first reason against each row that cannot be kept."""
        reasons: dict[int, str] = {}
        columns = []
        for name, values in zip(self._names, zip(*rows, strict=True) if rows else [()] * len(self._names), strict=True):
            column, wrong = build_column(name, values, self._form.kinds[name])
            if name in self._form.key:
                lacking = {at: f"column {name}: the key is missing" for at, one in enumerate(values) if one is None}
                wrong = {**wrong, **lacking}
            columns.append(column)
            reasons = {**wrong, **reasons}
        return pl.DataFrame(columns), reasons

    def _offset(self, row: Values) -> str:
        key = "|".join("" if part is None else str(part) for part in self.key_of(row))
        return f"{self._origin}:{key}"[:MAX_OFFSET]
