"""One column of a frame under the contract: values, the code of each bad one, and where each warning applies."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Final

import polars as pl

from trimtab.contract.fast import shortcut
from trimtab.contract.labels import read_label
from trimtab.contract.reading import Read, UnreadableError
from trimtab.contract.row import bounds, default_of, reader
from trimtab.nouns.contract import Column, Target

Treat = Callable[[pl.Series], "Treated"]
NO_CODE: Final = pl.lit(None, dtype=pl.String)
_value: Final = pl.col("value")
_sound: Final = pl.col("code").is_null()
_BEYOND: Final = object()
"""Stands for a time beyond the year 9999, for which Python has no object."""


@dataclass(frozen=True, slots=True)
class Treated:
    """A treated column, or a rule's verdicts. `codes` is null where all is in order; `warnings` are (kind, mask)."""

    name: str
    values: pl.Series
    codes: pl.Series
    warnings: tuple[tuple[str, pl.Series], ...] = ()


def compile_column(column: Column, *, text: bool, time_zone: str) -> Treat:
    """Return the treatment of a column: shortcut, readers for the rest, then presence, range and category.

    Raises `ConfigError` where the column's rules make no sense.
    """
    read = reader(column, text=text, time_zone=time_zone)
    default = default_of(column)

    def treat(raw: pl.Series) -> Treated:
        raw = plain_column(raw)
        certain = shortcut(raw, column, text=text, time_zone=time_zone)
        table = _read_all(raw, certain, read)
        values = table.get_column("value")
        checks = _codes_of(column, values)
        if checks:
            table = table.with_columns(code=pl.coalesce([pl.when(~_sound).then(pl.col("code")), *checks]))
        kinds = _warnings_of(column, values, repaired=not text and raw.dtype in {pl.String(), pl.Boolean()})
        masks = table.select(**kinds) if kinds else pl.DataFrame()
        warnings = tuple((kind, masks.get_column(kind)) for kind in kinds if masks.get_column(kind).any())
        fill = _value if default is None else _value.fill_null(pl.lit(default, dtype=values.dtype))
        filled = table.select(fill).to_series()
        return Treated(column.name, filled, table.get_column("code"), warnings)

    return treat


def compile_target(target: Target) -> Treat:
    """Return the treatment of the label: canonical texts (regression: numbers), null where not labelled yet."""
    read = read_label(target)
    dtype = pl.Float64() if target.task == "regression" else pl.String()

    def treat(raw: pl.Series) -> Treated:
        raw = plain_column(raw)
        table = _read_all(raw, pl.repeat(None, raw.len(), dtype=pl.String(), eager=True), read)
        return Treated(target.column, table.get_column("value").cast(dtype), table.get_column("code"))

    return treat


def plain_column(raw: pl.Series) -> pl.Series:
    """Return a column in a type whose values the readers know: dictionary texts as texts, times in microseconds."""
    if isinstance(raw.dtype, (pl.Categorical, pl.Enum)):
        return raw.cast(pl.String)
    if isinstance(raw.dtype, pl.Datetime):
        return raw.cast(pl.Datetime("us", raw.dtype.time_zone))
    return raw


def _read_all(raw: pl.Series, certain: pl.Series, read: Read) -> pl.DataFrame:
    """Return columns `value` and `code`: the certain values, and for all others what the reader says of each."""
    if raw.null_count() == certain.null_count():
        return pl.DataFrame([certain.alias("value"), no_codes(raw.len())])
    rest = raw.is_not_null() & certain.is_null()
    table = pl.DataFrame([raw.alias("raw"), certain.alias("certain"), rest.alias("rest")])
    if raw.dtype.is_nested() or raw.dtype == pl.Object():
        refused = pl.when("rest").then(pl.lit("wrong_type")).otherwise(NO_CODE)
        return table.select(pl.col("certain").alias("value"), refused.alias("code"))
    keys = _keys(raw)
    answers = _answers(keys.filter(rest).unique(), read, certain.dtype)
    joined = table.drop("raw").hstack(keys).join(answers, on=keys.columns, how="left", maintain_order="left")
    return joined.select(pl.coalesce("certain", "value").alias("value"), "code")


