"""How far the interval of a number reaches from the answer, so that it holds the truth as often as promised.

A Version brings a half-width of its own, from rows before it answered (split conformal): a promise for rows like those.
Where the world moves, the promise is kept by outcomes. The half-width is the wanted quantile of the errors of the
answers that were given, over the newest twelve batches, times a factor that grows where intervals held less than
promised and shrinks where they held more. So the share held tends to what was promised whatever comes (Gibbs & Candes
2021, Adaptive conformal inference; the factor as in Angelopoulos, Candes & Tibshirani 2023, Conformal PID control).

Pure: plain numbers of constant size.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

REMEMBERED = 12
"""Batches whose errors are kept."""
POINTS = 64
"""Quantiles by which a batch is kept."""
STEP = 0.5
"""How fast the factor follows: a batch whose intervals missed a tenth more than allowed widens them by a twentieth."""
FARTHEST = 2.0
"""The logarithm of the factor stays within this, so that one disaster is made good within some batches."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What outcomes have taught of the intervals.

    errors   absolute errors of what was answered, by batch, oldest first: up to 64 of them, ascending
    pushes   logarithm of the factor after each of these batches
    """

    errors: tuple[tuple[float, ...], ...] = ()
    pushes: tuple[float, ...] = ()

    @property
    def push(self) -> float:
        """The logarithm of the factor now."""
        return self.pushes[-1] if self.pushes else 0.0


def learn(reach: Reach, errors: Numbers, held: Numbers, coverage: float) -> Reach:
    """Return the reach after one more batch.

    errors     (n,) absolute errors of the answers as they were given
    held       (m,) 1 where the interval that was given held the truth, else 0; of answers that had one
    coverage   the share that intervals are to hold
    """
    if not len(errors):
        return reach
    step = STEP * (coverage - float(held.mean())) if len(held) else 0.0
    push = min(max(reach.push + step, -FARTHEST), FARTHEST)
    places = (np.arange(POINTS) + 0.5) / POINTS
    kept = np.sort(errors) if len(errors) <= POINTS else np.quantile(errors, places)
    batch = tuple(float(f"{one:.7g}") for one in kept)
    return Reach((*reach.errors, batch)[-REMEMBERED:], (*reach.pushes, push)[-REMEMBERED:])


def forget(reach: Reach, batches: int) -> Reach:
    """Return the reach as it was so many batches ago; errors of more than twelve batches ago stay forgotten."""
    kept = max(len(reach.errors) - batches, 0)
    return Reach(reach.errors[:kept], reach.pushes[:kept])


def half_width(reach: Reach, coverage: float) -> float | None:
    """Return how far intervals reach to either side of an answer; None before any outcome."""
    if not reach.errors:
        return None
    errors = np.concatenate([np.array(batch) for batch in reach.errors])
    weights = np.concatenate([np.full(len(batch), 1.0 / len(batch)) for batch in reach.errors])
    order = np.argsort(errors, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), coverage * len(reach.errors)))
    return float(errors[order[min(place, len(order) - 1)]]) * math.exp(reach.push)


def to_plain(reach: Reach) -> dict[str, Any]:
    """Return the reach as JSON values."""
    return asdict(reach)


def from_plain(plain: Mapping[str, Any]) -> Reach:
    """Return the reach of what `to_plain` gave."""
    return Reach(tuple(tuple(map(float, batch)) for batch in plain["errors"]), tuple(map(float, plain["pushes"])))
