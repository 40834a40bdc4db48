"""Personal columns of a whole frame as tokens, before any row of it is kept."""

import polars as pl

from trimtab.contract.columns import plain_column
from trimtab.contract.pii import Hide, compile_hide, hidden_columns
from trimtab.nouns.contract import Contract


def hide_frame(contract: Contract, frame: pl.DataFrame, source: str = "") -> pl.DataFrame:
    """Return raw rows as they may be kept: each personal column as texts of tokens, all else unchanged.

    `source` adds the columns that `[raw.SOURCE]` calls personal. Raises `ConfigError` where there is no key.
    """
    hides = {column.name: compile_hide(column) for column in hidden_columns(contract, source)}
    present = [name for name in hides if name in frame.columns]
    hidden = {name: _hide(frame.get_column(name), hides[name]) for name in present}
    return pl.DataFrame({column.name: hidden.get(column.name, column) for column in frame.iter_columns()})


def _hide(raw: pl.Series, hide: Hide) -> pl.Series:
    """Return the tokens, made once for each distinct value where a value can be looked up."""
    raw = plain_column(raw)
    if raw.dtype == pl.String():
        known = raw.drop_nulls().unique()
        if not known.len():
            return raw
        tokens = pl.Series([hide(value) for value in known], dtype=pl.String())
        return raw.replace_strict(known, tokens, default=None, return_dtype=pl.String())
    return pl.Series(raw.name, [hide(value) for value in raw], dtype=pl.String())
