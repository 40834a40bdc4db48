"""Times and dates: one grammar for both compilations, made of regular expressions, never of a library's own parser.

Python's and Polars' parsers each accept texts that the other refuses, and more than RFC 3339 allows. Here a format is a
pattern with named groups; what a group may hold is said once. Local times go through Python's `zoneinfo` on both sides.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

from trimtab.contract.reading import BLANKS, NUMBER, Read, UnreadableError, compile_text, parse_whole
from trimtab.errors import ConfigError, Mistake
from trimtab.nouns.contract import Column

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCHS: Final[Mapping[str, int]] = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Microseconds in one unit of the number."""

DATE: Final = r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
RFC3339: Final = (
    DATE + r"[Tt ](?P<H>[0-9]{2}):(?P<M>[0-9]{2}):(?P<S>[0-9]{2})(?:\.(?P<f>[0-9]{1,9}))?"
    r"(?P<z>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
DIRECTIVES: Final[Mapping[str, str]] = {
    "Y": r"(?P<Y>[0-9]{4})", "y": r"(?P<y>[0-9]{2})", "m": r"(?P<m>[0-9]{1,2})", "d": r"(?P<d>[0-9]{1,2})",
    "H": r"(?P<H>[0-9]{1,2})", "I": r"(?P<I>[0-9]{1,2})", "M": r"(?P<M>[0-9]{2})", "S": r"(?P<S>[0-9]{2})",
    "f": r"(?P<f>[0-9]{1,9})", "p": r"(?P<p>[AaPp][Mm])", "b": r"(?P<b>[A-Za-z]{3})", "B": r"(?P<B>[A-Za-z]{3,9})",
    "z": r"(?P<z>[Zz]|[+-][0-9]{2}:?[0-9]{2})", "%": "%",
}  # fmt: skip
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

re_rfc3339 = re.compile(RFC3339)
re_number = re.compile(NUMBER)


@dataclass(frozen=True)
class TimeForm:
    """One format as a regular expression whose groups carry the names of the strptime directives."""

    pattern: str
    groups: frozenset[str]


def compile_form(name: str, column: Column) -> TimeForm:
    """Return the form of `rfc3339` (for a date: its full-date) or of a strptime pattern.

    Raises `ConfigError` for an unknown directive, one used twice, or a pattern without year, month and day.
    """
    if name == "rfc3339":
        pattern = DATE if column.type == "date" else RFC3339
        return TimeForm(pattern, frozenset(re.compile(pattern).groupindex))
    pieces = re.split(r"%(.)", name, flags=re.DOTALL)
    unknown = sorted({piece for piece in pieces[1::2] if piece not in DIRECTIVES})
    if unknown:
        raise _bad_format(name, column, f"does not know %{unknown[0]}; known are %{' %'.join(DIRECTIVES)}")
    tight = re.search(r"%[A-Za-z]%[A-Za-z]", name) is not None  # 2013111 could be two dates: then two digits each
    pattern = "".join(_piece(piece, index, tight=tight) for index, piece in enumerate(pieces))
    return TimeForm(pattern, _groups(pattern, name, column))


def read_time(column: Column, *, text: bool, time_zone: str) -> Read:
    """Return the reader of a `time` column: an aware UTC datetime in microseconds.

    A naive datetime or date object (Parquet, database) and, in text mode, a naive text are in `time_zone`; a naive text
    in a typed row is `naive_time`. Of a local time that occurs twice the earlier is taken; one that does not occur is
    `bad_time`. An RFC 3339 text with its offset is understood whatever the formats.
    """
    zone = find_zone(time_zone, column)
    clean, attempts, scales = compile_text(column), _attempts(column), _scales(column)

    def read(value: object) -> datetime | None:
        if isinstance(value, str):
            cleaned = clean(value)
            return None if cleaned is None else to_utc(_first(cleaned.strip(BLANKS), attempts), zone if text else None)
        if value is None:
            return None
        if isinstance(value, date):
            moment = value if isinstance(value, datetime) else datetime.combine(value, time_of_day())
            return to_utc(moment, zone)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not scales:
            raise UnreadableError("wrong_type")
        return from_epoch(value, scales[0])

    return read


def read_date(column: Column) -> Read:
    """Return the reader of a `date` column: ISO dates, dates in the column's formats, naive midnights."""
    clean, attempts = compile_text(column), _attempts(column)

    def read(value: object) -> date | None:
        if isinstance(value, str):
            cleaned = clean(value)
            return None if cleaned is None else _midnight(_first(cleaned.strip(BLANKS), attempts))
        if value is None:
            return None
        if not isinstance(value, date):
            raise UnreadableError("wrong_type")
        return _midnight(value) if isinstance(value, datetime) else value

    return read


def to_utc(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a moment in UTC, a naive one as local time of `zone`: the earlier of two, `bad_time` where there is none.

    Without a zone a naive moment is refused: `naive_time`.
    """
    if zone is None and moment.tzinfo is None:
        raise UnreadableError("naive_time")
    try:
        if zone is UTC and moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        instant = moment.replace(tzinfo=zone, fold=0).astimezone(UTC)
        exists = instant.astimezone(zone).replace(tzinfo=None, fold=0) == moment
    except OverflowError:
        raise UnreadableError("bad_time") from None
    if not exists:
        raise UnreadableError("bad_time")
    return instant


def find_zone(name: str, column: Column) -> tzinfo:
    """Return the time zone of that name; UTC needs no database. Raises `ConfigError` for an unknown one."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        mistake = Mistake("row.time_zone", f"'{name}' is not a time zone on this machine (needed by '{column.name}')")
        hint = "write a name such as Europe/Berlin; if it is one, install the package tzdata"
        raise ConfigError("The contract cannot be used.", mistakes=[mistake], hint=hint) from None


def from_epoch(number: float, scale: int) -> datetime:
    """Return the UTC moment of a count of seconds or milliseconds since 1970; half microseconds go to the even one."""
    try:
        return EPOCH + timedelta(microseconds=round(number * scale))
    except (OverflowError, ValueError):  # infinity, NaN, beyond the years 1 to 9999
        raise UnreadableError("bad_time") from None


def build_moment(parts: Mapping[str, str | None]) -> datetime | None:
    """Return the moment that the named groups write, aware where they hold an offset; None where there is no such one.

    >>> build_moment({"Y": "2013", "m": "7", "d": "4", "H": "5", "M": "06", "z": "+01:30"}).isoformat()
    '2013-07-04T05:06:00+01:30'
    >>> build_moment({"Y": "2013", "m": "2", "d": "30"})
    """
    try:
        day = date(_year(parts), _month(parts), int(parts.get("d") or 0))
        fraction = int((parts.get("f") or "").ljust(6, "0")[:6])
        clock = _hour(parts), int(parts.get("M") or 0), int(parts.get("S") or 0), fraction
        return datetime.combine(day, time_of_day(*clock), tzinfo=_offset(parts.get("z")))
    except ValueError:
        return None


def year_of(two_digits: int) -> int:
    """Return the year of a two-digit one as POSIX reads it: 69 to 99 are 1969 to 1999."""
    return two_digits + (1900 if two_digits >= 69 else 2000)


def _attempts(column: Column) -> tuple[Callable[[str], datetime | None], ...]:
    """Return the column's formats in order, each a parser that gives None where a text is not of its form."""
    attempts = [_attempt(name, column) for name in column.formats]
    if column.type == "time" and "rfc3339" not in column.formats:
        attempts.append(lambda text: _aware_only(_build(re_rfc3339, text)))
    return tuple(attempts)


def _attempt(name: str, column: Column) -> Callable[[str], datetime | None]:
    scale = EPOCHS.get(name)
    if scale is not None:
        return lambda text: from_epoch(parse_whole(text), scale) if re_number.fullmatch(text) else None
    form = re.compile(compile_form(name, column).pattern)
    return lambda text: _build(form, text)


def _build(form: re.Pattern[str], text: str) -> datetime | None:
    found = form.fullmatch(text)
    return None if found is None else build_moment(found.groupdict())


def _aware_only(moment: datetime | None) -> datetime | None:
    return None if moment is None or moment.tzinfo is None else moment


def _first(text: str, attempts: tuple[Callable[[str], datetime | None], ...]) -> datetime:
    for attempt in attempts:
        moment = attempt(text)
        if moment is not None:
            return moment
    raise UnreadableError("bad_time")


def _scales(column: Column) -> tuple[int, ...]:
    return tuple(EPOCHS[name] for name in column.formats if name in EPOCHS)


def _midnight(moment: datetime) -> date:
    """Return the date of a naive midnight: anything else would lose its time of day or its zone."""
    if moment.tzinfo is not None or moment.time() != time_of_day():
        raise UnreadableError("bad_time")
    return moment.date()


def _year(parts: Mapping[str, str | None]) -> int:
    year, short = parts.get("Y"), parts.get("y")
    return int(year) if year else year_of(int(short or 0))


def _month(parts: Mapping[str, str | None]) -> int:
    number, name = parts.get("m"), parts.get("B")
    if number:
        return int(number)
    if name:
        return MONTHS.index(name.lower()) + 1
    return [month[:3] for month in MONTHS].index((parts.get("b") or "").lower()) + 1


def _hour(parts: Mapping[str, str | None]) -> int:
    hour, half = parts.get("I"), parts.get("p")
    if hour is None:
        return int(parts.get("H") or 0)
    if not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    return int(hour) % 12 + (12 if (half or "").lower() == "pm" else 0)


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in {"Z", "z"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


def _piece(piece: str, index: int, *, tight: bool) -> str:
    if index % 2 == 0:
        return re.escape(piece)
    return DIRECTIVES[piece].replace("{1,2}", "{2}") if tight else DIRECTIVES[piece]


def _groups(pattern: str, name: str, column: Column) -> frozenset[str]:
    """Return the names of a pattern's groups, after checking that they say one whole date."""
    try:
        groups = frozenset(re.compile(pattern).groupindex)
    except re.error:
        raise _bad_format(name, column, "uses a directive twice") from None
    complete = len(groups & {"Y", "y"}) == len(groups & {"m", "b", "B"}) == len(groups & {"d"}) == 1
    if not complete or len(groups & {"H", "I"}) > 1 or ("I" in groups) != ("p" in groups):
        raise _bad_format(name, column, "needs one year, one month and one day, and %p exactly where it has %I")
    return groups


def _bad_format(name: str, column: Column, what: str) -> ConfigError:
    mistake = Mistake(f"columns.{column.name}.formats", f"'{name}' {what}")
    hint = "use rfc3339, epoch_s, epoch_ms or a pattern such as %d.%m.%Y %H:%M"
    return ConfigError("The contract cannot be used.", mistakes=[mistake], hint=hint)
