"""Columns that may know the answer: leakage suspects, each with the number that makes it one.

A column alone is asked for the label of rows that it was not fitted on; and its nulls are held against the label, for a
field that is filled once the outcome is known. A suspect stays what it is: only a person knows when a value is known.
"""

from collections.abc import Iterator
from math import log
from typing import Final

import polars as pl

from trimtab.metrics.figures import count
from trimtab.nouns.contract import Column, Contract

NEAR_PERFECT: Final = 0.95
"""AUC, or the share of the errors of a constant answer that one column removes, from which it is suspected."""
STANDS_OUT: Final = 0.85
"""The same, for a column that lies twice as far above chance as the next best one."""
FEWEST: Final = 20
MOST_ROWS: Final = 50_000
BINS: Final = 30
_SURE: Final = log(1e-6)
_ADVICE: Final = 'if it is not known when the question is asked, write role = "ignore"'


def find_suspects(contract: Contract, clean: pl.DataFrame) -> dict[str, str]:
    """Return a sentence by column about features of clean rows that may know the answer."""
    clean = clean.gather_every(max(1, clean.height // MOST_ROWS))
    labelled = clean.filter(pl.col("_label").is_not_null())
    found: dict[str, str] = {}
    powers = {column.name: _power(labelled, column, contract) for column in contract.features}
    for name, power in powers.items():
        others = max((other for against, other in powers.items() if against != name), default=0.0)
        stands_out = power >= STANDS_OUT and _above(power, contract) >= 2 * _above(others, contract)
        told = [_tell_power(power, contract)] if power >= NEAR_PERFECT or stands_out else []
        told += _tell_waiting(clean, labelled, name)
        if not told and contract.target.task != "regression":
            told = [*_tell_side(labelled, name, filled=True), *_tell_side(labelled, name, filled=False)]
        if told:
            found[name] = f"leakage suspect: {' and '.join(told)}; {_ADVICE}"
    return found


def _above(power: float, contract: Contract) -> float:
    return power - 0.5 if contract.target.task == "binary" else power


def _tell_power(power: float, contract: Contract) -> str:
    measure = {
        "binary": f"an AUC of {power:.3f}",
        "multiclass": f"{power:.1%} fewer errors than the commonest class",
        "regression": f"an R2 of {power:.3f}",
    }[contract.target.task]
    return f"alone it tells the label of rows it was not fitted on with {measure}"


def _power(labelled: pl.DataFrame, column: Column, contract: Contract) -> float:
    """Return how well one column alone tells the label of held rows: AUC, share of errors removed, or R squared."""
    rows = labelled.select(pl.col(column.name).alias("value"), pl.col("_label").alias("label"), "_event_at")
    if contract.row.order == "event_time":
        rows = rows.sort("_event_at")
    place = pl.int_range(pl.len())
    held = place >= pl.len() * 0.7 if contract.row.order != "none" else place % 10 >= 7
    rows = _binned(rows.with_columns(held=held), column)
    kept, asked = rows.filter(~pl.col("held")), rows.filter("held")
    if asked.height < FEWEST or kept.height < FEWEST or rows["bin"].n_unique() < 2:
        return 0.0
    if contract.target.task == "binary":
        return _auc(_scored(kept, asked, (pl.col("label") == contract.target.positive).cast(pl.Float64)))
    if contract.target.task == "regression":
        return _r_squared(_scored(kept, asked, pl.col("label").cast(pl.Float64)))
    return _errors_removed(kept, asked)


def _binned(rows: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Return the rows with their bin: the value itself, or one of 30 quantiles of the fitted rows' numbers."""
    if column.type in {"boolean", "category", "text"}:
        return rows.with_columns(bin=pl.col("value").cast(pl.String))
    number = pl.col("value").to_physical().cast(pl.Float64)
    numbers = rows.select(number.filter(~pl.col("held")).drop_nulls()).to_series()
    breaks = sorted({float(numbers.quantile(step / BINS) or 0.0) for step in range(1, BINS)}) if numbers.len() else []
    places = pl.Series(breaks, dtype=pl.Float64).search_sorted(rows.select(number.fill_null(0.0)).to_series())
    known = pl.when(pl.col("value").is_not_null()).then(places.cast(pl.String))
    return rows.with_columns(bin=known)


def _scored(kept: pl.DataFrame, asked: pl.DataFrame, label: pl.Expr) -> pl.DataFrame:
    """Return asked rows with `truth` and `score`, the mean of their bin drawn a little to the mean of all."""
    kept = kept.with_columns(truth=label)
    mean = kept["truth"].sum() / kept.height
    drawn = (pl.col("truth").sum() + mean) / (pl.len() + 1)
    scores = kept.group_by("bin").agg(drawn.alias("score"))
    joined = asked.with_columns(truth=label).join(scores, on="bin", how="left", nulls_equal=True)
    return joined.with_columns(pl.col("score").fill_null(mean))


def _auc(scored: pl.DataFrame) -> float:
    """Return the share of pairs put in the right order (Mann-Whitney), ties counting half."""
    ranked = scored.with_columns(rank=pl.col("score").rank("average"))
    positive = ranked.filter(pl.col("truth") == 1.0)
    first, second = positive.height, ranked.height - positive.height
    if not first or not second:
        return 0.0
    return (float(positive["rank"].sum()) - first * (first + 1) / 2) / (first * second)


def _r_squared(scored: pl.DataFrame) -> float:
    truth = scored["truth"]
    spread = float(((truth - truth.sum() / scored.height) ** 2).sum())
    return 1.0 - float(((truth - scored["score"]) ** 2).sum()) / spread if spread else 0.0


def _errors_removed(kept: pl.DataFrame, asked: pl.DataFrame) -> float:
    commonest = pl.col("label").mode().sort().first()
    plain = kept.select(commonest).item()
    guesses = kept.group_by("bin").agg(commonest.alias("guess"))
    answered = asked.join(guesses, on="bin", how="left", nulls_equal=True)
    right = answered.select((pl.col("guess").fill_null(plain) == pl.col("label")).mean()).item()
    base = asked.select((pl.col("label") == plain).mean()).item()
    return (right - base) / (1.0 - base) if base < 1.0 else 0.0


def _tell_waiting(clean: pl.DataFrame, labelled: pl.DataFrame, name: str) -> Iterator[str]:
    """Yield whether a column is null where the label is, too: it may be filled once the outcome is known."""
    waiting = clean.filter(pl.col("_label").is_null())
    if waiting.height < FEWEST:
        return
    there, here = waiting[name].null_count() / waiting.height, labelled[name].null_count() / max(labelled.height, 1)
    if there >= 0.9 and here <= 0.1:
        yield f"it is null in {there:.1%} of the rows without a label and in {here:.1%} of the others"


def _tell_side(labelled: pl.DataFrame, name: str, *, filled: bool) -> Iterator[str]:
    """Yield where nearly all rows with a value (or all without) have one label that is far from common."""
    side = labelled.filter(pl.col(name).is_not_null() == filled)
    if side.height < FEWEST or labelled.height - side.height < FEWEST:
        return
    label = side["_label"].mode().sort()[0]
    share = (side["_label"] == label).sum() / side.height
    base = (labelled["_label"] == label).sum() / labelled.height
    if share >= 0.99 and base <= 0.95 and side.height * log(base) < _SURE:
        rows = f"{'a' if filled else 'no'} value ({count(side.height, 'row')})"
        yield f"where it has {rows} the label is '{label}' in {share:.1%}, in all rows in {base:.1%}"
