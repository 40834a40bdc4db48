"""E-values by betting: evidence against a claim that may be looked at after every row without losing its guarantee.

Claim: the mean gain per row is at most 0. A bettor starts with 1 and stakes the same share `bet` of the wealth on
every row, so a row with gain g multiplies the wealth by 1 + bet g. If the claim holds, the expected wealth never
exceeds 1, and it ever reaches A with a chance of at most 1/A (Ville 1939), as long as each gain has a mean of at most 0
given the rows before it. Several bets side by side, each with the same share of the first wealth, keep the guarantee
and need no tuning. Logarithms throughout: wealth overflows a float after some thousand rows.

Source: Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting, JRSS-B 86(1).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics.base import Losses
from trimtab.nouns import Interval

# Wealth grows per row by about bet x mean - bet^2 x variance / 2. A bet that is off by a factor of sqrt(2) from the
# best one still earns over 80 % of its growth, so five doubling steps cover a range of 16 in the unknown effect.
STEPS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


def log_growth(gains: Losses, bets: Sequence[float], sizes: Sequence[int]) -> NDArray[np.float64]:
    """Return the log of each bet's growth in each batch, shape (batches, bets).

    `sizes` are the rows of each batch, oldest first, all at least 1. ValueError where a bet could lose more than all.
    """
    values = np.asarray(gains, dtype=np.float64)[: sum(sizes)]
    if values.size < sum(sizes):
        raise ValueError(f"batches name {sum(sizes)} rows, but there are {values.size}")
    if values.size == 0:
        return np.zeros((0, len(bets)))
    if 1.0 + max(bets) * float(values.min()) <= 0.0:
        raise ValueError(f"a bet of {max(bets)} loses everything on a gain of {values.min()}")
    starts = np.cumsum([0, *sizes[:-1]])
    return np.stack([np.add.reduceat(np.log1p(bet * values), starts) for bet in bets], axis=1)


def log_evidence(gains: Losses, bets: Sequence[float]) -> float:
    """Return the log of the e-value against "the mean gain is at most 0", averaged over the bets; 0.0 without rows."""
    values = np.asarray(gains, dtype=np.float64)
    return log_mean(log_growth(values, bets, (values.size,) if values.size else ()).sum(axis=0))


def log_mean(logs: NDArray[np.float64]) -> float:
    """Return the log of the mean of exp(logs), without overflow."""
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).mean())) if np.isfinite(top) else top


def from_log(value: float) -> float:
    """Return exp(value), cut at 1e300 so that it stays a number that JSON can carry."""
    return float(np.exp(min(value, 690.0)))


def risk_limit(reference: Interval, absolute: float, relative: float) -> float:
    """Return the highest risk that still counts as the reference's: its upper end plus the tolerance.

    Tolerance = max(absolute, relative x estimate). The upper end, because the hold-out itself was a sample.
    """
    return reference.high + max(absolute, relative * reference.value)
