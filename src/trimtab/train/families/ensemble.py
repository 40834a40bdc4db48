"""A linear and a boosted model as one: the weighted mean of their raw scores, of which every column's part is exact.

Where later rows are of another kind than those that families were compared on, the mean of two that differ is seldom
the worst. A mean of log-odds is a logarithmic opinion pool (Genest and Zidek 1986). It answers without onnxruntime.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.nouns import canonical
from trimtab.train.blocks import Form
from trimtab.train.booster import CONTRIBUTIONS, RAW_SCORE, Booster
from trimtab.train.families.base import Fitted, Params, Problem, Rows, share_of
from trimtab.train.families.boosting import MODEL, Boosting, Trees
from trimtab.train.families.linear import COEFFICIENTS, Coefficients, Line, Linear, read_coefficients

TENTHS = 10
"""A weight is a whole number of these shares: finer ones would suit the rows that they are chosen on by chance."""
WEIGHTS = "weights"
FILE = "ensemble.json"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both fits and how much each counts."""

    linear: Line
    boosting: Trees
    weights: Mapping[str, float]
    problem: Problem

    @property
    def params(self) -> Params:
        """The weights and the settings of both."""
        return {WEIGHTS: self.weights, "linear": self.linear.params, "boosting": self.boosting.params}

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers: (n,), or (n, classes) for multiclass."""
        return _answer_all(_weigh(self.weights, *self.score(matrix)), self.problem)

    def score(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the raw scores of either: (n, scores)."""
        codes, numbers = _cut(matrix, self.problem)
        known = self.linear.coefficients
        return numbers @ known.weights.T + known.bias, self.boosting.booster.predict(codes, RAW_SCORE)


