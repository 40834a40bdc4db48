"""One column of data -> its part of a Contract, and what was guessed on the way, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from trimtab.contract.columns import compile_column
from trimtab.contract.labels import NOT_LABELLED
from trimtab.contract.reading import BLANKS, INT64, LONGEST_TEXT, NUMBER
from trimtab.contract.units import notice_unit, unit_of_values
from trimtab.metrics.figures import count
from trimtab.nouns.contract import Column

WORD_PAIRS: Final = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
TIME_FORMATS: Final = (
    "rfc3339", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%b-%Y %H:%M:%S",
)  # fmt: skip
DATE_FORMATS: Final = (
    "rfc3339", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y",
    "%m-%d-%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y",
)  # fmt: skip
EPOCH_FORMATS: Final = ("%Y%m%d", "epoch_s", "epoch_ms")
EPOCH_SECONDS: Final = (1e8, 1e10)
"""Numbers that count seconds since 1970 lie here (1973 to 2286); a thousand times as much counts milliseconds."""

PLAIN_NUMBER: Final = f"^(?:{NUMBER})$"
PLAIN_INTEGER: Final = r"^[+-]?[0-9]{1,19}$"
PADDED: Final = r"^[+-]?0[0-9]"
"""01234 is a code, not a number: as a number it would lose its zero."""

THOUSANDS: Final = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+$"
IDENTIFIER: Final = "a different value in every row, as an identifier has"
UUID: Final = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
MOST_CATEGORIES: Final = 100
FEW_CATEGORIES: Final = 20
SHARE_OF_ROWS: Final = 0.05
SOFT_DISTINCT: Final = 20
MOSTLY: Final = 0.9
SAMPLE: Final = 200
_raw: Final = pl.col("raw")


@dataclass(frozen=True, slots=True)
class Guess:
    """A guessed column with the sentences that say why. `column` is None where the data cannot stand in a contract."""

    column: Column | None
    notes: tuple[str, ...] = ()


def guess_column(raw: pl.Series, *, text: bool) -> Guess:
    """Return rules that every value of a column fits. `text`: values are text as in a CSV file."""
    if isinstance(raw.dtype, (pl.Categorical, pl.Enum)):
        raw = raw.cast(pl.String)
    odd = (
        raw.dtype.is_nested()
        or raw.dtype in {pl.Object(), pl.Binary(), pl.Time()}
        or isinstance(raw.dtype, pl.Duration)
    )
    if odd:
        return Guess(None, (f"left out of the contract: {raw.dtype} is not the value of one field",))
    guess = _guess_text(raw, text=text) if raw.dtype == pl.String() else Guess(_typed(raw))
    return guess if guess.column is None else _settle(guess.column, guess.notes, raw, text=text)


def guess_event_time(raw: pl.Series, *, text: bool) -> Guess | int:
    """Return the column of the event time, or the first row (from 0) that the best fitting format cannot read."""
    base = Column(raw.name, "time", role="time", nulls=_nulls_in(raw))
    formats = [*TIME_FORMATS, *(name.replace("rfc3339", "%Y-%m-%d") for name in DATE_FORMATS), *EPOCH_FORMATS]
    if raw.dtype.is_numeric():
        formats = ["epoch_s" if _median_size(raw) < EPOCH_SECONDS[1] else "epoch_ms"]
    candidates = [replace(base, formats=(name,)) for name in formats if _plausible(raw, name)] or [base]
    failures = [(_misfit(column, raw, text=text), column) for column in candidates]
    fitting = [column for first, column in failures if first is None]
    if not fitting:
        return max(first for first, _ in failures if first is not None)
    return Guess(fitting[0], _format_notes([column.formats[0] for column in fitting]))


def _misfit(column: Column, raw: pl.Series, *, text: bool) -> int | None:
    """Return the first row that does not fit, None where all do. Most formats fail within a few rows."""
    for part in (raw.head(SAMPLE), raw):
        bad = compile_column(column, text=text, time_zone="UTC")(part).codes.is_not_null()
        if bad.any():
            return bad.arg_max()
    return None


def _fits(column: Column, values: pl.Series) -> bool:
    return _misfit(column, values, text=True) is None


def _plausible(raw: pl.Series, name: str) -> bool:
    """Return whether numbers can be counts since 1970: a column of small numbers would be January 1970."""
    if name not in {"epoch_s", "epoch_ms"}:
        return True
    factor = 1.0 if name == "epoch_s" else 1000.0
    return EPOCH_SECONDS[0] * factor <= _median_size(raw) < EPOCH_SECONDS[1] * factor


def _median_size(raw: pl.Series) -> float:
    median = raw.cast(pl.Float64, strict=False).abs().drop_nans().median()
    return float(median) if isinstance(median, (int, float)) else 0.0


def _typed(raw: pl.Series) -> Column:
    """Return the column for data that has a type already. NaN is null where it was seen."""
    name, dtype = raw.name, raw.dtype
    if dtype == pl.Boolean():
        return Column(name, "boolean")
    if dtype.is_integer():
        large = raw.cast(pl.Int64, strict=False).null_count() > raw.null_count()
        return Column(name, "text", role="ignore") if large else Column(name, "integer")
    if dtype.is_float() and raw.is_nan().any():
        return Column(name, "number", nulls=("", "NaN"))
    if dtype.is_numeric():
        return Column(name, "number")
    return Column(name, "date" if dtype == pl.Date() else "time" if isinstance(dtype, pl.Datetime) else "text")


def _guess_text(raw: pl.Series, *, text: bool) -> Guess:
    """Return the column for texts: the first type that all distinct texts fit."""
    if (raw.str.len_chars() > LONGEST_TEXT).any():
        return Guess(None, (f"left out of the contract: a text is longer than {LONGEST_TEXT} characters",))
    stripped = raw.str.strip_chars(BLANKS).drop_nulls().unique(maintain_order=True)
    present = stripped.filter(~stripped.is_in(sorted(NOT_LABELLED)))
    nulls = _nulls_in(raw)
    base = Column(raw.name, "text", nulls=nulls, numeric_text="reject" if text else "repair")
    if present.len():
        for guess in (_as_boolean, _as_number, _as_moment):
            found = guess(base, present)
            if found.column is not None:
                return Guess(found.column, (*found.notes, *_null_notes(nulls)))
    return _as_words(base, raw, stripped, present)


def _nulls_in(raw: pl.Series) -> tuple[str, ...]:
    """Return the spellings of null that a column of texts holds; the empty text always counts."""
    if raw.dtype != pl.String():
        return ("",)
    stripped = raw.str.strip_chars(BLANKS).drop_nulls().unique()
    return ("", *sorted(set(stripped.filter(stripped.is_in(sorted(NOT_LABELLED)))) - {""}))


def _null_notes(nulls: tuple[str, ...]) -> tuple[str, ...]:
    spelled = ", ".join(repr(spelling) for spelling in nulls if spelling)
    return (f"read as null: {spelled}",) if spelled else ()


def _as_boolean(base: Column, present: pl.Series) -> Guess:
    words = set(present.str.to_lowercase().head(SAMPLE))
    return Guess(replace(base, type="boolean", numeric_text="reject") if words in WORD_PAIRS else None)


def _as_number(base: Column, present: pl.Series) -> Guess:
    """Return a column of numbers or whole numbers; codes with leading zeros are neither."""
    if present.str.contains(PADDED).any() and present.str.contains(PLAIN_INTEGER).all():
        return Guess(None)
    if present.str.contains(PLAIN_INTEGER).all():
        exact = present.cast(pl.Int128, strict=False)
        fitting = bool((exact >= INT64[0]).all()) and bool((exact <= INT64[1]).all())
        return Guess(replace(base, type="integer") if fitting else None)
    if present.str.contains(PLAIN_NUMBER).all():
        column = replace(base, type="number")
        return Guess(column if _fits(column, present) else None)
    comma = replace(base, type="number", clean=("decimal_comma",))
    if present.str.contains(THOUSANDS).all() or not present.str.contains(",").any() or not _fits(comma, present):
        return Guess(None)
    return Guess(comma, ("the decimal mark is a comma",))


def _as_moment(base: Column, present: pl.Series) -> Guess:
    """Return a column of dates or times in the first format that all of them have."""
    if not present.head(SAMPLE).str.contains("[0-9]").all():
        return Guess(None)
    for kind, formats in (("date", DATE_FORMATS), ("time", TIME_FORMATS)):
        plain = replace(base, type="date" if kind == "date" else "time", numeric_text="reject")
        fitting = [name for name in formats if _fits(replace(plain, formats=(name,)), present)]
        if fitting:
            return Guess(replace(plain, formats=(fitting[0],)), _format_notes(fitting))
    return Guess(None)


def _format_notes(fitting: Sequence[str]) -> tuple[str, ...]:
    if len(fitting) == 1 or fitting[0] == "rfc3339":
        return ()  # RFC 3339 is read whatever the format says, so that others fit as well says nothing
    return (f"read as {fitting[0]}, though {' and '.join(fitting[1:])} would fit as well: please check",)


def _as_words(base: Column, raw: pl.Series, stripped: pl.Series, present: pl.Series) -> Guess:
    """Return a category or a text, with what stands out about its spelling."""
    codes = present.len() and present.str.contains("^[A-Z]{2}$").all()
    nulls = tuple(null for null in base.nulls if not (codes and null == "NA"))
    words = stripped.filter(~stripped.is_in(list(nulls)))
    notes = [*_null_notes(nulls)]
    if nulls != base.nulls:
        notes.append("'NA' stands among two-letter codes and is kept as one of them; list it in nulls if it means null")
    if (raw != raw.str.strip_chars(BLANKS)).any():
        notes.append("blanks around some values are trimmed")
    if words.str.to_lowercase().n_unique() < words.len():
        notes.append("some values differ in case only; add 'lower' to clean if they mean the same")
    base = replace(base, nulls=nulls, clean=("trim",), numeric_text="reject")
    rows = raw.filter(~raw.str.strip_chars(BLANKS).is_in(list(nulls)).fill_null(value=True)).len()
    if not _is_category(words.len(), rows):
        return Guess(replace(base, role="ignore"), (*notes, *_text_notes(words)))
    if unit := unit_of_values(words):
        notes.append(f"every value is a number with the unit {unit!r} behind it: as a number it would say more")
    return Guess(replace(base, type="category", values=tuple(sorted(words))), tuple(notes))


def _text_notes(words: pl.Series) -> tuple[str, ...]:
    if not words.len():
        return ()
    told = f"text with {words.len():,} different values: not a feature until it is made a category"
    if unit := unit_of_values(words):
        return (f"every value is a number with the unit {unit!r} behind it: take the unit away before the contract",)
    numbers = words.str.contains(PLAIN_NUMBER).sum() / words.len()
    if numbers < MOSTLY:
        return (told,)
    return (
        f'{told}; {numbers:.1%} of them are numbers: if it is one, write type = "number" and list the rest in nulls',
    )


def _is_category(distinct: int, rows: int) -> bool:
    return 0 < distinct <= min(MOST_CATEGORIES, max(FEW_CATEGORIES, SHARE_OF_ROWS * rows)) and distinct * 2 <= rows


def _settle(column: Column, notes: tuple[str, ...], raw: pl.Series, *, text: bool) -> Guess:
    """Return the column with what follows from its cleaned values: role, required, soft range."""
    treated = compile_column(column, text=text, time_zone="UTC")(raw)
    values = treated.values.drop_nulls()
    bad = treated.codes.is_not_null().sum()
    if bad and raw.dtype == pl.String():
        return _as_plain_text(column, notes)
    column, more = _role(column, values)
    if bad:
        more = (*more, f"not finite in {count(int(bad), 'row')}, which go to quarantine")
    if column.role == "feature":
        column = replace(column, required=values.len() + bad == raw.len(), soft=_soft(column, values))
        column, about_unit = notice_unit(column, values)
        more = (*more, *about_unit)
    return Guess(column, (*notes, *more))


def _as_plain_text(column: Column, notes: tuple[str, ...]) -> Guess:
    """Return typed texts as what they are: only in a text file may a time lack its zone."""
    why = "texts that look like times without a zone are kept as text; store them as timestamps to use them"
    return Guess(Column(column.name, "text", role="ignore", nulls=column.nulls), (*notes, why))


def _role(column: Column, values: pl.Series) -> tuple[Column, tuple[str, ...]]:
    """Return the column as one to ignore where it can tell a model nothing: empty, constant, or a row's own number."""
    if not values.len():
        return replace(column, role="ignore", values=()), ("ignored: no value was seen",)
    if values.n_unique() == 1:
        return replace(column, role="ignore", values=()), ("ignored: the same value everywhere",)
    numbered = column.type == "integer" or (column.type == "text" and values.str.contains(UUID).all())
    if numbered and values.len() > SOFT_DISTINCT and values.is_unique().all():
        return replace(column, role="ignore"), (f"ignored: {IDENTIFIER}",)
    return column, ()


def _soft(column: Column, values: pl.Series) -> tuple[float, float] | None:
    """Return the usual range, from the 0.1 % to the 99.9 % quantile, of at least 20 distinct numbers."""
    if column.type not in {"number", "integer"} or values.n_unique() < SOFT_DISTINCT:
        return None
    low, high = values.quantile(0.001, "lower"), values.quantile(0.999, "higher")
    return None if low is None or high is None or low == high else (float(low), float(high))
