"""Numbers as people read them in a sentence: three telling digits, thousands with commas, never an exponent."""

from collections.abc import Mapping
from math import floor, isfinite, log10

from trimtab.nouns import Interval


def figure(value: float) -> str:
    """Return the number with three significant digits, or whole with commas from 1,000 on.

    >>> figure(0.02134), figure(1840.2), figure(12), figure(0.0), figure(float("nan"))
    ('0.0213', '1,840', '12', '0', 'unknown')
    """
    if not isfinite(value):
        return "unknown"
    if value >= 1e15:
        return "more than 10^15"
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{_decimals(value)}f}"


def spread(interval: Interval) -> str:
    """Return an estimate with its interval, all three with the same decimals.

    >>> spread(Interval(0.0213, 0.0119, 0.0304, 612))
    '0.0213 [0.0119, 0.0304]'
    """
    if not (isfinite(interval.low) and isfinite(interval.high)):
        return f"{figure(interval.value)} [unknown]"
    decimals = _decimals(max(abs(interval.value), (interval.high - interval.low) / 2))
    return f"{interval.value:,.{decimals}f} [{interval.low:,.{decimals}f}, {interval.high:,.{decimals}f}]"


def count(number: int, thing: str) -> str:
    """Return a number with its noun, plural where it must be.

    >>> count(1, "prediction"), count(1200, "outcome"), count(2, "batch")
    ('1 prediction', '1,200 outcomes', '2 batches')
    """
    if number == 1:
        return f"{number:,} {thing}"
    return f"{number:,} {thing}{'es' if thing.endswith(('ch', 'sh', 's', 'x')) else 's'}"


def list_settings(settings: Mapping[str, object]) -> str:
    """Return a model's settings on one line; those of an average or an ensemble, member by member.

    >>> list_settings({"leaves": 7, "rate": 0.0312345}), list_settings({"members": ({"leaves": 7}, {"leaves": 31})})
    ('leaves 7, rate 0.0312', 'members (leaves 7) (leaves 31)')
    """
    return ", ".join(f"{name} {show_setting(value)}" for name, value in settings.items())


def show_setting(value: object) -> str:
    """Return one setting's value."""
    if isinstance(value, (list, tuple)):
        return " ".join(f"({list_settings(one)})" if isinstance(one, Mapping) else str(one) for one in value)
    if isinstance(value, Mapping):
        return f"({list_settings(value)})"
    return figure(value) if isinstance(value, float) else str(value)


def _decimals(value: float) -> int:
    """Return how many decimals show three significant digits; never more than 8."""
    return min(max(2 - floor(log10(abs(value))), 0), 8) if value else 3
