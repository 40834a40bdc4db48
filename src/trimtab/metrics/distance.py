"""How far two profiles of one column are apart: effect sizes, and what chance alone would make of them at these rows.

    distance      numbers: Kolmogorov-Smirnov, the largest gap between the two distribution functions;
                  categories: total variation, the share of rows that would have to change
    psi           population stability index, over at most 20 groups of bins
    js            Jensen-Shannon divergence in bits, 0 to 1, over the same groups
    chi_squared   Pearson's statistic of the two rows of counts, over the same groups, with its p-value

Each has a floor: what two samples of one distribution exceed with probability `chance`. Nulls are a group of their own.
Rows of one window often resemble each other more than chance allows for, so being above the floor says that the rows
differ, not that it matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi, sqrt
from statistics import NormalDist

import numpy as np

from trimtab.metrics.bins import Counts, Floats, NumberBins
from trimtab.metrics.profile import ColumnProfile

CHANCE = 1e-3
LEAST_SHARE = 0.05
"""A group holds at least this share of the reference, so that small windows can fill it."""
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a window is from its reference. Every `floor` is of the figure before it.

    `shift` is the chance that a row of the window lies above one of the reference, less the chance that it lies below:
    -1 to 1, 0 for categories. `nulls` is how much larger the share of nulls is, `unlisted` that of values without bin.
    `rows` are of the window.
    """

    distance: float
    distance_floor: float
    psi: float
    psi_floor: float
    js: float
    js_floor: float
    chi_squared: float
    p_value: float
    shift: float
    nulls: float
    unlisted: float
    rows: int


def measure_distance(reference: ColumnProfile, window: ColumnProfile, *, chance: float = CHANCE) -> Distance:
    """Return how far a window is from its reference, both counted over the same bins.

    Without rows on either side nothing is measured: every figure is 0 and its floor 1.
    """
    sizes = reference.rows, window.rows
    if not all(sizes):
        return Distance(0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, window.rows)
    noise = 1.0 / sizes[0] + 1.0 / sizes[1]
    groups = _group(reference, window)
    freedom = max(groups.shape[1] - 1, 1)
    limit = noise * chi_squared_quantile(1.0 - chance, freedom)
    statistic = _chi_squared(groups)
    distance, floor, shift = _measure_bins(reference, window, chance)
    return Distance(
        distance=distance,
        distance_floor=floor,
        psi=_psi(groups),
        psi_floor=limit,
        js=_jensen_shannon(groups),
        js_floor=limit / (8.0 * log(2.0)),
        chi_squared=statistic,
        p_value=chi_squared_tail(statistic, freedom),
        shift=shift,
        nulls=window.null_share - reference.null_share,
        unlisted=window.unlisted_share - reference.unlisted_share,
        rows=window.rows,
    )


def _measure_bins(reference: ColumnProfile, window: ColumnProfile, chance: float) -> tuple[float, float, float]:
    """Return the distance of the values that are known, its floor, and which way they moved."""
    sizes = reference.known, window.known
    if not all(sizes):
        return 0.0, 1.0, 0.0
    noise = 1.0 / sizes[0] + 1.0 / sizes[1]
    if isinstance(reference.bins, NumberBins):
        floor = sqrt(noise * log(2.0 / chance) / 2.0)
        return kolmogorov_smirnov(reference.counts, window.counts), floor, _shift(reference.counts, window.counts)
    shares = (reference.counts + window.counts) / sum(sizes)
    usual = float(np.sqrt(shares * (1.0 - shares) * noise / (2.0 * pi)).sum())
    return total_variation(reference.counts, window.counts), usual + sqrt(noise * log(1.0 / chance) / 2.0), 0.0


def kolmogorov_smirnov(first: Counts, second: Counts) -> float:
    """Return the largest gap between the distribution functions of two rows of counts over the same ordered bins."""
    return float(np.abs(np.cumsum(first) / first.sum() - np.cumsum(second) / second.sum()).max())


def total_variation(first: Counts, second: Counts) -> float:
    """Return the share of rows that would have to change for two rows of counts to be in proportion."""
    return float(np.abs(first / first.sum() - second / second.sum()).sum()) / 2.0


def _shift(first: Counts, second: Counts) -> float:
    """Return P(second > first) - P(second < first), ties within a bin counting half (Cliff's delta)."""
    below = np.cumsum(first) - first
    above = first.sum() - below - first
    return float((second * (below - above)).sum() / (float(first.sum()) * float(second.sum())))


def _group(reference: ColumnProfile, window: ColumnProfile) -> Floats:
    """Return (2, groups): the counts of both in groups of bins that hold enough of the reference, and the nulls."""
    counts = np.stack([reference.counts, window.counts])
    starts = _starts(reference.counts) if reference.known else [0]
    groups = np.add.reduceat(counts, starts, axis=1)
    nulls = np.array([[reference.nulls], [window.nulls]])
    return np.concatenate([groups, nulls], axis=1).astype(np.float64) if nulls.any() else groups.astype(np.float64)


def _starts(counts: Counts) -> Sequence[int]:
    """Return where the groups begin: each ends with the bin that fills it, and a rest too small joins the last one."""
    least, filled, starts = LEAST_SHARE * counts.sum(), 0.0, [0]
    for place, count in enumerate(counts[:-1].tolist()):
        filled += count
        if filled >= least:
            starts.append(place + 1)
            filled = 0.0
    if len(starts) > 1 and filled + counts[-1] < least:
        starts.pop()
    return starts


def _shares(groups: Floats) -> Floats:
    """Return the shares of both rows, half a row added to each group: an empty one has no logarithm."""
    grown = groups + 0.5
    shares: Floats = grown / grown.sum(axis=1, keepdims=True)
    return shares


def _psi(groups: Floats) -> float:
    first, second = _shares(groups)
    return float(((second - first) * np.log(second / first)).sum())


def _jensen_shannon(groups: Floats) -> float:
    shares = _shares(groups)
    return float((shares * np.log2(shares / shares.mean(axis=0))).sum()) / 2.0


def _chi_squared(groups: Floats) -> float:
    held = groups[:, groups.sum(axis=0) > 0]
    expected = np.outer(held.sum(axis=1), held.sum(axis=0)) / held.sum()
    return float(((held - expected) ** 2 / expected).sum())


def chi_squared_quantile(share: float, freedom: int) -> float:
    """Return the quantile of a chi-squared variable: exact for one degree of freedom, else Wilson & Hilferty (1931).

    Within 3 % up to a share of .999; beyond it is too large rather than too small, so a floor may only be too high.
    """
    if freedom == 1:
        return NORMAL.inv_cdf((1.0 + share) / 2.0) ** 2
    spread = 2.0 / (9.0 * freedom)
    return float(freedom * max(1.0 - spread + NORMAL.inv_cdf(share) * sqrt(spread), 0.0) ** 3)


def chi_squared_tail(value: float, freedom: int) -> float:
    """Return the probability that a chi-squared variable exceeds a value: the inverse of the quantile."""
    if freedom == 1:
        return 2.0 * NORMAL.cdf(-sqrt(value))
    spread = 2.0 / (9.0 * freedom)
    return NORMAL.cdf((1.0 - spread - (value / freedom) ** (1.0 / 3.0)) / sqrt(spread))
