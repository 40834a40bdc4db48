"""How the members of a Trim answer together: each one's answer recalibrated, weighted, and added up.

    binary       p = sum of w sigmoid(a logit(p_version) + b)
    multiclass   p = sum of w softmax(a log p_version + b), b one number a class, or none
    regression   y = sum of w (a y_version + b)

An answer online, in a batch and in a replay has the same bits. For many rows NumPy adds, multiplies, divides and
compares, which gives one result everywhere; logarithms and exponentials are those of `math`, as for one row, because
NumPy's own differ in the last bit. All is added up in the order of the members. A Trim of one Version at weight 1 and
identity passes its answers on untouched. Where a Version cannot read a row its members are left out, and the weights of
the others are scaled to add up to 1.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Member, Task

LEAST, MOST = 0.001, 0.999
"""Probabilities are held between these before and after: the log-odds of a sure answer would drown all others."""
IDENTITY = (1.0, 0.0)
MOST_VERSIONS = 3
SLACK = 1e-9
"""How far weights may add up beside 1: they are sums of rounded numbers."""

Answer = Any
"""A float, or for multiclass a list of them: what a Predictor gives for one row."""
Numbers = NDArray[np.float64]
Correction = tuple[Callable[[Answer], Answer], Callable[[Numbers], Numbers]]
"""A recalibration: of the answer for one row, and of those for many."""


class Part(NamedTuple):
    """One member: the place of its Version's answer, its weight, and its recalibration."""

    place: int
    weight: float
    correct: Callable[[Answer], Answer]
    correct_rows: Callable[[Numbers], Numbers]


class Blend:
    """The members of one Trim, ready to answer.

    Raises ValueError for weights that are none or do not add up to 1, for more than three Versions, and for a
    calibration that does not fit the task. `versions` are the ids whose answers are asked for, each once, in the order
    in which they must be handed in.
    """

    def __init__(self, task: Task, members: Sequence[Member]) -> None:
        self.versions = tuple(dict.fromkeys(member.version for member in members))
        _refuse_odd(members, len(self.versions))
        self.is_plain = len(members) == 1 and members[0].weight == 1.0 and members[0].calibration == IDENTITY
        self._task = task
        self.members = tuple(members)
        self._parts = [
            Part(self.versions.index(member.version), member.weight, *_correct(task, member.calibration))
            for member in members
        ]

    def answer_row(self, answers: Sequence[Answer | None]) -> Answer:
        """Return the answer of one row from its Versions' answers; NaN where one of them is no finite number.

        None stands for a Version that is left out; the first one never is.
        """
        if self.is_plain:
            return answers[0]
        known = self._parts if None not in answers else self._present([answer is not None for answer in answers])
        parts = [(weight, correct(answers[place])) for place, weight, correct, _ in known]
        if self._task == "multiclass":
            return [_sum((weight, part[k]) for weight, part in parts) for k in range(len(parts[0][1]))]
        total = _sum(parts)
        return _hold(total) if self._task == "binary" else total

    def weigh(self, answers: Sequence[Answer | None]) -> list[float]:
        """Return each member's weight in an answer, 0 where its Version is left out."""
        places = {version: place for place, version in enumerate(self.versions)}
        present = [0.0 if answers[places[member.version]] is None else member.weight for member in self.members]
        return present if None not in answers else [weight / math.fsum(present) for weight in present]

    def answer_rows(self, answers: Sequence[Numbers], present: NDArray[np.bool_] | None = None) -> Numbers:
        """Return the answers of many rows, bit-equal to `answer_row` one by one; (n,), or (n, classes).

        `present`, (Versions, n), says where a Version is not left out; None: nowhere.
        """
        if self.is_plain:
            return answers[0]
        if present is None:
            return self._add_up(self._parts, answers)
        found = np.empty_like(answers[0])
        patterns, pattern_of = np.unique(present, axis=1, return_inverse=True)
        for number, pattern in enumerate(patterns.T.tolist()):
            rows = pattern_of.reshape(-1) == number
            found[rows] = self._add_up(self._present(pattern), [given[rows] for given in answers])
        return found

    def _present(self, present: Sequence[bool]) -> list[Part]:
        """Return the members whose Versions answer, their weights scaled to add up to 1."""
        if all(present):
            return self._parts
        parts = [part for part in self._parts if present[part.place]]
        total = math.fsum(part.weight for part in parts)
        return [part._replace(weight=part.weight / total) for part in parts]

    def _add_up(self, parts: Sequence[Part], answers: Sequence[Numbers]) -> Numbers:
        total = np.zeros_like(answers[0])
        for place, weight, _, correct_rows in parts:
            total += weight * correct_rows(answers[place])
        return _hold_rows(total) if self._task == "binary" else total


