"""Answers made honest: a small map from what a family says to what was observed, learnt on rows it had not seen.

One row and many have the same bits: NumPy adds, multiplies, divides and compares, which gives one result everywhere,
and logarithms and exponentials are those of `math` for both. Light: a serving worker imports this file; scikit-learn is
imported only where an isotonic map is learnt.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import VersionError
from trimtab.nouns import Task

Kind = Literal["identity", "sigmoid", "isotonic", "temperature"]
Answer = float | list[float]
Numbers = NDArray[np.float64]

TINY = 1e-12
FOLDS = 5
ROWS_FOR_ISOTONIC = 1000
"""A step function of fewer rows follows their noise (Niculescu-Mizil & Caruana 2005)."""
_SURE: Mapping[Kind, float] = {"isotonic": 2.0}
"""Standard errors by which a map must be better than a simpler one, where not one: hundreds of numbers learn more noise
than two."""
_TRUST = 1.0
"""How strongly a map is held to the identity, in units of the loss of its rows: little data change little."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One map. `numbers` are slope and intercept on the log-odds (sigmoid, Platt 1999), the temperature (Guo et al.
    2017), or first the probabilities and then what they become, linear in between (isotonic, Zadrozny & Elkan 2002).
    """

    kind: Kind = "identity"
    numbers: tuple[float, ...] = ()

    def compile(self) -> Callable[[Any], Any]:
        """Return the function from one raw answer to the calibrated one; what is no probability passes unchanged."""
        if self.kind == "sigmoid":
            return _bend(*self.numbers)
        if self.kind == "isotonic":
            half = len(self.numbers) // 2
            return _interpolate(self.numbers[:half], self.numbers[half:])
        if self.kind == "temperature":
            return _cool(1.0 / self.numbers[0])
        return lambda answer: answer

    def apply(self, answers: np.ndarray) -> np.ndarray:
        """Return the calibrated answers, bit-equal to those of `compile` one by one."""
        if self.kind == "sigmoid":
            return _bend_rows(answers, *self.numbers)
        if self.kind == "isotonic":
            given, become = np.split(np.array(self.numbers), 2)
            return _interpolate_rows(answers, given, become)
        return _cool_rows(answers, 1.0 / self.numbers[0]) if self.kind == "temperature" else answers

    def to_plain(self) -> dict[str, Any]:
        """Return the map as JSON values."""
        return {"format": 1, "kind": self.kind, **({"numbers": list(self.numbers)} if self.numbers else {})}


def read_calibration(plain: Mapping[str, Any], task: Task) -> Calibration:
    """Return the map that `to_plain` wrote. Raises VersionError for what fits no task, or is no number."""
    kind: Any = plain.get("kind")
    numbers = tuple(map(float, plain.get("numbers", ())))
    known = {"binary": ("identity", "sigmoid", "isotonic"), "multiclass": ("identity", "temperature")}
    lengths: dict[Any, bool] = {
        "identity": not numbers,
        "sigmoid": len(numbers) == 2,
        "temperature": len(numbers) == 1 and numbers[0] > 0,
        "isotonic": len(numbers) >= 4 and len(numbers) % 2 == 0 and _rises(numbers[: len(numbers) // 2]),
    }
    fits = plain.get("format") == 1 and kind in known.get(task, ("identity",)) and lengths.get(kind, False)
    if not fits or not all(map(math.isfinite, numbers)):
        raise VersionError("calibration.json is not as trimtab writes it.", hint="update trimtab, or train again")
    return Calibration(kind, numbers)


def calibrate(
    task: Task, labels: np.ndarray, answers: np.ndarray, *, ordered: bool
) -> tuple[Calibration, dict[str, float]]:
    """Return the map with the least held-out Brier score, and that score of every map that was tried.

    `labels` are class indexes, `answers` raw probabilities of rows that the fit had not seen. Rows are cut into five
    stretches: where they are `ordered` in time a map is judged on the stretches after those it learnt from, else on
    each in turn. A more complex map must be better by more than one standard error of the paired difference (isotonic:
    two), for a map that follows the noise of few rows does harm. Regression, and answers all alike: the identity.

    A shift of the base rate is taken away first and not learnt: the fit that will answer has seen newer rows than the
    one that is calibrated, and knows the newer rate itself. What is learnt is how bold the answers may be.
    """
    kinds = _kinds(task, labels) if np.ptp(answers, axis=0).any() else ("identity",)
    if len(kinds) == 1:
        return Calibration(), {}
    answers = _recentre(labels, answers) if task == "binary" else answers
    judged = slice(len(np.array_split(labels, FOLDS)[0]), None) if ordered else slice(None)
    held = {kind: _answer_held(kind, labels, answers, ordered=ordered)[judged] for kind in kinds}
    losses = {kind: brier_losses(task, labels[judged], given) for kind, given in held.items()}
    chosen: Kind = "identity"
    for kind in kinds[1:]:
        gain = losses[chosen] - losses[kind]
        error = gain.std(ddof=1) / math.sqrt(len(gain))
        chosen = kind if gain.mean() > _SURE.get(kind, 1.0) * error else chosen
    return _learn(chosen, labels, answers), {kind: float(rows.mean()) for kind, rows in losses.items()}


def conformal_quantile(labels: np.ndarray, answers: np.ndarray, coverage: float) -> float:
    """Return the half-width that holds the truth of a share `coverage` of rows (split conformal, Lei et al. 2018).

    In the target's unit. The guarantee is for rows like those given; too few of them give the largest error seen.
    """
    errors = np.sort(np.abs(answers - labels))
    place = math.ceil((len(errors) + 1) * coverage) - 1
    return float(errors[min(place, len(errors) - 1)])


def _kinds(task: Task, labels: np.ndarray) -> tuple[Kind, ...]:
    if task == "regression" or len(labels) < 2 * FOLDS or len(np.unique(labels)) < 2:
        return ("identity",)
    if task == "multiclass":
        return ("identity", "temperature")
    return ("identity", "sigmoid", "isotonic") if len(labels) >= ROWS_FOR_ISOTONIC else ("identity", "sigmoid")


def _recentre(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return the probabilities shifted on the log-odds until their mean is the share of the positive rows."""
    given = np.clip(answers, TINY, 1.0 - TINY)
    scores, rate = np.log(given) - np.log1p(-given), float(labels.mean())
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        mean = float((1.0 / (1.0 + np.exp(-np.clip(scores + middle, -700, 700)))).mean())
        low, high = (middle, high) if mean < rate else (low, middle)
    shifted: np.ndarray = 1.0 / (1.0 + np.exp(-np.clip(scores + low, -700, 700)))
    return shifted


