"""Shortcuts over whole columns: cleaned values where a Polars expression is certain, null wherever a reader must look.

A shortcut may say nothing, never something else than the reader would. What it covers is what columns are made of:
plain numbers, RFC 3339 and simple patterns of time, and columns that are typed already.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import polars as pl

from trimtab.contract.reading import BLANKS, LONGEST_TEXT, NUMBER, null_numbers, null_spellings, scaling
from trimtab.contract.times import EPOCHS, TimeForm, compile_form, find_zone
from trimtab.nouns.contract import Column

MOMENT: Final = pl.Datetime("us", "UTC")
DTYPES: Final = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "category": pl.String(),
    "text": pl.String(),
    "time": MOMENT,
    "date": pl.Date(),
}
"""The type of a cleaned column, by the contract's word for it."""

SHORT_INTEGER: Final = r"^[+-]?[0-9]{1,18}$"
IMPOSSIBLE: Final = 10**9
"""Minutes of an offset that nothing has: it moves a moment out of the years that a shortcut covers."""

PLAIN_GROUPS: Final = frozenset("YmdHMSfz")
_raw: Final = pl.col("raw")
_NAIVE: Final = pl.Datetime("us")
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def shortcut(raw: pl.Series, column: Column, *, text: bool, time_zone: str) -> pl.Series:
    """Return the cleaned values that are certain, in the cleaned type; null elsewhere."""
    found: pl.Series | None = None
    if column.type in {"number", "integer"}:
        found = _numbers(raw, column, text=text)
    elif column.type in {"time", "date"}:
        zone = find_zone(time_zone, column)
        found = (
            _text_times(raw, column, zone if text else None) if raw.dtype == pl.String() else _times(raw, column, zone)
        )
    elif column.type == "boolean" and raw.dtype == pl.Boolean():
        found = _booleans(raw, column)
    elif raw.dtype == pl.String() and column.type in {"category", "text"}:
        found = _words(raw, column)
    dtype = DTYPES[column.type]
    return pl.repeat(None, raw.len(), dtype=dtype, eager=True) if found is None else found.cast(dtype)


def _numbers(raw: pl.Series, column: Column, *, text: bool) -> pl.Series | None:
    """Return the numbers that need no second look."""
    if column.type == "integer" and scaling(column):
        return None
    if raw.dtype == pl.String():
        readable = (text or column.numeric_text == "repair") and "map" not in column.clean
        return _finite(_text_numbers(raw, column), column) if readable else None
    return _finite(raw, column) if raw.dtype.is_float() or raw.dtype.is_integer() else None


def _booleans(raw: pl.Series, column: Column) -> pl.Series | None:
    """Return true and false as they are, unless a spelling or a step could make something else of them."""
    return raw if not column.map and null_spellings(column) == {""} else None


def _words(raw: pl.Series, column: Column) -> pl.Series | None:
    """Return texts that only `trim` may change and that spell no null."""
    if column.pii or not set(column.clean) <= {"trim"}:
        return None
    stripped = _raw.str.strip_chars(BLANKS)
    plain = (_raw.str.len_bytes() <= LONGEST_TEXT) & ~stripped.is_in(sorted(null_spellings(column)))
    return _step(raw, pl.when(plain).then(stripped if column.clean else _raw))


def _text_numbers(raw: pl.Series, column: Column) -> pl.Series:
    """Return texts of the plain form as numbers. Polars rounds decimal text correctly, as Python does."""
    text = _stripped(raw, column)
    if "decimal_comma" in column.clean:
        swapped = _raw.str.replace(",", ".", literal=True)
        text = _step(text, pl.when(~_raw.str.contains(".", literal=True)).then(swapped))
    if column.type == "integer":
        return _step(text, pl.when(_raw.str.contains(SHORT_INTEGER)).then(_raw).cast(pl.Int64, strict=False))
    return _step(text, pl.when(_raw.str.contains(f"^(?:{NUMBER})$")).then(_raw).cast(pl.Float64, strict=False))


def _stripped(raw: pl.Series, column: Column) -> pl.Series:
    """Return texts without surrounding blanks; null where one spells null or may be too long to be accepted."""
    short = _step(raw, pl.when(_raw.str.len_bytes() <= LONGEST_TEXT).then(_raw).str.strip_chars(BLANKS))
    return _step(short, pl.when(~_raw.is_in(sorted(null_spellings(column)))).then(_raw))


def _finite(number: pl.Series, column: Column) -> pl.Series:
    """Return finite numbers that are not null spellings, after the numeric steps; minus zero as zero."""
    exact = number.dtype.is_integer() and column.type == "integer"
    number = number.cast(pl.Int64 if exact else pl.Float64, strict=False)
    nulls = null_numbers(column)
    plain = column.type == "number" and not nulls and not scaling(column)
    if plain and number.dtype == pl.Float64() and number.is_finite().all() and not (number == 0.0).any():
        return number  # most columns are so, and a copy costs more than the look
    if nulls:
        number = _step(number, pl.when(~_raw.cast(pl.Float64).is_in(sorted(nulls))).then(_raw))
    if exact:
        return number
    for step in scaling(column):
        number = _step(_step(number, pl.when(_raw.is_finite()).then(_raw)), _scaled(step))
    if column.type == "integer":
        return _step(number, _whole())
    return _step(number, pl.when(_raw == 0.0).then(pl.lit(0.0)).when(_raw.is_finite()).then(_raw))


