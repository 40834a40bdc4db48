"""Names by content: one canonical text for a value, and the SHA-256 of it."""

import hashlib
import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTC times, dataclasses as objects.

    >>> canonical({"b": 1, "a": (2.5, None)})
    '{"a":[2.5,null],"b":1}'
    """
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(value: object, digits: int = 12) -> str:
    """Return the first hex digits of the SHA-256 of a value's canonical text (bytes are hashed as they are)."""
    data = value if isinstance(value, bytes) else canonical(value).encode()
    return hashlib.sha256(data).hexdigest()[:digits]


def plain(value: object) -> Any:
    """Return a value as JSON has it: dataclasses as objects, times as text."""
    return json.loads(canonical(value))


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical text")