def _answer_held(kind: Kind, labels: np.ndarray, answers: np.ndarray, *, ordered: bool) -> np.ndarray:
    """Return each stretch's answers by the map of the earlier stretches, or of all the others."""
    found = np.array(answers, dtype=np.float64)
    for fold in np.array_split(np.arange(len(labels)), FOLDS)[1 if ordered else 0 :]:
        rest = np.arange(len(labels)) < fold[0] if ordered else np.ones(len(labels), dtype=bool)
        rest[fold] = False
        found[fold] = _learn(kind, labels[rest], answers[rest]).apply(answers[fold])
    return found


def brier_losses(task: Task, labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return what each row adds to the Brier score."""
    if task == "binary":
        return np.asarray(np.square(answers - labels))
    return np.asarray(np.square(answers - np.eye(answers.shape[1])[labels]).sum(axis=1) / 2.0)


def _learn(kind: Kind, labels: np.ndarray, answers: np.ndarray) -> Calibration:
    learners = {"sigmoid": _learn_sigmoid, "isotonic": _learn_isotonic, "temperature": _learn_temperature}
    return learners[kind](labels, answers) if kind in learners else Calibration()


def _learn_sigmoid(labels: np.ndarray, answers: np.ndarray) -> Calibration:
    """Return slope and intercept by Newton's method, held a little to (1, 0)."""
    given = np.clip(answers, TINY, 1.0 - TINY)
    design = np.column_stack((np.log(given) - np.log1p(-given), np.ones(len(given))))
    identity = np.array([1.0, 0.0])
    found = identity.copy()
    for _ in range(50):
        chances = 1.0 / (1.0 + np.exp(-np.clip(design @ found, -700, 700)))
        slope = design.T @ (chances - labels) + _TRUST * (found - identity)
        bend = (design * (chances * (1.0 - chances))[:, None]).T @ design + _TRUST * np.eye(2)
        step = np.linalg.solve(bend, slope)
        found -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    return Calibration("sigmoid", (float(found[0]), float(found[1]))) if found[0] > 0 else Calibration()


def _learn_isotonic(labels: np.ndarray, answers: np.ndarray) -> Calibration:
    from sklearn.isotonic import isotonic_regression  # heavy, and only training needs it

    order = np.argsort(answers, kind="stable")
    given, truth = answers[order], labels[order].astype(np.float64)
    steps = isotonic_regression(truth)
    starts = np.flatnonzero(np.concatenate(([True], np.diff(steps) > 0)))
    rows = np.diff(np.append(starts, len(steps)))
    # A step of few rows that are all alike is not certain: half a row of each kind keeps it from 0 and 1.
    heights = np.maximum.accumulate((np.add.reduceat(truth, starts) + 0.5) / (rows + 1.0))
    centres, first = np.unique(np.add.reduceat(given, starts) / rows, return_index=True)
    if len(centres) < 2:
        return Calibration()
    return Calibration("isotonic", tuple(map(float, (*centres, *heights[first]))))


def _learn_temperature(labels: np.ndarray, answers: np.ndarray) -> Calibration:
    """Return the temperature with the least log loss, searched by golden section on its logarithm."""
    scores = np.log(np.clip(answers, TINY, 1.0))

    def loss(logarithm: float) -> float:
        cooled = scores * math.exp(-logarithm)
        cooled = cooled - cooled.max(axis=1, keepdims=True)
        likely = cooled[np.arange(len(labels)), labels] - np.log(np.exp(cooled).sum(axis=1))
        return float(-likely.sum() + _TRUST * logarithm * logarithm)

    low, high, golden = -3.0, 3.0, (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return Calibration("temperature", (math.exp((low + high) / 2.0),))


def _bend(slope: float, intercept: float) -> Callable[[float], float]:
    log, log1p, exp = math.log, math.log1p, math.exp

    def bend(answer: float) -> float:
        if not 0.0 <= answer <= 1.0:
            return answer
        held = min(max(answer, TINY), 1.0 - TINY)
        score = slope * (log(held) - log1p(-held)) + intercept
        if score >= 0.0:
            return 1.0 / (1.0 + exp(-min(score, 700.0)))
        grown = exp(max(score, -700.0))
        return grown / (1.0 + grown)

    return bend


def _bend_rows(answers: Numbers, slope: float, intercept: float) -> Numbers:
    held = np.clip(answers, TINY, 1.0 - TINY)
    scores = slope * (_each(math.log, held) - _each(math.log1p, -held)) + intercept
    grown = _each(math.exp, np.maximum(-np.abs(scores), -700.0))
    bent = np.where(scores >= 0.0, 1.0, grown) / (1.0 + grown)
    return np.where(_are_chances(answers), bent, answers)


def _interpolate(given: Sequence[float], become: Sequence[float]) -> Callable[[float], float]:
    last = len(given) - 1

    def interpolate(answer: float) -> float:
        if not 0.0 <= answer <= 1.0:
            return answer
        if answer <= given[0]:
            return become[0]
        if answer >= given[last]:
            return become[last]
        place = bisect_right(given, answer)
        share = (answer - given[place - 1]) / (given[place] - given[place - 1])
        return become[place - 1] + share * (become[place] - become[place - 1])

    return interpolate


def _interpolate_rows(answers: Numbers, given: Numbers, become: Numbers) -> Numbers:
    chances = np.clip(answers, 0.0, 1.0)
    place = np.searchsorted(given, chances, side="right").clip(1, len(given) - 1)
    share = (chances - given[place - 1]) / (given[place] - given[place - 1])
    between = become[place - 1] + share * (become[place] - become[place - 1])
    held = np.where(answers <= given[0], become[0], np.where(answers >= given[-1], become[-1], between))
    return np.where(_are_chances(answers), held, answers)


def _cool(power: float) -> Callable[[Sequence[float]], list[float]]:
    log, exp = math.log, math.exp

    def cool(answer: Sequence[float]) -> list[float]:
        if not all(0.0 <= one <= 1.0 for one in answer):
            return list(answer)
        scores = [power * log(max(one, TINY)) for one in answer]
        most = max(scores)
        grown = [exp(score - most) for score in scores]
        total = math.fsum(grown)
        return [one / total for one in grown]

    return cool


def _cool_rows(answers: Numbers, power: float) -> Numbers:
    scores = power * _each(math.log, np.maximum(answers, TINY))
    grown = _each(math.exp, scores - scores.max(axis=1, keepdims=True))
    cooled = grown / np.fromiter(map(math.fsum, grown.tolist()), np.float64, len(grown))[:, None]
    return np.where(_are_chances(answers).all(axis=1, keepdims=True), cooled, answers)


def _are_chances(answers: Numbers) -> NDArray[np.bool_]:
    return (answers >= 0.0) & (answers <= 1.0)


def _each(function: Callable[[float], float], numbers: Numbers) -> Numbers:
    """Return a function of `math` of every number."""
    return np.fromiter(map(function, numbers.ravel().tolist()), np.float64, numbers.size).reshape(numbers.shape)


def _rises(numbers: Sequence[float]) -> bool:
    return all(low < high for low, high in pairwise(numbers))
