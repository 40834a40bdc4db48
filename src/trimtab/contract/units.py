"""What a column's name and values say of its unit, and the limits that nothing in that unit can leave."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from trimtab.contract.reading import NUMBER
from trimtab.nouns.contract import Column, Range

UNITS: Final = frozenset({
    "km", "mi", "mile", "miles", "nm", "cm", "mm", "ft", "feet", "inch", "kg", "g", "mg", "lb", "lbs", "oz",
    "ms", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "hr", "hrs", "hour", "hours",
    "day", "days", "week", "weeks", "month", "months", "year", "years", "eur", "usd", "gbp", "chf", "pct",
    "percent", "%", "celsius", "fahrenheit", "kelvin", "mph", "kmh", "kph", "knots", "kwh", "mwh", "kw", "mw",
    "kb", "mb", "gb", "tb", "liter", "litre", "liters", "litres", "ml", "hpa", "mbar", "bar", "volt", "watt",
})  # fmt: skip
IMPOSSIBLE: Final[Mapping[str, Range]] = {
    "pct": (0.0, 100.0), "percent": (0.0, 100.0), "humidity": (0.0, 100.0), "humid": (0.0, 100.0),
    "lat": (-90.0, 90.0), "latitude": (-90.0, 90.0), "lon": (-180.0, 180.0), "lng": (-180.0, 180.0),
    "longitude": (-180.0, 180.0), "age": (0.0, 150.0), "probability": (0.0, 1.0), "hour": (0.0, 24.0),
    "kelvin": (0.0, float("inf")),
}  # fmt: skip
"""Limits by the last word of a name. A guess only where every value lies inside them."""


def notice_unit(column: Column, values: pl.Series) -> tuple[Column, tuple[str, ...]]:
    """Return a column of numbers with the unit that its name ends in, and the hard range of what it then can be."""
    word = _last_word(column.name)
    if column.type not in {"number", "integer"} or not word:
        return column, ()
    notes = []
    if word in UNITS:
        column = replace(column, unit=word)
        notes.append(f"the unit {word!r} is read from its name")
    limits = IMPOSSIBLE.get(word)
    if limits and values.len() and ((values >= limits[0]) & (values <= limits[1])).all():
        column = replace(column, hard=limits)
        notes.append(f"hard range {limits[0]:g} to {limits[1]:g}, since no {word!r} lies outside")
    return column, tuple(notes)


def unit_of_values(words: pl.Series) -> str:
    """Return the unit that stands behind every number of a column of texts, or an empty text.

    >>> unit_of_values(pl.Series(["12 km", "3.5 km"]))
    'km'
    """
    found = words.str.extract(f"^(?:{NUMBER})\\s*([A-Za-z%\u00b0\u20ac$]{{1,8}})$").unique()
    unit = found[0] if found.len() == 1 else None
    return str(unit) if unit is not None and (unit.lower() in UNITS or not unit.isalpha()) else ""


def _last_word(name: str) -> str:
    words = re.findall(r"[a-z%]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return words[-1] if words else ""
