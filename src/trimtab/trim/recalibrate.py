"""Small corrections of a Version's answers, learnt from arriving outcomes and held close to none.

    binary       sigmoid(a logit(p) + b)    Platt (1999)
    multiclass   softmax(a log p)           temperature, Guo et al. (2017)
    regression   a y + b                    least squares

A correction minimises the loss of the remembered rows, older batches counting less, plus a pull towards a = 1 and b = 0
that is worth a share of one batch: without news it is the identity, and one odd batch moves it a little only. What is
remembered of a batch is a summary of constant size, so a million outcomes cost no more than a thousand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Task
from trimtab.trim.blend import IDENTITY, LEAST, MOST

Numbers = NDArray[np.float64]
Calibration = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly a correction follows: a batch counts `decay` times the next newer one, and the pull towards the
    identity weighs `strength` times a fifth of a batch.
    """

    strength: float
    decay: float


FAST, SLOW, LONE = Pace(0.3, 0.5), Pace(1.0, 0.9), Pace(0.5, 0.9)
"""Fast and slow stand side by side, and weights choose; the lone one serves where labels come late."""

PULL = 0.2
SLOPES = (0.2, 3.0)
SHIFT = 3.0
_STEPS = 4
_LARGEST_STEP = np.array([0.5, 1.0])
_BINS = 64
_EDGE = float(np.log(MOST / LEAST))
_GRID: Numbers = np.geomspace(*SLOPES, 41)
_RIDGE = 1e-9


def summarise(task: Task, answers: Numbers, labels: Numbers, scale: float) -> Numbers:
    """Return what a correction needs of one batch: a few dozen numbers, however many rows there were.

    `answers` are a Version's own, as its predictor gives them; `labels` as metrics take them; `scale` is a regression's
    usual error, in whose units everything is reckoned. At least one row.
    """
    return _SUMMARISE[task](answers, labels, scale)


def recalibrate(task: Task, summaries: Sequence[Numbers], weights: Sequence[float], pace: Pace) -> Calibration:
    """Return the correction that fits remembered batches, the newest last; each counts `weights` times besides its age.

    The identity where nothing is remembered. A regression's is in units of the `scale` of its summaries: `in_units`.
    """
    if not summaries:
        return IDENTITY
    ages = np.arange(len(summaries))[::-1]
    counts = np.asarray(weights, dtype=np.float64) * pace.decay**ages
    if not counts.any():
        return IDENTITY
    return _FIT[task](np.stack(summaries), counts, pace.strength)


def in_units(calibration: Calibration, scale: float) -> Calibration:
    """Return a regression's correction for answers as they are, not in units of `scale`."""
    slope, shift = calibration
    return slope, shift * scale


def correct(task: Task, answers: Numbers, calibration: Calibration) -> Numbers:
    """Return corrected answers of many rows: what `Blend` answers for a member of weight 1, but for rounding."""
    if task == "regression":
        return calibration[0] * answers + calibration[1]
    if task == "binary":
        held = np.clip(answers, LEAST, MOST)
        return (
            held
            if calibration == IDENTITY
            else np.clip(_sigmoid(calibration[0] * logit(held) + calibration[1]), LEAST, MOST)
        )
    scores = calibration[0] * np.log(np.maximum(answers, LEAST))
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Numbers = grown / grown.sum(axis=1, keepdims=True)
    return shares


def logit(answers: Numbers) -> Numbers:
    """Return the log-odds of probabilities, held between LEAST and MOST."""
    held = np.clip(answers, LEAST, MOST)
    odds: Numbers = np.log(held / (1.0 - held))
    return odds


def _sigmoid(scores: Numbers) -> Numbers:
    return 0.5 * (1.0 + np.tanh(0.5 * scores))


# --- binary: counts, positives and log-odds in 64 bins of the log-odds ------------------------------------------------


def _summarise_binary(answers: Numbers, labels: Numbers, _scale: float) -> Numbers:
    scores = logit(answers)
    places = np.clip(((scores + _EDGE) * (_BINS / (2.0 * _EDGE))).astype(np.int64), 0, _BINS - 1)
    return np.stack(
        [np.bincount(places, weights=one, minlength=_BINS) for one in (np.ones_like(scores), labels, scores)]
    )