class Ensemble:
    """The weighted mean of the linear and the boosted model; a search settles each of them first."""

    name: ClassVar[str] = "ensemble"
    form: ClassVar[Form] = "both"
    pooled: ClassVar[tuple[str, ...]] = ("linear", "boosting")

    def candidates(self, _problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return the plain mean of both with plain settings; a search pools what it has found instead."""
        return ({WEIGHTS: _weights(TENTHS // 2), "linear": {"C": 1.0}, "boosting": {"leaves": 7}},)

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        problem: Problem,
        params: Params,
        seed: int,
        threads: int,
        valid: Rows | None = None,
    ) -> Pair:
        """Return both, each fitted on its columns. Raises DataError where either cannot be, or saw too few classes."""
        codes, numbers = _cut(X, problem)
        known: dict[str, Any] = {"problem": problem, "seed": seed, "threads": threads}
        later = None if valid is None else (_cut(valid[0], problem)[0], valid[1])
        linear = Linear().fit(numbers, y, params=params["linear"], **known)
        boosting = Boosting().fit(codes, y, params=params["boosting"], valid=later, **known)
        return _pair(linear, boosting, params[WEIGHTS], problem)

    def pool(
        self, fits: Sequence[Fitted], problem: Problem, matrix: np.ndarray, loss: Callable[[np.ndarray], float]
    ) -> Pair:
        """Return the fits of `pooled` with the weights, in tenths, whose answers to later rows lose least."""
        linear, boosting = fits
        if not isinstance(linear, Line) or not isinstance(boosting, Trees):
            raise DataError("ensemble pools the built-in families linear and boosting only")
        pairs = [_pair(linear, boosting, _weights(tenths), problem) for tenths in range(1, TENTHS)]
        scores = pairs[0].score(matrix)
        losses = [loss(_answer_all(_weigh(pair.weights, *scores), problem)) for pair in pairs]
        return pairs[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))]

    def export(self, fitted: Pair, folder: Path) -> list[str]:
        """Write model.txt, coefficients.json and ensemble.json."""
        (folder / COEFFICIENTS).write_text(fitted.linear.coefficients.to_json(), encoding="utf-8")
        (folder / FILE).write_text(canonical({"format": 1, WEIGHTS: dict(fitted.weights)}), encoding="utf-8")
        return [*Boosting().export(fitted.boosting, folder), COEFFICIENTS, FILE]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> "Pool":
        """Return the Predictor of these files."""
        missing = {MODEL, COEFFICIENTS, FILE} - set(files)
        if missing or not 0 < problem.codes < width:
            raise VersionError(f"An ensemble lacks {', '.join(sorted(missing)) or 'columns for one of its models'}.")
        coefficients = read_coefficients(files[COEFFICIENTS], width - problem.codes)
        if not _is_whole(coefficients, problem):
            raise VersionError(f"{COEFFICIENTS} does not score each of the contract's classes.")
        return Pool(files[MODEL], coefficients, _read_weights(files[FILE]), problem)


class Pool:
    """Answers of both models, summed up by their weights. Many rows take the way of one, for the same bits."""

    def __init__(
        self, trees: bytes, coefficients: Coefficients, weights: Mapping[str, float], problem: Problem
    ) -> None:
        self._problem = problem
        self._booster = Booster(trees, width=problem.codes, outputs=_count_scores(problem), kind=RAW_SCORE)
        self._coefficients = coefficients
        self._linear, self._boosting = weights["linear"], weights["boosting"]
        self._lines = tuple(zip(coefficients.weights.tolist(), coefficients.bias.tolist(), strict=True))

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers: (n,), or (n, classes) for multiclass."""
        codes, numbers = _cut(matrix, self._problem)
        scored = zip(self._booster.predict(codes).tolist(), numbers, strict=True)
        answers = [self._answer(scores, row.tolist()) for scores, row in scored]
        shape = (len(matrix), self._problem.classes) if self._problem.task == "multiclass" else (len(matrix),)
        return np.array(answers, dtype=np.float64).reshape(shape)

    def predict_row(self, row: Sequence[float]) -> float | list[float]:
        """Return the answer of one encoded row."""
        codes = self._problem.codes
        return self._answer(self._booster.predict_row(row[:codes]), row[codes:])

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return each column's part in the weighted raw score, first as the trees read it, then as the line; bias last.

        The trees' parts are SHAP values (Lundberg et al. 2020), the line's weight times number.
        """
        codes, numbers = _cut(matrix, self._problem)
        trees = self._boosting * self._booster.predict(codes, CONTRIBUTIONS)
        if self._problem.task == "multiclass":
            trees = trees.reshape(len(matrix), self._problem.classes, -1)
        line = self._linear * self._coefficients.contributions(numbers, self._problem)
        return np.concatenate((trees[..., :-1], line[..., :-1], trees[..., -1:] + line[..., -1:]), axis=-1)

    def close(self) -> None:
        """Free this thread's native memory."""
        self._booster.close()

    def _answer(self, trees: Sequence[float], numbers: Sequence[float]) -> float | list[float]:
        scores: list[float] = [
            self._linear * (sum(map(mul, weights, numbers)) + bias) + self._boosting * score
            for (weights, bias), score in zip(self._lines, trees, strict=True)
        ]
        if self._problem.task == "regression":
            return scores[0]
        if self._problem.task == "binary":
            return share_of(scores[0])
        most = max(scores)
        shares = [math.exp(score - most) for score in scores]
        whole = sum(shares)
        return [share / whole for share in shares]


def _pair(linear: Line, boosting: Trees, weights: Mapping[str, float], problem: Problem) -> Pair:
    if not _is_whole(linear.coefficients, problem):
        raise DataError("ensemble needs rows of every class in its training part")
    return Pair(linear, boosting, dict(weights), problem)


def _is_whole(coefficients: Coefficients, problem: Problem) -> bool:
    """Return whether a linear model has as many scores as the trees: of two classes one, else one for each."""
    return len(coefficients.bias) == _count_scores(problem) and len(coefficients.seen) == problem.classes


def _count_scores(problem: Problem) -> int:
    return problem.classes if problem.task == "multiclass" else 1


def _weights(tenths: int) -> dict[str, float]:
    return {"linear": (TENTHS - tenths) / TENTHS, "boosting": tenths / TENTHS}


def _read_weights(text: bytes) -> Mapping[str, float]:
    try:
        plain = json.loads(text)
        weights = {name: float(plain[WEIGHTS][name]) for name in Ensemble.pooled}
    except (ValueError, KeyError, TypeError) as error:
        raise VersionError(f"{FILE} cannot be read: {error}") from error
    if plain.get("format") != 1 or not all(0.0 < weight < 1.0 for weight in weights.values()):
        raise VersionError(f"{FILE} is not as trimtab writes it.")
    return weights


def _cut(matrix: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns that trees read, and those that a line reads."""
    return matrix[:, : problem.codes], matrix[:, problem.codes :]


def _weigh(weights: Mapping[str, float], linear: np.ndarray, boosting: np.ndarray) -> np.ndarray:
    return weights["linear"] * linear + weights["boosting"] * boosting


def _answer_all(scores: np.ndarray, problem: Problem) -> np.ndarray:
    """Return the answers that raw scores stand for."""
    if problem.task == "regression":
        return scores[:, 0]
    if problem.task == "binary":
        with np.errstate(over="ignore"):
            chances: np.ndarray = 1.0 / (1.0 + np.exp(-scores[:, 0]))
            return chances
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    answers: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return answers
