"""What a contest of families came to: the recipe, the evidence for it, and how its answers are to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trimtab.nouns import Interval


@dataclass(frozen=True, slots=True)
class Tried:
    """One family in the contest: its best settings, its metrics on the test part, or why it was dropped.

    `metrics` are all metrics of the task, of the calibrated answers. `trials` says how many settings were tried.
    """

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, Interval]
    seconds: float
    dropped: str = ""
    trials: int = 1


@dataclass(frozen=True, slots=True)
class Leakage:
    """What a random split would have claimed beside the time-ordered truth: the same recipe, as many rows in each part.

    Both are the contest's `metric`, of raw answers; `rows` were learnt from. A claim better than the truth is what a
    random split would have let leak from the future.
    """

    metric: str
    claimed: Interval
    true: Interval
    rows: int


@dataclass(frozen=True, slots=True)
class CostPoint:
    """What mistakes cost at one threshold, per 1,000 rows of the calibration part."""

    threshold: float
    cost: float


def tell_warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    """Return the warnings of a Choice in words, one sentence for each kind; a kind that is unknown as it stands.

    >>> tell_warnings(["empty:size", "empty:age"])
    ("there is no value in 'size', 'age', so nothing was learnt from that",)
    """
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        kind, _, rest = warning.partition(":")
        kinds.setdefault(kind if kind in _TOLD else warning, []).append(rest)
    return tuple(_TOLD[kind](about) if kind in _TOLD else kind for kind, about in kinds.items())


def _tell_leaks(about: Sequence[str]) -> str:
    told = ", ".join(f"'{column}' {score} of it" for column, _, score in (one.rpartition(":") for one in about))
    return (
        f"one column alone tells nearly all of the target ({told}): if it is not known when the question is asked, "
        'write role = "ignore" in contract.toml'
    )


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_TOLD: Mapping[str, Callable[[Sequence[str]], str]] = {
    "no_better_than_baseline": lambda _: (
        "it does not beat the baseline by more than one standard error, so use its answers with care and look for "
        "features that say more"
    ),
    "empty": lambda about: f"there is no value in {_quote(about)}, so nothing was learnt from that",
    "constant": lambda about: f"there is one value only in {_quote(about)}, so nothing was learnt from that",
    "leak": _tell_leaks,
    "gap_shortened": lambda about: (
        f"some rows of the parts {', '.join(about)} are younger than the next part's first row, or their labels were "
        "not yet known then; leaving them out would have cost more than half of a part, so figures may flatter"
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and on which evidence; `recipe` (family and params) makes the fit repeatable.

    `metrics` and `risk` (mean bounded loss) are measured on the test part; `scale` turns an absolute error of a
    regression into a bounded loss. `rows` are the sizes of the parts. `held` are the places of the test part's rows in
    the frame, `held_raw` what the judged fit, which has not seen them, answers there, and `held_answers` the same
    calibrated: what would have been served.

    `calibration` is what calibration.json holds: its "kind" is identity, sigmoid, isotonic or temperature, with the
    Brier scores that decided. `cost_curve` ascends by threshold; empty where there are no costs to weigh.
    `class_costs` is what mistaking each class costs, by class index, where the project says so: the answer of the
    least expected cost is then decided for. `interval_quantile` is a regression's half-width: answer -/+ it holds the
    truth of a share `coverage` of the rows. `leakage` is None where rows have no order, or where a recipe was repeated.
    `repeated`: the recipe was given, not chosen. A warning `leak:<column>:<score>` names a column that tells the target
    nearly alone.
    """

    recipe: Mapping[str, Any]
    families: tuple[Tried, ...]
    chosen: str
    reasons: tuple[str, ...]
    metrics: Mapping[str, Interval]
    threshold: float | None
    risk: Interval
    scale: float
    warnings: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""
    held: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False, compare=False)
    held_answers: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    held_raw: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    calibration: Mapping[str, Any] = field(default_factory=lambda: {"format": 1, "kind": "identity"})
    cost_curve: tuple[CostPoint, ...] = ()
    class_costs: tuple[float, ...] = ()
    interval_quantile: float | None = None
    coverage: float = 0.9
    leakage: Leakage | None = None
    repeated: bool = False