def _fit_binary(batches: Numbers, counts: Numbers, strength: float) -> Calibration:
    """Return slope and shift by Newton's steps over the bins, each taken for its mean log-odds."""
    size = float(batches[:, 0].sum(axis=1).mean())
    pull = PULL * strength * size
    rows, positives, scores = np.tensordot(counts, batches, axes=1)
    held = rows > 0.0
    rows, positives, scores = rows[held], positives[held], scores[held] / rows[held]
    wide = 2.0 * max(1.0, float((rows * scores**2).sum() / rows.sum()))
    found = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        said = _sigmoid(found[0] * scores + found[1])
        excess, certain = rows * said - positives, rows * said * (1.0 - said)
        slope = np.array([(excess * scores).sum() + pull * wide * (found[0] - 1.0), excess.sum() + pull * found[1]])
        cross = (certain * scores).sum()
        bend = np.array([[(certain * scores**2).sum() + pull * wide, cross], [cross, certain.sum() + pull]])
        step = np.linalg.solve(bend + _RIDGE * np.eye(2), slope)
        found = np.clip(found - np.clip(step, -_LARGEST_STEP, _LARGEST_STEP), (SLOPES[0], -SHIFT), (SLOPES[1], SHIFT))
    return float(found[0]), float(found[1])


# --- multiclass: the loss of each of 41 temperatures ------------------------------------------------------------------


def _summarise_classes(answers: Numbers, labels: Numbers, _scale: float) -> Numbers:
    scores = np.log(np.maximum(answers, LEAST))
    scores -= scores.mean(axis=1, keepdims=True)
    own = scores[np.arange(len(scores)), labels.astype(np.int64)]
    losses = [float((np.log(np.exp(slope * scores).sum(axis=1)) - slope * own).sum()) for slope in _GRID]
    return np.array([float(len(scores)), float((scores**2).sum() / scores.shape[1]), *losses])


def _fit_classes(batches: Numbers, counts: Numbers, strength: float) -> Calibration:
    """Return the temperature of the least loss, between the grid's points by a parabola."""
    pull = PULL * strength * float(batches[:, 0].mean())
    rows, squares, *losses = counts @ batches
    wide = 2.0 * max(1.0, float(squares / rows))
    total = np.array(losses) + 0.5 * pull * wide * (_GRID - 1.0) ** 2
    best = int(np.clip(np.argmin(total), 1, len(_GRID) - 2))
    near, steps = total[best - 1 : best + 2], _GRID[best - 1 : best + 2]
    curve = np.polyfit(steps - steps[1], near - near[1], 2)
    slope = steps[1] - curve[1] / (2.0 * curve[0]) if curve[0] > 0.0 else steps[1]
    return float(np.clip(slope, *SLOPES)), 0.0


# --- regression: sums of least squares --------------------------------------------------------------------------------


def _summarise_numbers(answers: Numbers, labels: Numbers, scale: float) -> Numbers:
    said, true = answers / scale, labels / scale
    rest = true - said
    return np.array([float(len(said)), said.sum(), rest.sum(), (said**2).sum(), (said * rest).sum()])


def _fit_numbers(batches: Numbers, counts: Numbers, strength: float) -> Calibration:
    """Return slope and shift, both towards the mean answer, in closed form."""
    pull = PULL * strength * float(batches[:, 0].mean())
    rows, said, rest, squares, products = counts @ batches
    centre = said / rows
    spread, tilt = max(squares - rows * centre**2, 0.0), products - centre * rest
    turn = tilt / (spread + pull * 2.0 * max(1.0, spread / rows))
    slope = float(np.clip(1.0 + turn, *SLOPES))
    shift = float(np.clip(rest / (rows + pull), -SHIFT, SHIFT))
    return slope, shift - (slope - 1.0) * float(centre)


_SUMMARISE: dict[Task, Callable[[Numbers, Numbers, float], Numbers]] = {
    "binary": _summarise_binary,
    "multiclass": _summarise_classes,
    "regression": _summarise_numbers,
}
_FIT: dict[Task, Callable[[Numbers, Numbers, float], Calibration]] = {
    "binary": _fit_binary,
    "multiclass": _fit_classes,
    "regression": _fit_numbers,
}
