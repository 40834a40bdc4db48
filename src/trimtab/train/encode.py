"""Cleaned rows as numbers: the same numbers, bit for bit, for a whole frame and for one row.

Imports NumPy only, because a serving worker imports it. Frames are Polars frames; only their methods are used.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from trimtab.errors import DataError, Mistake, VersionError
from trimtab.metrics.bins import round_outwards
from trimtab.nouns import Column, Contract, canonical
from trimtab.train.blocks import Block, Form, LookupBlock, NumberBlock, read_block

RowEncoder = Callable[[Sequence[Any]], list[float]]

_TIME_PARTS = {
    ("time", "codes"): ("hour", "weekday", "month", "day_of_year"),
    ("date", "codes"): ("weekday", "month", "day_of_year"),
    ("time", "one_hot"): ("hour", "weekday", "month"),
    ("date", "one_hot"): ("weekday", "month"),
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """How the feature columns of a Contract become a float64 matrix; learnt from rows, kept as JSON.

    A category's code is its place in the contract's `values`; every unseen one shares the code after them. A null is
    NaN in the form "codes", or the mean of the fitted rows where these held no null: trees that never met a missing
    value would read it as zero.
    """

    form: Form
    blocks: tuple[Block, ...]
    codes: int = 0
    """In the form "both": how many columns of the matrix, the first ones, are those of the form "codes"."""

    @classmethod
    def fit(cls, contract: Contract, frame: Any, *, form: Form = "codes") -> Self:
        """Return the Encoder of a contract's features with the statistics of a clean frame.

        Raises DataError for text features, which no family can use, naming all of them.
        """
        check_features(contract)
        if form == "both":
            return cls.fit(contract, frame, form="codes").join(cls.fit(contract, frame, form="one_hot"))
        blocks: list[Block] = []
        for position, column in enumerate(contract.columns):
            if column.role == "feature":
                blocks += _learn_blocks(column, position, frame.get_column(column.name), form)
        return cls(form, tuple(blocks))

    def join(self, line: Self) -> Self:
        """Return the Encoder of the form "both": this one's columns, and behind them those of the form "one_hot"."""
        return replace(self, form="both", blocks=(*self.blocks, *line.blocks), codes=len(self.names))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the Encoder that `to_json` wrote. Raises VersionError where the text is none."""
        try:
            plain = json.loads(text)
            if plain["format"] != 1:
                raise VersionError(f"encoder.json has format {plain['format']!r}; this trimtab reads 1.")
            return cls(plain["form"], tuple(read_block(block) for block in plain["blocks"]), plain.get("codes", 0))
        except (ValueError, KeyError, TypeError) as error:
            raise VersionError(f"encoder.json cannot be read: {error}") from error

    def to_json(self) -> str:
        """Return the Encoder as canonical JSON; floats keep every bit."""
        codes = {"codes": self.codes} if self.codes else {}
        blocks = [block.to_plain() for block in self.blocks]
        return canonical({"format": 1, "form": self.form, "blocks": blocks, **codes})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix's columns."""
        return tuple(name for block in self.blocks for name in block.names)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Matrix columns that hold codes of three or more category values, without order."""
        places = [_is_category(block) for block in self.blocks for _ in block.names]
        return tuple(slot for slot, unordered in enumerate(places) if unordered)

    def encode_frame(self, frame: Any) -> np.ndarray:
        """Return the matrix of a clean frame: float64, (rows, names), C-contiguous."""
        matrix = np.empty((len(frame), len(self.names)), dtype=np.float64)
        start = 0
        for block in self.blocks:
            stop = start + len(block.names)
            matrix[:, start:stop] = block.encode(frame.get_column(block.column))
            start = stop
        return matrix

    def compile_row(self) -> RowEncoder:
        """Return the function that encodes one row, given as cleaned values in the order of the contract's columns."""
        readers = [(block.position, block.reader()) for block in self.blocks]

        def encode(values: Sequence[Any]) -> list[float]:
            numbers: list[float] = []
            for position, read in readers:
                numbers += read(values[position])
            return numbers

        return encode


def _is_category(block: Block) -> bool:
    return isinstance(block, LookupBlock) and block.form == "codes" and block.part == "value" and len(block.values) > 2


def check_features(contract: Contract) -> None:
    """Raise DataError where text columns are features, naming all of them: no family can use them."""
    texts = [column.name for column in contract.features if column.type == "text"]
    if texts:
        raise DataError(
            "Text columns cannot be features.",
            hint='in contract.toml set role = "ignore", or type = "category" with its values',
            mistakes=[Mistake(f"columns.{name}", 'type = "text" with role = "feature"') for name in texts],
        )


def _learn_blocks(column: Column, position: int, series: Any, form: Form) -> list[Block]:
    if column.type == "category":
        values = tuple(dict.fromkeys(column.values)) or tuple(sorted(series.drop_nulls().unique().to_list()))
        return [LookupBlock(column.name, position, "value", values, form, math.nan)]
    if column.type in {"time", "date"}:
        return [_learn_part(column, position, part, series, form) for part in _TIME_PARTS[column.type, form]]
    return [_learn_number(column, position, series, form)]


def _learn_number(column: Column, position: int, series: Any, form: Form) -> NumberBlock:
    numbers = series.drop_nulls().cast(float).to_numpy()
    centre, spread = _centre(numbers)
    nulls = series.null_count() > 0
    if form == "one_hot":
        bounds = _find_bounds((numbers - centre) / spread)
        return NumberBlock(column.name, position, centre, spread, 0.0, indicator=nulls, bounds=bounds)
    fill = math.nan if nulls else centre
    return NumberBlock(column.name, position, 0.0, 1.0, fill, indicator=False)


def _find_bounds(numbers: np.ndarray) -> tuple[float, float] | None:
    """Return the range of the fitted numbers, rounded outwards: it must tell no number that only one row has."""
    if not len(numbers):
        return None
    return round_outwards(float(numbers.min()), up=False), round_outwards(float(numbers.max()), up=True)


def _learn_part(column: Column, position: int, part: str, series: Any, form: Form) -> LookupBlock:
    bare = LookupBlock(column.name, position, part, (), form, math.nan)
    if form == "one_hot" or series.null_count() > 0 or not len(series):
        return bare
    return LookupBlock(column.name, position, part, (), form, float(bare.encode(series).mean()))


def _centre(numbers: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation, (0, 1) of nothing; scaled first, so that large numbers do not overflow."""
    largest = float(np.abs(numbers).max(initial=0.0))
    if largest == 0.0:
        return 0.0, 1.0
    shares = numbers / largest
    spread = float(shares.std())
    scale = spread * largest
    # Rounding alone spreads a constant a little, and the smallest floats divide to infinity.
    return float(shares.mean()) * largest, scale if spread > 1e-9 and scale > 1e-300 else 1.0
