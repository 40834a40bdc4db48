"""Policies side by side: what each lost and saved, whom its promotions harmed, what it cost, as plain numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from trimtab.loop.forks import BATCHES, Fork
from trimtab.loop.replay import Line, Replay

Numbers = NDArray[np.float64]
Figures = Mapping[str, float | None]
REFERENCES = ("never", "always", "always:recent")
"""What `gain` is measured against; played also where nobody asks for them."""
ACTIONS = {"retrains": "retrain", "promotions": "promote", "refusals": "refuse", "rollbacks": "roll_back"}

MATERIAL, SURE = 0.01, 2.13
"""A promotion is materially harmful where five batches lose more than this share more than without it, and the t of
their means is above this (one-sided 95 % at four degrees of freedom)."""
LOOKED_WORSE, LOOKED_SURE = 0.02, 1.645
"""A batch looks back badly where it loses more than this share more than under the older Trim, and the z of its rows is
above this."""


def compare(
    found: Sequence[Replay], wanted: Sequence[str], metric: str, *, per_retrain: float = 0.0
) -> dict[str, Figures]:
    """Return each policy's figures, means over the replays (one for each start offset) that it was played in.

    References are in the first replay. A figure is None where it means nothing: a gain without references, a share of
    nothing saved, accuracy of numbers, coverage of classes.
    """
    references = found[0].lines
    return {
        policy: _average(
            [_figures(one.lines[policy], references, metric, per_retrain) for one in found if policy in one.lines]
        )
        for policy in wanted
    }


def _average(figures: Sequence[Figures]) -> Figures:
    return {name: _mean([one[name] for one in figures]) for name in figures[0]}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return known[0] if len(known) == 1 else fmean(known)


def _figures(line: Line, references: Mapping[str, Line], metric: str, per_retrain: float) -> Figures:
    counts = {plural: line.count(action) for plural, action in ACTIONS.items()}
    return {
        "loss": line.overall[metric],
        "gain": _gain(line, references, metric, min),
        "accuracy_gain": _gain(line, references, "accuracy", max),
        "retrains": counts["retrains"],
        "fits": line.fits,
        "promotions": counts["promotions"],
        "refusals": counts["refusals"],
        "rollbacks": counts["rollbacks"],
        **measure_harm(line, references.get("never"), is_squared=metric == "rmse"),
        "coverage": line.coverage,
        "alarms": line.alarms,
        "cost": line.mistakes + per_retrain * counts["retrains"],
    }


def _gain(
    line: Line, references: Mapping[str, Line], metric: str, best: Callable[[Iterable[float]], float]
) -> float | None:
    """Return which share of what the better of the two plain policies saves against never this one saves."""
    if not set(REFERENCES) <= references.keys() or metric not in line.overall:
        return None
    base = references["never"].overall[metric]
    span = base - best(references[one].overall[metric] for one in REFERENCES[1:])
    return (base - line.overall[metric]) / span if span else None


def measure_harm(line: Line, never: Line | None, *, is_squared: bool) -> dict[str, float | None]:
    """Return what a policy's promotions did beside the same policy without them, and its Trim beside an older one.

    Promotions count that have five batches behind them. `is_squared`: losses are squared errors, compared by their
    root.
    """
    whole = [fork for fork in line.forks if len(fork.own) == BATCHES]
    lasting = [fork for fork in line.forks if fork.own]
    power = 0.5 if is_squared else 1.0
    given = sum(max(_total(fork.own) - _total(fork.without), 0.0) for fork in whole)
    return {
        "harm_material": _share(_is_material(fork, power) for fork in whole),
        "harm_mass": _mass(given, line, never),
        "worst_rise": max((_rise(fork.own, fork.without, power) for fork in whole), default=0.0),
        "look_back": _share(_looks_worse(own, old, power) for own, old in line.looked_back),
        "harm1": _share(_total(fork.own[:1]) > _total(fork.before[:1]) for fork in lasting),
        "harm5": _share(_total(fork.own) > _total(fork.before) for fork in whole),
    }


def _mass(given: float, line: Line, never: Line | None) -> float | None:
    """Return the loss that promotions gave as a share of all that was saved against never."""
    saved = _total(never.lost) - _total(line.lost) if never else 0.0
    return given / saved if saved > 0.0 else None if given else 0.0


def _is_material(fork: Fork, power: float) -> bool:
    worse = _means(fork.own) - _means(fork.without)
    spread = float(worse.std(ddof=1)) / len(worse) ** 0.5
    return bool(_rise(fork.own, fork.without, power) > MATERIAL and worse.mean() > SURE * spread)


def _looks_worse(own: Numbers, old: Numbers, power: float) -> bool:
    if len(own) < 2:
        return False
    worse = own - old
    spread = float(worse.std(ddof=1)) / len(worse) ** 0.5
    return float(worse.mean()) > LOOKED_SURE * spread and _rise([own], [old], power) > LOOKED_WORSE


def _rise(own: Sequence[Numbers], other: Sequence[Numbers], power: float) -> float:
    """Return by which share the loss of some batches is above another one of the same rows."""
    base = _total(other)
    return float((_total(own) / base) ** power - 1.0) if base > 0.0 else 0.0


def _means(batches: Sequence[Numbers]) -> Numbers:
    return np.array([float(one.mean()) if len(one) else 0.0 for one in batches])


def _total(batches: Iterable[Numbers]) -> float:
    return float(sum(one.sum() for one in batches))


def _share(marks: Iterable[bool]) -> float:
    """Return the share of marks that are true; 0 without any."""
    seen = list(marks)
    return sum(seen) / len(seen) if seen else 0.0
