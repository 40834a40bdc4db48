"""Parts of the rows: how good the answers are on each declared one, and on which ones they are surely worse.

A search over many parts finds bad ones by chance. So it looks at one half of the rows, and what it found is measured on
the other half, which it has not seen (honest estimation, Athey & Imbens 2016); only what is worse there too is told,
with intervals that hold for all of the found ones together (Bonferroni).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.base import Losses
from trimtab.metrics.compare import mean_interval
from trimtab.metrics.figures import figure
from trimtab.nouns import Interval

MOST_VALUES = 20
MOST_PAIRED = 40
"""Columns of which pairs are searched: those with the worst single parts."""
MOST_FOUND = 5
LEAST_ROWS = 30
LEAST_SHARE = 0.01
BINS = 4

Mask = NDArray[np.bool_]
Measure = Callable[[Mask], Mapping[str, Interval]]


@dataclass(frozen=True, slots=True)
class Parting:
    """A column cut into few parts: each row's part, -1 for none, and what the parts are called.

    `edges` are those between parts that are ranges of numbers; () where parts are values.
    """

    column: str
    codes: NDArray[np.int64]
    names: tuple[str, ...]
    edges: tuple[float, ...] = ()

    def find_range(self, code: int) -> tuple[float, float] | None:
        """Return the numbers of a part, above the first and up to the second; None where it is a value, or missing."""
        ends = (-np.inf, *self.edges, np.inf)
        return (ends[code], ends[code + 1]) if self.edges and code <= len(self.edges) else None


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows where each column of `where` has that part; how bad they are, and how much worse than all others.

    `rows` counts the slice; `loss` and `metrics` are measured on those of them that did not serve to find it.
    """

    where: Mapping[str, str]
    rows: int
    loss: Interval
    difference: Interval
    metrics: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Found:
    """The slices that are surely worse, the worst first, and how many were looked at for them."""

    slices: tuple[Slice, ...]
    candidates: int


def part_by_value(column: str, values: Sequence[object]) -> Parting:
    """Return the parting by value: the 20 most frequent ones, and None as "missing"; other rows have no part."""
    names, codes, rows = np.unique(name_values(values), return_inverse=True, return_counts=True)
    order = np.lexsort((names, -rows))[:MOST_VALUES]
    place = np.full(len(names), -1)
    place[order] = np.arange(len(order))
    return Parting(column, place[codes].astype(np.int64), tuple(str(names[one]) for one in order))


def name_values(values: Sequence[object]) -> NDArray[np.str_]:
    """Return what values are called as parts; None is "missing"."""
    return np.array(["missing" if value is None else _name(value) for value in values], dtype=object).astype(str)


def part_by_size(column: str, numbers: NDArray[np.float64], tell: Callable[[float], str] = figure) -> Parting:
    """Return the parting of numbers at their quartiles, NaN as "missing"; few distinct numbers part by value."""
    known = np.unique(numbers[np.isfinite(numbers)])
    if len(known) <= 2 * BINS:
        return part_by_value(column, [None if not np.isfinite(one) else tell(float(one)) for one in numbers])
    edges = np.unique(np.quantile(numbers[np.isfinite(numbers)], np.arange(1, BINS) / BINS))
    codes = np.searchsorted(edges, numbers, side="left").astype(np.int64)
    codes[~np.isfinite(numbers)] = len(edges) + 1
    told = [tell(float(edge)) for edge in edges]
    between = [f"above {low} to {high}" for low, high in pairwise(told)]
    names = (f"up to {told[0]}", *between, f"above {told[-1]}", "missing")
    return Parting(column, codes, names, tuple(map(float, edges)))


def measure_slices(partings: Sequence[Parting], losses: Losses, measure: Measure) -> tuple[Slice, ...]:
    """Return every part of every parting that has 30 rows or more, measured; nothing is corrected for their number."""
    found = []
    for parting in partings:
        for code, name in enumerate(parting.names):
            rows = parting.codes == code
            if rows.sum() >= LEAST_ROWS:
                difference = _difference(losses[rows], losses[~rows], 0.05)
                loss = mean_interval(losses[rows])
                found.append(Slice({parting.column: name}, int(rows.sum()), loss, difference, measure(rows)))
    return tuple(found)


