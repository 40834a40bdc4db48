"""The only module that knows the time. Every step takes `as_of` instead."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from trimtab.errors import UsageError

_VARIANT = {digit: "89ab"[place % 4] for place, digit in enumerate("0123456789abcdef")}
"""The four hex digits that say "as RFC 9562", which share their digit with two random bits."""


def now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


def monotonic_ns() -> int:
    """Return nanoseconds of a clock that never goes back; only differences mean anything."""
    return time.perf_counter_ns()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def uuid7() -> str:
    """Return a new time-ordered identifier (RFC 9562, version 7): Unix milliseconds, a fraction of one, randomness.

    The twelve bits after the milliseconds count 244 ns each (section 6.2, method 3), so that what one process makes
    sorts in the order of making.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    stamp, noise = f"{milliseconds:012x}", os.urandom(8).hex()
    return f"{stamp[:8]}-{stamp[8:]}-7{fraction:03x}-{_VARIANT[noise[0]]}{noise[1:4]}-{noise[4:]}"


def uuid7_stem() -> str:
    """Return a new version 7 identifier without its last six hex digits, which count the members of one batch.

    So a batch of up to 16,777,216 is named by its first and its last member (RFC 9562, section 6.2, method 1).
    """
    return uuid7()[:-6]


def made_at(identifier: str) -> datetime | None:
    """Return when a version 7 identifier was made, to the millisecond, or None where it is no such identifier."""
    try:
        value = UUID(identifier)
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def parse(text: str) -> datetime:
    """Return the UTC moment of an RFC 3339 text; a naive one is refused, because it could mean any zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text[:40]}' is not a time.", hint="write it as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise UsageError(
            f"'{text[:40]}' has no time zone.", hint="add Z for UTC, or an offset such as +01:00, to the time"
        )
    return moment.astimezone(UTC)
