"""Ten faults to try a monitor with, made in a copy of a stream: rows in the order of time, from one row on.

    unit_change          a number is multiplied by `strength` (10)
    null_storm           a share `strength` (0.8) of a column is empty
    category_explosion   a share `strength` (0.5) of a category gets values that nobody has seen, nearly all different
    label_flip           a share `strength` (0.5) of the labels is another class; a number is mirrored at the median
    slow_drift           a number rises evenly, at the end by `strength` (2) standard deviations
    season               a number swings by `strength` (1.5) standard deviations, four times
    feed_stop            the first `strength` (0.25) of the rows never came; with a column: it keeps its last value
    duplicate_feed       a share `strength` (1.0) of the rows comes twice
    base_rate_change     the odds of the rarer class are multiplied by `strength` (3), rows of others being left out; a
                         number is raised by so many standard deviations
    label_delay          labels are known `strength` (30) days later; where no column tells when: a share of `strength`
                         (at most 1, all) has not come

Same rows, same seed, same fault. Columns of text, as from a CSV file, stay text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab.errors import DataError, UsageError, nearest

FaultKind = Literal[
    "unit_change",
    "null_storm",
    "category_explosion",
    "label_flip",
    "slow_drift",
    "season",
    "feed_stop",
    "duplicate_feed",
    "base_rate_change",
    "label_delay",
]
KINDS: tuple[str, ...] = get_args(FaultKind)
STRENGTHS: Mapping[str, float] = dict(zip(KINDS, (10.0, 0.8, 0.5, 0.5, 2.0, 1.5, 0.25, 1.0, 3.0, 30.0), strict=True))
SHARES = frozenset({"null_storm", "category_explosion", "label_flip", "feed_stop", "duplicate_feed"})
OF_NUMBERS = frozenset({"unit_change", "slow_drift", "season"})
OF_LABELS = frozenset({"label_flip", "base_rate_change", "label_delay"})
MOST_CLASSES = 20
SWINGS = 4

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong, and where: in the rows [start, end); an `end` of 0 is behind the last row.

    A `strength` of 0 is the usual one of its kind. `column` is chosen where it is empty: the number, or the category,
    with the most values, an identifier only where there is nothing else. `target` is the label, `known_at` the column
    that says when a label was known; columns in `spared` are never chosen.
    """

    kind: str
    start: int
    end: int = 0
    column: str = ""
    strength: float = 0.0
    target: str = ""
    known_at: str = ""
    spared: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Planted:
    """The rows with the fault in them, its column, how strong it is, how many rows it touched, and what was done."""

    rows: pl.DataFrame
    column: str
    strength: float
    touched: int
    said: str


def plant_fault(rows: pl.DataFrame, fault: Fault) -> Planted:
    """Return a copy of rows in order of time with a fault in it.

    Raises UsageError for an unknown kind, column, place or seed, DataError without rows or a column of that sort.
    """
    if fault.kind not in KINDS:
        hint = f"there are {', '.join(KINDS)}"
        raise UsageError(f"There is no fault '{fault.kind[:40]}'{nearest(fault.kind, KINDS) or '.'}", hint=hint)
    if not rows.height:
        raise DataError("There are no rows to make a fault in.", hint="give a file with rows")
    if fault.seed < 0:
        raise UsageError(f"A seed of {fault.seed} is below 0.", hint="give --seed 0 or more")
    end = min(fault.end, rows.height) or rows.height
    if not 0 <= fault.start < end:
        said = f"The fault would begin at row {fault.start:,} and end at {end:,}; there are {rows.height:,}."
        raise UsageError(said, hint="begin at 0 or later, and before the end")
    strength = fault.strength or STRENGTHS[fault.kind]
    if strength <= 0.0 or (fault.kind in SHARES and strength > 1.0):
        raise UsageError(f"A strength of {strength:g} makes no sense for {fault.kind}.", hint="see --help")
    plan = replace(fault, end=end, strength=strength, column=_choose_column(rows, fault))
    chance = np.random.default_rng(fault.seed)
    return _PLANT[fault.kind](rows, plan, _stretch(rows, plan), chance)


def _choose_column(rows: pl.DataFrame, fault: Fault) -> str:
    """Return the column that is meant, or the one of the right sort with the most values."""
    if fault.kind in OF_LABELS and not (fault.known_at or fault.target):
        raise UsageError(f"{fault.kind} is made in the label, and no column is named.", hint="give --target COLUMN")
    if fault.kind in OF_LABELS:
        return _require(rows, fault.known_at or fault.target, "--target COLUMN names the label")
    if fault.column or fault.kind in {"feed_stop", "duplicate_feed"}:
        return _require(rows, fault.column, "name a column of the file") if fault.column else ""
    held = {*fault.spared, fault.target, fault.known_at}
    fit = _is_number if fault.kind in OF_NUMBERS else _is_category if fault.kind == "category_explosion" else _is_plain
    found = [column for column in rows.get_columns() if column.name not in held and fit(column)]
    if not found:
        sort = "numbers" if fault.kind in OF_NUMBERS else "categories"
        raise DataError(f"No column holds {sort}, as {fault.kind} needs.", hint="choose another fault, or --column")
    return max(found, key=lambda column: (not _is_identifier(column), column.n_unique())).name


