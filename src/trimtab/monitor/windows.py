"""Windows: the record cut into half-open stretches of time or of rows, so that each row falls into exactly one.

Windows of a duration start at whole multiples of it since 1970-01-01 UTC, so that a day is a day and the cuts do not
move when older rows arrive late. Windows of a number of rows are counted from the first row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Moment, Window
from trimtab.nouns.project import Span

Events = NDArray[Any]
"""Sorted moments: datetime64[us] in UTC, or whole numbers (positions)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cut:
    """A window [start, end) and the slice [first, last) of the sorted rows that fall into it."""

    start: Moment
    end: Moment
    first: int
    last: int

    @property
    def rows(self) -> int:
        """How many rows the window holds."""
        return self.last - self.first


def cut(events: Events, window: Span, min_rows: int, as_of: Moment | None = None) -> tuple[Cut, ...]:
    """Return the finished windows of sorted events, oldest first; together they hold a prefix of the rows.

    A window with fewer than `min_rows` rows is joined to the next one, so the newest rows may not be in any window yet.
    A window of time is finished when it is over at `as_of` (without `as_of`: when it holds enough rows), a window of
    rows when it is full. ValueError for unsorted events, or a duration over positions.
    """
    moments = _read_moments(events, window)
    if isinstance(window, timedelta):
        return tuple(_cut_time(moments, window, max(min_rows, 1), as_of))
    return tuple(_cut_rows(moments, window, min_rows, is_time=_is_time(events)))


def label_batches(known_at: Events, window: Span, min_labels: int, as_of: Moment | None = None) -> tuple[int, ...]:
    """Return the sizes of the batches in which losses reach the detectors, oldest first.

    `known_at` are the sorted moments at which the labels were known. Batches are cut like windows, so each holds at
    least `min_labels`; the unfinished last one is left out and comes later, whole.
    """
    return tuple(batch.rows for batch in cut(known_at, window, min_labels, as_of))


def count_outcomes(cuts: Sequence[Cut], known: NDArray[np.bool_]) -> tuple[Window, ...]:
    """Return each cut as a Window with its coverage; `known` says row by row whether the Outcome has arrived."""
    return tuple(Window(one.start, one.end, one.rows, int(known[one.first : one.last].sum())) for one in cuts)


def is_mature(window: Window | Cut, as_of: Moment, matures_after: timedelta) -> bool:
    """Return whether every Outcome of the window is due at `as_of`; one still missing then counts as missing, not late.

    Positions of a file have no clock: there a window is mature as soon as it is over.
    """
    if isinstance(window.end, datetime) and isinstance(as_of, datetime):
        return as_of >= window.end + matures_after
    if isinstance(window.end, int) and isinstance(as_of, int):
        return as_of >= window.end
    return True


def _is_time(events: Events) -> bool:
    return np.issubdtype(events.dtype, np.datetime64)


def _read_moments(events: Events, window: Span) -> NDArray[np.int64]:
    """Return the events as whole numbers: positions, or microseconds since 1970."""
    if isinstance(window, timedelta) and not _is_time(events):
        raise ValueError("positions cannot be cut by a duration: give the window as a number of rows")
    if (window // TICK if isinstance(window, timedelta) else window) <= 0:
        raise ValueError(f"a window must be longer than nothing, got {window}")
    if _is_time(events) and np.isnat(events).any():
        raise ValueError("every row needs an event time, some have none")
    whole = events.astype("datetime64[us]") if _is_time(events) else events
    moments: NDArray[np.int64] = whole.astype(np.int64)
    if moments.size > 1 and (np.diff(moments) < 0).any():
        raise ValueError("events must be sorted")
    return moments


def _cut_time(moments: NDArray[np.int64], window: timedelta, min_rows: int, as_of: Moment | None) -> Iterator[Cut]:
    """Yield windows at multiples of the duration, small ones joined to the next."""
    length = window // TICK
    numbers, begins = np.unique(moments // length, return_index=True)
    first = start = 0
    for number, (begin, last) in zip(numbers.tolist(), pairwise([*begins.tolist(), len(moments)]), strict=True):
        start = number if begin == first else start
        end = _moment((number + 1) * length)
        if isinstance(as_of, datetime) and end > as_of:
            return
        if last - first >= min_rows:
            yield Cut(_moment(start * length), end, first, last)
            first = last


def _cut_rows(moments: NDArray[np.int64], window: int, min_rows: int, *, is_time: bool) -> Iterator[Cut]:
    """Yield windows of equal numbers of rows: the smallest multiple of `window` that holds `min_rows`."""
    size = window * max(-(-min_rows // window), 1)
    for last in range(size, len(moments) + 1, size):
        first = last - size
        start, end = int(moments[first]), int(moments[last - 1]) + 1
        yield Cut(_moment(start), _moment(end), first, last) if is_time else Cut(start, end, first, last)


def _moment(microseconds: int) -> datetime:
    return EPOCH + microseconds * TICK