def _scaled(step: tuple[float, ...]) -> pl.Expr:
    """Return the expression of `unit` (one number) or `clip` (two)."""
    if len(step) == 1:
        return _raw * step[0]
    low, high = step
    return pl.when(_raw < low).then(pl.lit(low)).when(_raw > high).then(pl.lit(high)).otherwise(_raw)


def _whole() -> pl.Expr:
    """Return the expression for floats that are whole numbers within 64 bits."""
    whole = _raw.is_finite() & (_raw == _raw.round()) & (_raw >= -(2.0**63)) & (_raw < 2.0**63)
    return pl.when(whole).then(_raw).cast(pl.Int64, strict=False)


def _times(raw: pl.Series, column: Column, zone: tzinfo) -> pl.Series | None:
    """Return times that are typed already, and dates likewise; an object of another type needs the reader."""
    dtype = raw.dtype
    if column.type == "date":
        return _step(raw, _raw) if dtype == pl.Date() else None
    if not isinstance(dtype, pl.Datetime):
        return None
    if dtype.time_zone is None:
        return _in_utc(raw.cast(_NAIVE), zone)
    return _within_years(raw.cast(pl.Datetime("us", dtype.time_zone)).dt.convert_time_zone("UTC"))


def _text_times(raw: pl.Series, column: Column, zone: tzinfo | None) -> pl.Series | None:
    """Return texts that are in the column's first format; zone None leaves naive texts to the reader."""
    if not column.formats or column.formats[0] in EPOCHS or not set(column.clean) <= {"trim"}:
        return None
    form = compile_form(column.formats[0], column)
    if not form.groups <= PLAIN_GROUPS:
        return None
    groups = _stripped(raw, column).str.extract_groups(f"^(?:{form.pattern})$").struct.unnest()
    moments = groups.select(_moment(form).alias("moment"), _offset(form).alias("offset"))
    naive = moments.select(pl.when(pl.col("offset").is_null()).then(pl.col("moment"))).to_series()
    if column.type == "date":
        return _step(naive, pl.when(_raw.dt.truncate("1d") == _raw).then(_raw).cast(pl.Date))
    aware = moments.select((pl.col("moment") - pl.col("offset")).dt.replace_time_zone("UTC")).to_series()
    return (
        _within_years(aware)
        if zone is None
        else _within_years(aware.zip_with(aware.is_not_null(), _in_utc(naive, zone)))
    )


def _moment(form: TimeForm) -> pl.Expr:
    """Return the naive moment of the named groups; null for a day or hour that does not exist."""
    parts = [pl.col(name).str.zfill(2) if name in form.groups else pl.lit("00") for name in "YmdHMS"]
    whole = pl.concat_str(parts, separator=" ").str.to_datetime("%Y %m %d %H %M %S", time_unit="us", strict=False)
    real = pl.col("S") < "60" if "S" in form.groups else pl.lit(value=True)  # a leap second is no Python time
    whole = pl.when(real).then(whole)
    if "f" not in form.groups:
        return whole
    fraction = pl.col("f").fill_null("").str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64)
    return whole + pl.duration(microseconds=fraction)


def _offset(form: TimeForm) -> pl.Expr:
    """Return the offset from UTC; null for a naive text, and half a million days for one that no offset can be."""
    if "z" not in form.groups:
        return pl.lit(None, dtype=pl.Duration("us"))
    text = pl.col("z")
    hours, minutes = (
        text.str.slice(1, 2).cast(pl.Int64, strict=False),
        text.str.slice(-2, 2).cast(pl.Int64, strict=False),
    )
    size = pl.when(hours < 24, minutes < 60).then(hours * 60 + minutes).otherwise(pl.lit(IMPOSSIBLE))
    signed = pl.when(text.str.starts_with("-")).then(-size).otherwise(size)
    return pl.duration(
        minutes=pl.when(text.str.to_lowercase() == "z").then(pl.lit(0)).when(text.is_not_null()).then(signed)
    )


def _in_utc(naive: pl.Series, zone: tzinfo) -> pl.Series:
    """Return local times in UTC; null on the days when the zone's offset changes, which the reader decides."""
    kept = _within_years(naive.dt.replace_time_zone("UTC"))
    if zone is UTC:
        return kept
    days = kept.dt.date().alias("day")
    known = days.drop_nulls().unique()
    offsets = pl.Series("offset", [_offset_all_day(day, zone) for day in known], dtype=pl.Duration("us"))
    table = pl.DataFrame([known, offsets])
    joined = days.to_frame().join(table, on="day", how="left", maintain_order="left")
    return kept - joined.get_column("offset")


def _offset_all_day(day: date, zone: tzinfo) -> timedelta | None:
    """Return the zone's offset where it is one and the same through the whole local day, else None."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    moments = [start + timedelta(hours=hours) for hours in (0, 6, 12, 18, 24)]
    offsets = {moment.replace(fold=fold).utcoffset() for moment in moments for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None


def _within_years(moments: pl.Series) -> pl.Series:
    """Return UTC moments far from the ends of Python's calendar; the reader decides about the others."""
    if not ((moments < _FIRST) | (moments >= _LAST)).any():
        return moments
    return _step(moments, pl.when(_raw >= _FIRST, _raw < _LAST).then(_raw))


def _step(series: pl.Series, expression: pl.Expr) -> pl.Series:
    return series.to_frame("raw").select(expression.alias("raw")).to_series()
