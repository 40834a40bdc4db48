"""What a database source remembers: how far the cursor is, where to begin again, and what it gave from there on.

Rows come in the order (cursor, key). The next read begins at the cursor's highest value less the overlap, or at that
value itself, so that rows committed late, and rows that tie with the last one, are found; what was given before is
known by a hash of the whole row and not given again. Only rows behind the beginning need to be remembered, so memory
and position stay bounded: beyond MOST rows the beginning moves up and the overlap is shorter than asked.
"""

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from trimtab.errors import ConfigError

MOST = 100_000
"""Rows that are remembered at most: about 1.6 MB of position."""

DIGEST = 12


class Place(NamedTuple):
    """A place in the order of a table: a value of the cursor, and the key's values where it is one certain row."""

    cursor: Any
    key: tuple[Any, ...] | None


class Window:
    """What was given, as it grows during one read; `as_json` is what is kept with the rows."""

    def __init__(self, since: Mapping[str, Any] | None, overlap: timedelta) -> None:
        kept = since or {}
        self._overlap = overlap
        self.high = decode(kept.get("cursor"))
        self.begin = _decode_place(kept.get("begin"))
        self.shortened = bool(kept.get("shortened", False))
        self._before = _unpack(kept.get("seen", ""))
        self._given: deque[tuple[Place, bytes]] = deque()
        self._now: set[bytes] = set()

    def is_given(self, digest: bytes) -> bool:
        """Whether a row was given, in this read or before."""
        return digest in self._before or digest in self._now

    def is_beyond(self, cursor: Any) -> bool:
        """Whether a cursor's value is higher than every one met before; values of two kinds have no order here."""
        with suppress(TypeError):
            return self.high is None or bool(cursor > self.high)
        return False

    def move(self, high: Any) -> None:
        """Take a new highest value of the cursor: the next read begins an overlap before it.

        But never before the old beginning: what lies there is not remembered any more.
        """
        self.high = high
        begin = Place(go_back(high, self._overlap), None)
        if self.begin is None or _is_before(self.begin, begin):
            self.begin, self.shortened = begin, False

    def remember(self, rows: Sequence[tuple[Any, ...]], place: Callable[[tuple[Any, ...]], Place]) -> None:
        """Remember those of some rows, in their order, that the next read will meet again."""
        while self._given and self._is_left(self._given[0][0]):
            self._now.discard(self._given.popleft()[1])
        behind = []
        for row in reversed(rows):
            if self._is_left(place(row)):
                break
            behind.append(row)
        for row in reversed(behind):
            digest = digest_row(row)
            if digest not in self._now:
                self._now.add(digest)
                self._given.append((place(row), digest))
        self._shorten()

    def _is_left(self, place: Place) -> bool:
        return self.begin is not None and _is_before(place, self.begin)

    def _shorten(self) -> None:
        """Move the beginning up where too much is remembered, to a row that its key tells from the others."""
        while len(self._given) > MOST or (self.shortened and self._given and self._given[0][0].key is None):
            self._now.discard(self._given.popleft()[1])
            self.begin, self.shortened = self._given[0][0], True

    def finish(self) -> None:
        """Forget what was remembered before this read: all of it that still is there was met again."""
        self._before = set()

    def as_json(self) -> dict[str, Any]:
        """Return a copy in plain JSON values."""
        begin = None if self.begin is None else [encode(self.begin.cursor), _encode_key(self.begin.key)]
        seen = base64.b64encode(b"".join(sorted(self._before | self._now))).decode()
        return {"cursor": encode(self.high), "begin": begin, "shortened": self.shortened, "seen": seen}


def digest_row(values: Sequence[Any]) -> bytes:
    """Return a short hash of a row: 96 bits, so that two of a million rows are never taken for one."""
    # A session's time zone is how a moment is shown, not what it is.
    told = [one.astimezone(UTC) if isinstance(one, datetime) and one.tzinfo else one for one in values]
    return hashlib.blake2b(repr(told).encode(errors="surrogatepass"), digest_size=DIGEST).digest()


def go_back(cursor: Any, overlap: timedelta) -> Any:
    """Return the cursor's value an overlap earlier, in the same form: a time, a date or RFC 3339 text.

    Of text only the part down to seconds is returned, without fraction and zone: it sorts before every longer one.
    Raises ConfigError for other values where there is an overlap at all.
    """
    if not overlap:
        return cursor
    if isinstance(cursor, datetime):
        return cursor - overlap
    if isinstance(cursor, date):
        return cursor - timedelta(days=-(-overlap // timedelta(days=1)))
    if isinstance(cursor, str) and cursor[4:5] == "-":
        with suppress(ValueError):
            earlier = (datetime.fromisoformat(cursor).replace(tzinfo=None) - overlap).isoformat(cursor[10:11] or "T")
            return earlier[: min(len(cursor), len("2013-01-01T00:00:00"))]
    hint = 'set overlap = "0s", or name a column of times as the cursor'
    raise ConfigError("overlap is a stretch of time, and the cursor is no time.", hint=hint)


def encode(value: Any) -> Any:
    """Return a value as plain JSON: numbers, text and null as they are, others as {kind: text}."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, (Decimal, UUID)):
        return {type(value).__name__.lower(): str(value)}
    return value


def decode(value: Any) -> Any:
    """Return what `encode` was given."""
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _DECODERS[kind](text)


_DECODERS: dict[str, Callable[[str], Any]] = {
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
}


def _encode_key(key: tuple[Any, ...] | None) -> list[Any] | None:
    return None if key is None else [encode(part) for part in key]


def _decode_place(kept: Any) -> Place | None:
    if kept is None:
        return None
    cursor, key = kept
    return Place(decode(cursor), None if key is None else tuple(decode(part) for part in key))


def _unpack(text: str) -> set[bytes]:
    data = base64.b64decode(text)
    return {data[at : at + DIGEST] for at in range(0, len(data), DIGEST)}


def _is_before(place: Place, begin: Place) -> bool:
    """Whether a place comes before another; values of two kinds have no order here, and are kept."""
    with suppress(TypeError):
        if place.cursor != begin.cursor or begin.key is None:
            return bool(place.cursor < begin.cursor)
        return place.key is not None and place.key < begin.key
    return False