def no_codes(height: int) -> pl.Series:
    """Return the codes of a column that is wholly in order. They are of type Null, which costs nothing."""
    return pl.repeat(None, height, dtype=pl.Null(), eager=True).alias("code")


def _keys(raw: pl.Series) -> pl.DataFrame:
    """Return the columns by which equal values are found. NaN stands apart: Polars 2.1 joins none in one row."""
    keys = raw.alias("raw").to_frame()
    return keys.select(pl.col("raw").fill_nan(0.0), nan=pl.col("raw").is_nan()) if raw.dtype.is_float() else keys


def _answers(keys: pl.DataFrame, read: Read, dtype: pl.DataType) -> pl.DataFrame:
    """Return the distinct keys with the columns value and code: what the reader says of each."""
    values: list[object] = []
    codes: list[str | None] = []
    for item in _objects(keys):
        try:
            values.append(read(item))
            codes.append(None)
        except UnreadableError as wrong:
            values.append(None)
            codes.append("bad_time" if item is _BEYOND else wrong.code)
    return keys.with_columns(pl.Series("value", values, dtype=dtype), pl.Series("code", codes, dtype=pl.String))


def _objects(keys: pl.DataFrame) -> list[object]:
    """Return the keys as Python objects, times that Python cannot hold as `_BEYOND`."""
    distinct = keys.get_column("raw")
    if "nan" in keys.columns:
        distinct = keys.select(pl.when("nan").then(pl.lit(float("nan"))).otherwise("raw")).to_series()
    try:
        return distinct.to_list()
    except (ValueError, OverflowError):
        return [_object_at(distinct, index) for index in range(distinct.len())]


def _object_at(distinct: pl.Series, index: int) -> object:
    try:
        return distinct[index]
    except (ValueError, OverflowError):
        return _BEYOND


def _codes_of(column: Column, values: pl.Series) -> list[pl.Expr]:
    """Return the checks of cleaned values that any of them could fail, each giving its code where one does."""
    checks: list[pl.Expr] = []
    if column.required and values.null_count():
        checks.append(pl.when(_value.is_null()).then(pl.lit("missing")))
    if column.hard and _leaves(column, column.hard, values):
        checks.append(pl.when(_outside(column, column.hard)).then(pl.lit("hard_range")))
    if column.type == "category" and column.values and column.unseen == "reject":
        checks.append(pl.when(_unseen(column)).then(pl.lit("unseen")))
    return checks


def _warnings_of(column: Column, values: pl.Series, *, repaired: bool) -> dict[str, pl.Expr]:
    """Return where each warning that may occur applies, in the order in which the row side gives them."""
    kinds: dict[str, pl.Expr] = {}
    if column.role == "feature" and not column.required and values.null_count():
        kinds["imputed"] = _value.is_null() & _sound
    if column.type in {"number", "integer"} and repaired:
        kinds["repaired"] = _value.is_not_null() & _sound
    if column.soft and _leaves(column, column.soft, values):
        kinds["soft_range"] = _outside(column, column.soft) & _sound
    if column.type == "category" and column.values and column.unseen == "bucket":
        kinds["unseen"] = _unseen(column) & _sound
    return kinds


def _unseen(column: Column) -> pl.Expr:
    return _value.is_not_null() & ~_value.is_in(column.values)


def _leaves(column: Column, limits: tuple[float, float], values: pl.Series) -> bool:
    """Return whether any value lies outside a range: mostly none does, and then no mask is made."""
    if column.type not in {"number", "integer"}:
        return False
    low, high = bounds(column, limits)
    least, most = values.min(), values.max()
    return least is not None and not (low <= least and most <= high)  # type: ignore[operator]  # they are numbers


def _outside(column: Column, limits: tuple[float, float]) -> pl.Expr:
    low, high = bounds(column, limits)
    below = _value < low if isfinite(low) else pl.lit(low > 0)
    above = _value > high if isfinite(high) else pl.lit(high < 0)
    return _value.is_not_null() & (below | above)
