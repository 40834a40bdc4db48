"""How the members of a Trim answer together: each one's answer recalibrated, weighted, and added up.

    binary       p = sum of w sigmoid(a logit(p_version) + b)
    multiclass   p = sum of w softmax(a log p_version + b), b one number a class, or none
    regression   y = sum of w (a y_version + b)

Every number is reckoned with `math`, in the order of the members, for one row as for many: so an answer online, in a
batch and in a replay has the same bits. A Trim of one Version at weight 1 and identity passes its answers on untouched.
Where a Version cannot read a row its members are left out, and the weights of the others are scaled to add up to 1.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trimtab.nouns import Member, Task

LEAST, MOST = 0.001, 0.999
"""Probabilities are held between these before and after: the log-odds of a sure answer would drown all others."""
IDENTITY = (1.0, 0.0)
MOST_VERSIONS = 3
SLACK = 1e-9
"""How far weights may add up beside 1: they are sums of rounded numbers."""

Answer = Any
"""A float, or for multiclass a list of them: what a Predictor gives for one row."""
Part = tuple[int, float, Callable[[Answer], Answer]]
"""One member: the place of its Version's answer, its weight, and its recalibration."""


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
        self._members = [
            (self.versions.index(member.version), member.weight, _correct(task, member.calibration))
            for member in members
        ]

    def answer_row(self, answers: Sequence[Answer | None]) -> Answer:
        """Return the answer of one row from its Versions' answers; NaN where one of them is no finite number.

        None stands for a Version that is left out; the first one never is.
        """
        if self.is_plain:
            return answers[0]
        parts = [(weight, correct(answers[place])) for place, weight, correct in self._present(answers)]
        if self._task == "multiclass":
            return [_sum((weight, part[k]) for weight, part in parts) for k in range(len(parts[0][1]))]
        total = _sum(parts)
        return _hold(total) if self._task == "binary" else total

    def weigh(self, answers: Sequence[Answer | None]) -> list[float]:
        """Return each member's weight in an answer, 0 where its Version is left out."""
        places = {version: place for place, version in enumerate(self.versions)}
        present = [0.0 if answers[places[member.version]] is None else member.weight for member in self.members]
        return present if None not in answers else [weight / math.fsum(present) for weight in present]

    def _present(self, answers: Sequence[Answer | None]) -> list[Part]:
        if None not in answers:
            return self._members
        present = [part for part in self._members if answers[part[0]] is not None]
        total = math.fsum(weight for _, weight, _ in present)
        return [(place, weight / total, correct) for place, weight, correct in present]

    def answer_rows(self, answers: Sequence[np.ndarray]) -> np.ndarray:
        """Return the answers of many rows, bit-equal to `answer_row` one by one; (n,), or (n, classes)."""
        if self.is_plain:
            return answers[0]
        rows = zip(*(given.tolist() for given in answers), strict=True)
        return np.array([self.answer_row(row) for row in rows], dtype=np.float64).reshape(answers[0].shape)


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


def _correct(task: Task, calibration: tuple[float, ...]) -> Callable[[Answer], Answer]:
    """Return the function from a Version's answer to its recalibrated one."""
    slope, *shifts = calibration
    if task != "multiclass" and len(shifts) != 1:
        raise ValueError(f"a calibration of {len(calibration)} numbers does not fit the task {task}; it has two")
    if task == "regression":
        return lambda answer: slope * answer + shifts[0]
    if task == "multiclass":
        return _recalibrate_classes(slope, shifts)
    if calibration == IDENTITY:
        return _hold
    return _recalibrate(slope, shifts[0])


def _hold(answer: float) -> float:
    """Return a probability held between LEAST and MOST; NaN stays NaN."""
    return LEAST if answer < LEAST else min(answer, MOST) if answer == answer else answer  # noqa: PLR0124 - NaN


def _recalibrate(slope: float, shift: float) -> Callable[[float], float]:
    log, exp = math.log, math.exp

    def correct(answer: float) -> float:
        held = _hold(answer)
        score = slope * log(held / (1.0 - held)) + shift
        if score >= 0.0:
            return 1.0 / (1.0 + exp(-score))
        grown = exp(max(score, -700.0))
        return grown / (1.0 + grown)

    return correct


def _recalibrate_classes(slope: float, shifts: Sequence[float]) -> Callable[[Sequence[float]], list[float]]:
    """Return the function for all classes of a row; one shift means none, because it would move all alike."""
    log, exp = math.log, math.exp

    def correct(answer: Sequence[float]) -> list[float]:
        moved = shifts if len(shifts) == len(answer) else [0.0] * len(answer)
        scores = [slope * log(max(one, LEAST)) + shift for one, shift in zip(answer, moved, strict=True)]
        most = max(scores)
        grown = [exp(score - most) for score in scores]
        total = math.fsum(grown)
        return [one / total for one in grown]

    return correct