def _refuse_odd(members: Sequence[Member], versions: int) -> None:
    weights = [member.weight for member in members]
    if not all(math.isfinite(weight) and weight >= 0.0 for weight in weights) or abs(sum(weights) - 1.0) > SLACK:
        raise ValueError("the weights of a Trim are numbers from 0 up that add up to 1")
    if versions > MOST_VERSIONS:
        raise ValueError(f"a Trim has one to {MOST_VERSIONS} Versions, not {versions}")


def _sum(parts: Any) -> float:
    """Return the weighted sum, added in the order of the members."""
    total = 0.0
    for weight, part in parts:
        total += weight * part
    return total


def _correct(task: Task, calibration: tuple[float, ...]) -> Correction:
    """Return the functions from a Version's answers to its recalibrated ones."""
    slope, *shifts = calibration
    if task != "multiclass" and len(shifts) != 1:
        raise ValueError(f"a calibration of {len(calibration)} numbers does not fit the task {task}; it has two")
    if task == "regression":
        return (_move(slope, shifts[0]),) * 2
    if task == "multiclass":
        return _recalibrate_classes(slope, shifts)
    return (_hold, _hold_rows) if calibration == IDENTITY else _recalibrate(slope, shifts[0])


def _move(slope: float, shift: float) -> Callable[[Answer], Answer]:
    return lambda answer: slope * answer + shift


def _hold(answer: float) -> float:
    """Return a probability held between LEAST and MOST; NaN stays NaN."""
    return LEAST if answer < LEAST else min(answer, MOST) if answer == answer else answer  # noqa: PLR0124 - NaN


def _hold_rows(answers: Numbers) -> Numbers:
    return np.clip(answers, LEAST, MOST)


def _recalibrate(slope: float, shift: float) -> Correction:
    log, exp = math.log, math.exp

    def correct(answer: float) -> float:
        held = _hold(answer)
        score = slope * log(held / (1.0 - held)) + shift
        if score >= 0.0:
            return 1.0 / (1.0 + exp(-score))
        grown = exp(max(score, -700.0))
        return grown / (1.0 + grown)

    def correct_rows(answers: Numbers) -> Numbers:
        held = _hold_rows(answers)
        scores = slope * _each(log, held / (1.0 - held)) + shift
        grown = _each(exp, np.maximum(-np.abs(scores), -700.0))
        return np.where(scores >= 0.0, 1.0, grown) / (1.0 + grown)

    return correct, correct_rows


def _recalibrate_classes(slope: float, shifts: Sequence[float]) -> Correction:
    """Return the functions for all classes of a row; one shift means none, because it would move all alike."""
    log, exp = math.log, math.exp

    def correct(answer: Sequence[float]) -> list[float]:
        moved = shifts if len(shifts) == len(answer) else [0.0] * len(answer)
        scores = [slope * log(max(one, LEAST)) + shift for one, shift in zip(answer, moved, strict=True)]
        most = max(scores)
        grown = [exp(score - most) for score in scores]
        total = math.fsum(grown)
        return [one / total for one in grown]

    def correct_rows(answers: Numbers) -> Numbers:
        moved = np.array(shifts if len(shifts) == answers.shape[1] else 0.0)
        scores = slope * _each(log, np.maximum(answers, LEAST)) + moved
        grown = _each(exp, scores - scores.max(axis=1, keepdims=True))
        totals = np.fromiter(map(math.fsum, grown.tolist()), np.float64, len(grown))
        return np.asarray(grown / totals[:, None])

    return correct, correct_rows


def _each(function: Callable[[float], float], numbers: Numbers) -> Numbers:
    """Return a function of `math` of every number."""
    return np.fromiter(map(function, numbers.ravel().tolist()), np.float64, numbers.size).reshape(numbers.shape)
