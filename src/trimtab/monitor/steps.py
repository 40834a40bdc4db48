"""When a column changed, among the last Windows, and whether at once or little by little."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from trimtab.metrics.bins import Floats, NumberBins
from trimtab.metrics.profile import ColumnProfile
from trimtab.monitor.seen import Seen

BREAK = 8
"""Windows in which a break is looked for."""
TURN = 0.15
"""A column's place has turned where it came back by this much (its range is -1 to 1)."""


@dataclass(frozen=True, slots=True)
class Step:
    """The sharpest division of some Windows in an older and a newer part.

    before    the older part, merged
    sample    numbers of the older part: the quantiles of each of its Windows
    ago       how many Windows the newer part has: 1 means that it began with the newest
    gap       how far the newest Window is from the older part; chance alone taken off
    jump      the same from the last Window before the division to the first after it
    usual     the largest such jump within the older part; 0 where that has one Window
    """

    before: ColumnProfile
    sample: Floats
    ago: int
    gap: float
    jump: float
    usual: float

    @property
    def abrupt(self) -> float:
        """Share of the gap that came at once."""
        return min(self.jump / self.gap, 1.0) if self.gap > 0.0 else 0.0


def find_step(windows: Sequence[Seen], name: str, *, nulls: bool = False) -> Step | None:
    """Return the sharpest division of Windows, oldest first, in one column; None for fewer than two Windows.

    With `nulls` it is that of whether there is a value, else that of the values.
    """
    if len(windows) < 2:
        return None
    profiles = [one.features.columns[name] for one in windows]
    ordered = isinstance(profiles[0].bins, NumberBins)
    counts = _count_samples(windows, name) if ordered else np.stack([one.counts for one in profiles]).astype(float)
    counts = np.array([[one.known, one.nulls] for one in profiles], dtype=float) if nulls else counts
    ordered = ordered and not nulls
    ahead = np.cumsum(counts, axis=0)
    gaps = [_gap(one, ahead[-1] - one, ordered=ordered) * _weight(one, ahead[-1] - one) for one in ahead[:-1]]
    place = int(np.argmax(gaps)) + 1
    jumps = [_gap(*pair, ordered=ordered) for pair in pairwise(counts)]
    sample = np.concatenate([one.samples[name] for one in windows[:place]]) if ordered else np.empty(0)
    return Step(
        merge_all(profiles[:place]),
        sample,
        len(windows) - place,
        _gap(ahead[place - 1], counts[-1], ordered=ordered),
        jumps[place - 1],
        max(jumps[: place - 1], default=0.0),
    )


def _count_samples(windows: Sequence[Seen], name: str) -> Floats:
    """Return (windows, bins): rows between any two numbers that stand in the samples, a sample standing for its rows.

    The reference's own bins end where the fitted rows did; what moves beyond them moves here, too.
    """
    edges = np.unique(np.concatenate([one.samples[name] for one in windows]))
    found = np.zeros((len(windows), edges.size))
    for place, one in enumerate(windows):
        sample = one.samples[name]
        if sample.size:
            known = one.features.columns[name].known
            found[place] = np.bincount(np.searchsorted(edges, sample), minlength=edges.size) * (known / sample.size)
    return found


def merge_all(windows: Sequence[ColumnProfile]) -> ColumnProfile:
    """Return the profile of all Windows together."""
    found = windows[0]
    for one in windows[1:]:
        found = found.merge(one)
    return found


def _weight(first: Floats, second: Floats) -> float:
    rows = float(first.sum()), float(second.sum())
    return sqrt(rows[0] * rows[1] / max(sum(rows), 1.0))


def _gap(first: Floats, second: Floats, *, ordered: bool) -> float:
    """Return Kolmogorov-Smirnov's distance, or total variation, less what chance makes of it in the mean."""
    rows = float(first.sum()), float(second.sum())
    if not all(rows):
        return 0.0
    shares, noise = (first / rows[0], second / rows[1]), 1.0 / rows[0] + 1.0 / rows[1]
    if ordered:
        ahead = np.abs(np.cumsum(shares[0]) - np.cumsum(shares[1]))
        return max(float(ahead.max()) - 0.87 * sqrt(noise), 0.0)  # the mean of Kolmogorov's distribution
    pooled = (first + second) / sum(rows)
    usual = float(np.sqrt(pooled * (1.0 - pooled) * noise / (2.0 * pi)).sum())
    return max(float(np.abs(shares[0] - shares[1]).sum()) / 2.0 - usual, 0.0)


def name_form(places: Sequence[float], step: Step) -> str:
    """Return how a column moved: "step", "slow", "season", or "" where its places show none of them.

    `places` say where it stood in each Window, oldest first, from -1 to 1.
    """
    if step.abrupt >= 0.6 and step.jump > step.usual:
        return "step"
    if len(places) < 4:
        return ""
    smooth = np.convolve(np.array(places), np.ones(3) / 3.0, mode="valid")
    if _count_turns(smooth) >= 1:
        return "season"
    return "slow" if abs(smooth[-1] - smooth[0]) > TURN and step.ago > 1 else ""


def _count_turns(places: Floats) -> int:
    """Return how often the places turned back by more than `TURN`."""
    turns, direction, extreme = 0, 0, places[0]
    for place in places[1:].tolist():
        if direction >= 0 and place < extreme - TURN:
            turns, direction, extreme = turns + (direction > 0), -1, place
        elif direction <= 0 and place > extreme + TURN:
            turns, direction, extreme = turns + (direction < 0), 1, place
        elif (direction > 0 and place > extreme) or (direction < 0 and place < extreme):
            extreme = place
    return turns