def _require(rows: pl.DataFrame, name: str, hint: str) -> str:
    if name not in rows.columns:
        raise UsageError(f"There is no column '{name}'{nearest(name, rows.columns) or '.'}", hint=hint)
    return name


def _numbers(column: pl.Series) -> Numbers:
    """Return a column as numbers, NaN where there is none."""
    return column.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)


def _is_plain(column: pl.Series) -> bool:
    return not column.dtype.is_temporal()


def _is_number(column: pl.Series) -> bool:
    """Whether a column holds at least five different numbers; text counts where it reads as numbers."""
    if column.dtype.is_numeric():
        return column.n_unique() >= 5
    if column.dtype != pl.String:
        return False
    known = column.drop_nulls()
    read = _numbers(known.filter(known != ""))
    return read.size > 0 and bool(np.isfinite(read).mean() > 0.95) and known.n_unique() >= 5


def _is_category(column: pl.Series) -> bool:
    few = 2 <= column.n_unique() <= max(2, min(200, len(column) // 10))
    return column.dtype == pl.String and not _is_number(column) and few


def _is_identifier(column: pl.Series) -> bool:
    """Whether every value is another one, as of a key; numbers with a fraction are measured, whatever they are."""
    if column.n_unique() < len(column):
        return False
    values = _numbers(column) if _is_number(column) else np.zeros(0)
    known = values[np.isfinite(values)]
    return bool((known == np.round(known)).all())


def _stretch(rows: pl.DataFrame, plan: Fault) -> Mask:
    """Return which rows lie in [start, end)."""
    places = np.arange(rows.height)
    found: Mask = (places >= plan.start) & (places < plan.end)
    return found


def _draw(stretch: Mask, share: float, chance: np.random.Generator) -> Mask:
    """Return a share of the stretch."""
    drawn: Mask = stretch & (chance.random(stretch.size) < share)
    return drawn


def _put(rows: pl.DataFrame, name: str, values: Numbers, where: Mask) -> pl.DataFrame:
    """Return the rows with other numbers in some places of a column; whole numbers stay whole, text stays text."""
    column, known = rows[name], where & np.isfinite(values)
    if column.dtype.is_float():
        found = pl.Series(name, np.where(known, values, _numbers(column)), column.dtype, nan_to_null=True)
    elif column.dtype.is_integer():
        found = pl.Series(
            name, [round(new) if one else old for one, new, old in zip(known, values, column, strict=True)]
        )
    else:
        whole = not column.str.contains(r"[.eE]").any()
        texts = [str(round(one)) if whole else f"{one:.10g}" for one in values[known].tolist()]
        found = column.scatter(np.flatnonzero(known).tolist(), texts) if texts else column
    return rows.with_columns(found.alias(name))


def _empty(rows: pl.DataFrame, name: str, where: Mask) -> pl.DataFrame:
    return rows.with_columns(pl.when(pl.Series(where)).then(None).otherwise(pl.col(name)).alias(name))


def _told(rows: pl.DataFrame, plan: Fault, where: Mask, said: str) -> Planted:
    return Planted(rows, plan.column, plan.strength, int(where.sum()), said)


def _spread(values: Numbers, plan: Fault) -> float:
    """Return the standard deviation of the numbers before the fault, or of all where it begins with the first row."""
    before = values[: plan.start] if plan.start > 1 else values
    found = float(np.nanstd(before)) if np.isfinite(before).any() else 0.0
    return found or 1.0


def _change_unit(rows: pl.DataFrame, plan: Fault, stretch: Mask, _: np.random.Generator) -> Planted:
    changed = _put(rows, plan.column, _numbers(rows[plan.column]) * plan.strength, stretch)
    return _told(changed, plan, stretch, f"'{plan.column}' is multiplied by {plan.strength:g}")


def _empty_column(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    where = _draw(stretch, plan.strength, chance)
    return _told(_empty(rows, plan.column, where), plan, where, f"{plan.strength:.0%} of '{plan.column}' is empty")


def _explode(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    where = _draw(stretch, plan.strength, chance)
    fresh = pl.Series([f"{plan.column}-{number:07d}" for number in chance.integers(0, 10**7, rows.height).tolist()])
    column = pl.when(pl.Series(where)).then(fresh).otherwise(pl.col(plan.column).cast(pl.String)).alias(plan.column)
    said = f"{plan.strength:.0%} of '{plan.column}' has values that never occurred before"
    return _told(rows.with_columns(column), plan, where, said)


def _flip_labels(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    label, where = rows[plan.column], _draw(stretch, plan.strength, chance)
    if _is_number(label) and label.n_unique() > MOST_CLASSES:
        values = _numbers(label)
        mirrored = _put(rows, plan.column, 2.0 * float(np.nanmedian(values)) - values, where)
        return _told(mirrored, plan, where, f"{plan.strength:.0%} of '{plan.column}' is mirrored at its median")
    classes = label.drop_nulls().unique().sort().to_list()
    following = dict(zip(classes, [*classes[1:], classes[0]], strict=True))
    flipped = label.replace_strict(following, default=None, return_dtype=label.dtype)
    column = pl.when(pl.Series(where)).then(flipped).otherwise(label).alias(plan.column)
    return _told(rows.with_columns(column), plan, where, f"{plan.strength:.0%} of '{plan.column}' is another class")


def _drift_slowly(rows: pl.DataFrame, plan: Fault, stretch: Mask, _: np.random.Generator) -> Planted:
    values = _numbers(rows[plan.column])
    way = (np.arange(rows.height) - plan.start) / max(plan.end - plan.start, 1)
    drifted = _put(rows, plan.column, values + plan.strength * _spread(values, plan) * way, stretch)
    return _told(drifted, plan, stretch, f"'{plan.column}' rises evenly by {plan.strength:g} standard deviations")


def _swing(rows: pl.DataFrame, plan: Fault, stretch: Mask, _: np.random.Generator) -> Planted:
    values = _numbers(rows[plan.column])
    way = (np.arange(rows.height) - plan.start) / max(plan.end - plan.start, 1)
    swing = plan.strength * _spread(values, plan) * np.sin(2.0 * np.pi * SWINGS * way)
    said = f"'{plan.column}' swings by {plan.strength:g} standard deviations, {SWINGS} times"
    return _told(_put(rows, plan.column, values + swing, stretch), plan, stretch, said)


def _stop_feed(rows: pl.DataFrame, plan: Fault, stretch: Mask, _: np.random.Generator) -> Planted:
    if plan.column:
        last = rows[plan.column][max(plan.start - 1, 0)]
        kind = rows.schema[plan.column]
        column = pl.when(pl.Series(stretch)).then(pl.lit(last, kind)).otherwise(pl.col(plan.column)).alias(plan.column)
        return _told(rows.with_columns(column), plan, stretch, f"'{plan.column}' keeps its last value")
    length = round(plan.strength * int(stretch.sum()))
    gone = stretch & (np.arange(rows.height) < plan.start + length)
    return _told(rows.filter(pl.Series(~gone)), plan, gone, f"{length:,} rows in a row never came")


def _repeat(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    where = _draw(stretch, plan.strength, chance)
    twice = rows[np.repeat(np.arange(rows.height), np.where(where, 2, 1)).tolist()]
    return _told(twice, plan, where, f"{plan.strength:.0%} of the rows come twice")


def _change_base_rate(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    label = rows[plan.column]
    if _is_number(label) and label.n_unique() > MOST_CLASSES:
        values = _numbers(label)
        raised = _put(rows, plan.column, values + plan.strength * _spread(values, plan), stretch)
        return _told(raised, plan, stretch, f"'{plan.column}' is {plan.strength:g} standard deviations higher")
    counts = label.drop_nulls().alias("value").value_counts(name="rows").sort("rows", "value")
    favoured = counts["value"][0]
    gone = _draw(stretch & (label != favoured).fill_null(value=False).to_numpy(), 1.0 - 1.0 / plan.strength, chance)
    said = f"the odds of '{favoured}' are multiplied by {plan.strength:g}: {int(gone.sum()):,} other rows are left out"
    return _told(rows.filter(pl.Series(~gone)), plan, gone, said)


def _delay_labels(rows: pl.DataFrame, plan: Fault, stretch: Mask, chance: np.random.Generator) -> Planted:
    if not plan.known_at:
        where = _draw(stretch, min(plan.strength, 1.0), chance)
        return _told(_empty(rows, plan.column, where), plan, where, f"'{plan.column}' has not come yet")
    column = rows[plan.column]
    moments = column if column.dtype.is_temporal() else column.str.to_datetime(time_zone="UTC", strict=False)
    later = moments + pl.duration(days=plan.strength, time_unit="us")
    told = pl.select(pl.when(pl.Series(stretch)).then(later).otherwise(moments).alias(plan.column)).to_series()
    shown = told if column.dtype.is_temporal() else told.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    return _told(rows.with_columns(shown), plan, stretch, f"labels are known {plan.strength:g} days later")


_PLANT: Mapping[str, Callable[[pl.DataFrame, Fault, Mask, np.random.Generator], Planted]] = {
    "unit_change": _change_unit,
    "null_storm": _empty_column,
    "category_explosion": _explode,
    "label_flip": _flip_labels,
    "slow_drift": _drift_slowly,
    "season": _swing,
    "feed_stop": _stop_feed,
    "duplicate_feed": _repeat,
    "base_rate_change": _change_base_rate,
    "label_delay": _delay_labels,
}