def find_slices(partings: Sequence[Parting], losses: Losses, measure: Measure, *, seed: int) -> Found:
    """Return the worst slices of one or two columns that are worse than the rest on rows the search had not seen.

    `losses` are one per row, smaller is better. The search ranks by how much worse a slice surely is, all candidates
    taken into account; at most five, with no part in common and little overlap, are measured on the other half.
    """
    searched = np.random.default_rng(seed).permutation(len(losses)) < len(losses) // 2
    candidates = _rank(partings, losses, searched)
    kept: list[tuple[Mask, Mapping[str, str]]] = []
    told: set[tuple[str, int]] = set()
    for _, members in sorted(candidates, key=lambda one: (-one[0], [(part.column, code) for part, code in one[1]])):
        if len(kept) == MOST_FOUND:
            break
        names = {(part.column, code) for part, code in members}
        if names & told:  # what was found already makes whatever shares a part with it look bad, too
            continue
        rows = np.logical_and.reduce([part.codes == code for part, code in members])
        if not any(_overlap(rows, other) > 0.5 for other, _ in kept):
            kept.append((rows, {part.column: part.names[code] for part, code in members}))
            told |= names
    slices = []
    for rows, where in kept:
        inside, outside = rows & ~searched, ~rows & ~searched
        difference = _difference(losses[inside], losses[outside], 0.05 / max(len(kept), 1))
        if difference.low > 0.0:
            slices.append(Slice(where, int(rows.sum()), mean_interval(losses[inside]), difference, measure(inside)))
    slices.sort(key=lambda one: -one.difference.value)
    return Found(tuple(slices), len(candidates))


Members = tuple[tuple[Parting, int], ...]


def _rank(partings: Sequence[Parting], losses: Losses, searched: Mask) -> list[tuple[float, Members]]:
    """Return the candidates that the search half makes look worse than the rest, each with how sure that is."""
    half = losses[searched]
    least = max(LEAST_ROWS / 2, LEAST_SHARE * len(half))
    cells: list[tuple[NDArray[np.float64], list[Members]]] = []
    worst = []
    for part in partings:
        found = _excess(part.codes[searched], len(part.names), half, least)
        cells.append((found, [((part, code),) for code in range(len(part.names))]))
        worst.append(np.nanmax(found[0] / found[1], initial=-np.inf))
    order = sorted(range(len(partings)), key=lambda one: (-worst[one], one))[:MOST_PAIRED]
    for one, other in combinations(sorted(order), 2):
        a, b = partings[one], partings[other]
        codes, width = a.codes[searched] * len(b.names) + b.codes[searched], len(a.names) * len(b.names)
        codes = np.where((a.codes[searched] < 0) | (b.codes[searched] < 0), -1, codes)
        places = [divmod(place, len(b.names)) for place in range(width)]
        cells.append((_excess(codes, width, half, least), [((a, left), (b, right)) for left, right in places]))
    tried = sum(int(np.isfinite(excess[0]).sum()) for excess, _ in cells)
    sure = NormalDist().inv_cdf(1.0 - 0.05 / max(2 * tried, 2))
    return [
        (float(excess - sure * error), members)
        for found, names in cells
        for excess, error, members in zip(*found, names, strict=True)
        if np.isfinite(excess)
    ]


def _excess(codes: NDArray[np.int64], width: int, losses: Losses, least: float) -> NDArray[np.float64]:
    """Return for each part how much more its mean row loses than the others' and the standard error (Welch 1947).

    Shape (2, width); NaN where the part or its rest has too few rows.
    """
    inside = codes >= 0
    rows = np.bincount(codes[inside], minlength=width).astype(np.float64)
    sums = np.bincount(codes[inside], weights=losses[inside], minlength=width)
    squares = np.bincount(codes[inside], weights=np.square(losses[inside]), minlength=width)
    others = len(losses) - rows
    enough = (rows >= least) & (others >= least) & (rows >= 2) & (others >= 2)
    found = np.full((2, width), np.nan)
    n, m = rows[enough], others[enough]
    mean, rest = sums[enough] / n, (losses.sum() - sums[enough]) / m
    spread = np.maximum(squares[enough] / n - mean**2, 0.0) / (n - 1)
    spread += np.maximum((np.square(losses).sum() - squares[enough]) / m - rest**2, 0.0) / (m - 1)
    found[0, enough], found[1, enough] = mean - rest, np.sqrt(np.maximum(spread, 1e-300))
    return found


def _difference(inside: Losses, outside: Losses, alpha: float) -> Interval:
    """Return how much more the mean row inside loses, with an interval that holds with 1 - alpha (Welch 1947)."""
    if len(inside) < 2 or len(outside) < 2:
        return Interval(float("nan"), float("nan"), float("nan"), len(inside))
    value = float(inside.mean() - outside.mean())
    error = np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    reach = NormalDist().inv_cdf(1.0 - alpha / 2.0) * float(error)
    return Interval(value, value - reach, value + reach, len(inside))


def _overlap(rows: Mask, others: Mask) -> float:
    """Return the share of the smaller one of two slices that lies in the other."""
    least = min(int(rows.sum()), int(others.sum()))
    return float((rows & others).sum() / least) if least else 1.0


def _name(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
