"""Moments of a calendar as cron writes them, in UTC: minute, hour, day of the month, month, day of the week.

A field is `*`, a number, a range `1-5`, a step `*/15` or `1-30/2`, or several of them with commas; 0 and 7 are Sunday.
Where both days are given, either is enough, as in every cron.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_PART = re.compile(r"(\*|\d+(?:-\d+)?)(?:/(\d+))?")
MOST_DAYS = 366 * 8
"""Days that are looked through: 29 February may be eight years away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The allowed values of each field."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def last(self, until: datetime) -> datetime | None:
        """Return the newest moment of the schedule that is not after `until`; None within eight years."""
        end = until.astimezone(UTC).replace(second=0, microsecond=0)
        for back in range(MOST_DAYS):
            day = end - timedelta(days=back)
            latest = (day.hour, day.minute) if back == 0 else (23, 59)
            if self._has_day(day) and (found := max(self._times(latest), default=None)):
                return day.replace(hour=found[0], minute=found[1])
        return None

    def _has_day(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either_day else by_month and by_week

    def _times(self, latest: tuple[int, int]) -> Iterator[tuple[int, int]]:
        yield from ((hour, minute) for hour in self.hours for minute in self.minutes if (hour, minute) <= latest)


def read_schedule(text: str) -> Schedule:
    """Return the schedule of "0 3 * * 1". Raises ValueError with what is wrong.

    >>> read_schedule("30 3 * * 1").last(datetime(2026, 3, 4, tzinfo=UTC)).isoformat()
    '2026-03-02T03:30:00+00:00'
    """
    words = text.split()
    if len(words) != len(_FIELDS):
        raise ValueError('write five fields: minute, hour, day, month, weekday, for example "0 3 * * 1"')
    minutes, hours, days, months, weekdays = (_read(word, *field) for word, field in zip(words, _FIELDS, strict=True))
    both = not words[2].startswith("*") and not words[4].startswith("*")
    return Schedule(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), both)


def _read(word: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        parsed = _PART.fullmatch(part)
        if not parsed:
            raise ValueError(f"the {name} '{part[:20]}' is none of *, 5, 1-5, */5")
        low, _, high = (f"{least}-{most}" if parsed[1] == "*" else parsed[1]).partition("-")
        first, last, step = int(low), int(high or (most if parsed[2] else low)), int(parsed[2] or 1)
        if not (least <= first <= last <= most and step):
            raise ValueError(f"the {name} '{part[:20]}' lies outside {least}-{most}")
        found.update(range(first, last + 1, step))
    return frozenset(found)
