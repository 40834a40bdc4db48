"""Whether a column's numbers are the old ones in another unit: multiplied by something, or Celsius and Fahrenheit.

A factor and a shift of one's own would explain any move of a bell curve, so the only shift allowed is a known one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log

import numpy as np

from trimtab.metrics.bins import Floats

SAME = 0.4
"""Factors within e^-.4 and e^.4 are no other unit: prices and sizes change by as much."""
LARGE = 2.0
"""Beyond e^2 nothing in nature changes from one Window to the next; what is left then may be a season's own move."""
NEAR = 0.03
ROUGH = 0.25
"""A known factor this near (in logarithms) to what typical sizes say is tried, too."""
KNOWN = {
    10.0: "ten", 12.0: "dozens", 24.0: "days and hours", 60.0: "minutes and seconds", 100.0: "hundredths",
    1000.0: "thousands", 3600.0: "hours and seconds", 1e6: "millions", 1.8: "Fahrenheit and Celsius",
    2.54: "inches and centimetres", 3.28084: "metres and feet", 3.6: "m/s and km/h", 1.609344: "miles and kilometres",
    1.852: "knots and km/h", 2.20462: "kilograms and pounds", 4.184: "calories and joules", 28.3495: "ounces and grams",
    3.78541: "gallons and litres", 1.94384: "m/s and knots", 2.23694: "m/s and mph",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """The change of unit that explains most: new = factor x old + shift; the distance with it, and with it undone."""

    factor: float
    shift: float
    distance: float
    left: float

    @property
    def explained(self) -> float:
        """Share of the distance that goes when the change is undone."""
        return 1.0 - self.left / self.distance if self.distance > 0.0 else 0.0

    @property
    def is_large(self) -> bool:
        """Whether the factor is beyond what changes by itself."""
        return abs(log(self.factor)) > LARGE

    @property
    def name(self) -> str:
        """The units that differ by this factor, "" where none is known."""
        for known, name in KNOWN.items():
            if abs(abs(log(self.factor)) - log(known)) < NEAR:
                return name
        return ""


def find_unit(old: Floats, new: Floats) -> Unit | None:
    """Return the change of unit between two samples of numbers; None where a factor says nothing."""
    if not old.size or not new.size:
        return None
    ordered, distance = np.sort(old), _distance(old, new)
    found = [
        Unit(factor, shift, distance, _distance(ordered, (new - shift) / factor))
        for factor, shift in _propose(ordered, new)
    ]
    return min(found, key=lambda one: one.left - (0.01 if one.name else 0.0), default=None)


def _distance(old: Floats, new: Floats) -> float:
    """Return Kolmogorov-Smirnov's distance of two samples."""
    both = np.concatenate([old, new])
    ahead = [np.searchsorted(np.sort(one), both, side="right") / one.size for one in (old, new)]
    return float(np.abs(ahead[0] - ahead[1]).max())


def _propose(old: Floats, new: Floats) -> Iterator[tuple[float, float]]:
    """Yield (factor, shift): what typical sizes say, the known factors near it, and the two scales of warmth."""
    sizes = [np.abs(one[one != 0.0]) for one in (old, new)]
    if not all(one.size for one in sizes):
        return
    ratio = float(np.median(sizes[1]) / np.median(sizes[0]))
    if not isfinite(ratio) or ratio <= 0.0:
        return
    if abs(log(ratio)) > SAME:
        yield ratio, 0.0
    for known in KNOWN:
        yield from ((factor, 0.0) for factor in (known, 1.0 / known) if abs(log(factor / ratio)) < ROUGH)
    yield 1.8, 32.0
    yield 1.0 / 1.8, -32.0 / 1.8
