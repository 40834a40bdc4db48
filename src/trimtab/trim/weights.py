"""Weights that follow whoever has answered best lately, and let nobody go for good: fixed-share Hedge.

Over any stretch of batches the weighted answer loses little more than the best single member on it, without assuming
anything of how the batches come (Herbster & Warmuth 1998, Tracking the best expert; for eta <= 1 and losses in [0, 1]).
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def learn_weights(weights: Numbers, losses: Numbers, *, eta: float, share: float) -> Numbers:
    """Return the weights after a batch in which the members lost `losses`, a mean each.

    `eta` says how fast weight moves to who lost less; `share` is spread evenly over all members, so that each may come
    back. A loss that is no number counts as the worst of the others.
    """
    known = np.isfinite(losses)
    if not known.any():
        return weights
    lost = np.where(known, losses, losses[known].max())
    grown = weights * np.exp(-eta * (lost - lost.min()))
    total = float(grown.sum())
    kept = grown / total if total > 0.0 else np.full(len(weights), 1.0 / len(weights))
    return (1.0 - share) * kept + share / len(weights)
