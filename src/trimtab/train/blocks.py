"""How one column becomes numbers. Each block says it twice, for a whole series and for one value, from one table."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import numpy as np

Form = Literal["codes", "one_hot", "both"]
"""`codes`: one number a column, for trees. `one_hot`: standardised numbers and indicators, for linear models. `both`:
the first, and behind it the second."""

Numbers = tuple[float, ...]
Reader = Callable[[Any], Numbers]

PARTS: Mapping[str, int] = {"hour": 24, "weekday": 7, "month": 12, "day_of_year": 366}
"""Parts of a time, all counted from 0 in UTC, with the number of their values. Weekday 0 is Monday."""


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """A number, integer or boolean as (value - shift) / scale; null as `fill`, told apart by an indicator if asked.

    With `bounds` the result is held between them: a line that was fitted there would go on for ever.
    """

    column: str
    position: int
    shift: float
    scale: float
    fill: float
    indicator: bool
    bounds: tuple[float, float] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers that this block gives."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    def encode(self, series: Any) -> np.ndarray:
        """Return the numbers of a Polars series: float64, (rows, names)."""
        missing = series.is_null().to_numpy()
        # What overflows is infinite here as in `reader`; whether the answer to it is finite, the caller judges.
        with np.errstate(over="ignore"):
            numbers = (series.cast(float).fill_null(0.0).to_numpy() - self.shift) / self.scale
        numbers = numbers if self.bounds is None else np.clip(numbers, *self.bounds)
        numbers = np.where(missing, self.fill, numbers)
        return np.column_stack((numbers, missing)) if self.indicator else numbers[:, None]

    def reader(self) -> Reader:
        """Return the function that gives the numbers of one value, bit-equal to `encode`."""
        shift, scale, fill = self.shift, self.scale, self.fill
        low, high = self.bounds or (-math.inf, math.inf)

        def read(value: Any) -> Numbers:
            if value is None:
                return (fill,)
            number = (value - shift) / scale
            if number < low:
                return (low,)
            return (high,) if number > high else (number,)

        return (lambda value: (*read(value), float(value is None))) if self.indicator else read

    def to_plain(self) -> dict[str, Any]:
        """Return the block as JSON values; a fill of NaN becomes null."""
        return {
            "kind": "number",
            "column": self.column,
            "position": self.position,
            "shift": self.shift,
            "scale": self.scale,
            "fill": None if math.isnan(self.fill) else self.fill,
            "indicator": self.indicator,
            **({} if self.bounds is None else {"bounds": list(self.bounds)}),
        }


@dataclass(frozen=True, slots=True)
class LookupBlock:
    """A category, or one part of a time, as a row of a table: one row for each value, then unseen, then null.

    `part` is "value" for a category and otherwise a name of PARTS. `missing` is the code of null in the form "codes".
    """

    column: str
    position: int
    part: str
    values: tuple[str, ...]
    form: Form
    missing: float

    @property
    def known(self) -> int:
        """How many codes there are besides null; the unseen bucket of a category is the last of them."""
        return len(self.values) + 1 if self.part == "value" else PARTS[self.part]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers that this block gives."""
        title = self.column if self.part == "value" else f"{self.column} {self.part.replace('_', ' ')}"
        if self.form == "codes":
            return (title,)
        codes = (*self.values, "unseen") if self.part == "value" else tuple(map(str, range(self.known)))
        return tuple(f"{title} = {code}" for code in (*codes, "missing"))

    @property
    def table(self) -> tuple[Numbers, ...]:
        """The numbers of every code; the last row is null's."""
        if self.form == "codes":
            return (*((float(code),) for code in range(self.known)), (self.missing,))
        return tuple(tuple(float(row == slot) for slot in range(self.known + 1)) for row in range(self.known + 1))

    def encode(self, series: Any) -> np.ndarray:
        """Return the numbers of a Polars series: float64, (rows, names)."""
        codes = _value_codes(series, self.values) if self.part == "value" else _part_codes(series, self.part)
        codes[series.is_null().to_numpy()] = self.known
        numbers: np.ndarray = np.array(self.table, dtype=np.float64)[codes]
        return numbers

    def reader(self) -> Reader:
        """Return the function that gives the numbers of one value, bit-equal to `encode`."""
        table, empty = self.table, self.table[-1]
        if self.part == "value":
            rows: dict[str | None, Numbers] = dict(zip(self.values, table, strict=False))
            rows[None] = empty
            unseen = table[-2]
            return lambda value: rows.get(value, unseen)
        find = _PART_OF[self.part]
        return lambda value: empty if value is None else table[find(_in_utc(value))]

    def to_plain(self) -> dict[str, Any]:
        """Return the block as JSON values; a code of NaN becomes null."""
        return {
            "kind": "lookup",
            "column": self.column,
            "position": self.position,
            "part": self.part,
            "values": list(self.values),
            "form": self.form,
            "missing": None if math.isnan(self.missing) else self.missing,
        }


Block = NumberBlock | LookupBlock


def read_block(plain: Mapping[str, Any]) -> Block:
    """Return the block that `to_plain` wrote."""
    given = {name: value for name, value in plain.items() if name != "kind"}
    if plain["kind"] == "number":
        low, high = given.get("bounds", (None, None))
        bounds = None if low is None else (float(low), float(high))
        return NumberBlock(**{**given, "fill": _read_number(given["fill"]), "bounds": bounds})
    if plain["kind"] == "lookup":
        return LookupBlock(**{**given, "values": tuple(given["values"]), "missing": _read_number(given["missing"])})
    raise ValueError(f"a block of kind '{plain['kind']}' is not known")


def _read_number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _value_codes(series: Any, values: tuple[str, ...]) -> np.ndarray:
    if not values or series.null_count() == len(series):
        return np.full(len(series), len(values), dtype=np.int64)
    codes = series.replace_strict(list(values), list(range(len(values))), default=len(values))
    return np.array(codes.fill_null(0).to_numpy(), dtype=np.int64)


def _part_codes(series: Any, part: str) -> np.ndarray:
    name, first = _POLARS_PART[part]
    found = getattr(series.dt, name)() if series.null_count() < len(series) else series.cast(int)
    return np.array(found.fill_null(first).to_numpy(), dtype=np.int64) - first


def _in_utc(moment: datetime | date) -> datetime | date:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


_POLARS_PART = {
    "hour": ("hour", 0),
    "weekday": ("weekday", 1),
    "month": ("month", 1),
    "day_of_year": ("ordinal_day", 1),
}
_PART_OF: Mapping[str, Callable[[Any], int]] = {
    "hour": lambda moment: moment.hour,
    "weekday": lambda moment: moment.weekday(),
    "month": lambda moment: moment.month - 1,
    "day_of_year": lambda moment: moment.timetuple().tm_yday - 1,
}
