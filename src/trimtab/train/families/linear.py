"""Regularised linear models: fitted by scikit-learn, stored as ONNX in double precision, answered by onnxruntime."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.nouns import canonical
from trimtab.train.blocks import Form
from trimtab.train.families.base import Params, Problem, Rows, Space, Span, Watch
from trimtab.train.families.graph import MODEL, Graph, Reading, ask_estimator, convert

COEFFICIENTS = "coefficients.json"
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the ridge penalty that are tried, the simplest model first."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What a linear model knows: one row of weights and one bias for each score, and which classes were seen."""

    weights: np.ndarray
    bias: np.ndarray
    seen: tuple[int, ...]

    def to_json(self) -> str:
        """Return the text of coefficients.json."""
        plain = {"format": 1, "weights": self.weights.tolist(), "bias": self.bias.tolist(), "seen": self.seen}
        return canonical(plain)

    def contributions(self, matrix: np.ndarray, problem: Problem) -> np.ndarray:
        """Return weight times number for each column, bias last; a class that was never seen stays at zero."""
        scores = matrix[:, None, :] * self.weights[None, :, :]
        bias = np.broadcast_to(self.bias[None, :, None], (*scores.shape[:2], 1))
        parts: np.ndarray = np.concatenate((scores, bias), axis=2)
        if problem.task != "multiclass":
            return parts[:, 0, :]
        full = np.zeros((len(matrix), problem.classes, parts.shape[2]))
        if len(self.bias) == 1:  # two of many classes: one score, the log-odds of the second
            full[:, self.seen[-1], :] = parts[:, 0, :]
        else:
            full[:, list(self.seen), :] = parts
        return full


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted scikit-learn estimator."""

    estimator: Any
    problem: Problem
    params: Params

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the estimator's own answers."""
        return ask_estimator(self.estimator, matrix, self.problem)

    @property
    def coefficients(self) -> Coefficients:
        """The estimator's coefficients; regression has one score and no classes."""
        seen = () if self.problem.task == "regression" else tuple(map(int, self.estimator.classes_))
        bias = np.atleast_1d(np.asarray(self.estimator.intercept_, dtype=np.float64))
        return Coefficients(np.atleast_2d(np.asarray(self.estimator.coef_, dtype=np.float64)), bias, seen)


class Linear:
    """Logistic regression, or ridge regression, on standardised numbers and indicators."""

    name: ClassVar[str] = "linear"
    form: ClassVar[Form] = "one_hot"

    def candidates(self, _problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return the strengths, the most regularised first."""
        return tuple({"C": strength} for strength in STRENGTHS)

    def space(self, _problem: Problem, _rows: int) -> Space:
        """Return the strengths between the plain ones and beyond them."""
        return {"C": Span(1e-3, 1e2, log=True)}

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        problem: Problem,
        params: Params,
        seed: int,  # noqa: ARG002 - the solvers used here leave nothing to chance
        threads: int,  # noqa: ARG002 - see below: always one, so that sums are made in one order
        valid: Rows | None = None,  # noqa: ARG002 - nothing to stop early: the strength is chosen outside
        watch: Watch | None = None,  # noqa: ARG002 - the solver cannot be asked to stop
    ) -> Line:
        """Return the fitted line. Raises DataError where there is nothing to tell apart."""
        from sklearn.linear_model import LogisticRegression, Ridge  # heavy, and only training needs it
        from threadpoolctl import threadpool_limits

        if not X.shape[1]:
            raise DataError("linear needs at least one feature column")
        if problem.task != "regression" and len(np.unique(y)) < 2:
            raise DataError("linear needs two classes in its training part")
        strength = float(params["C"])
        ridge = problem.task == "regression"
        model = Ridge(alpha=1.0 / strength) if ridge else LogisticRegression(C=strength, max_iter=2000)
        # One thread for BLAS: more would add the same numbers in another order, and the hashes would differ.
        with threadpool_limits(1), warnings.catch_warnings():
            # A fit that has not wholly converged is judged by its answers like any other.
            warnings.simplefilter("ignore")
            return Line(model.fit(X, y), problem, dict(params))

    def export(self, fitted: Line, folder: Path) -> list[str]:
        """Write model.onnx and, for explanations, coefficients.json."""
        (folder / MODEL).write_bytes(
            convert(fitted.estimator, fitted.problem, fitted.coefficients.weights.shape[1], self.name)
        )
        (folder / COEFFICIENTS).write_text(fitted.coefficients.to_json(), encoding="utf-8")
        return [MODEL, COEFFICIENTS]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> "OnnxLine":
        """Return the Predictor of model.onnx and coefficients.json."""
        if not {MODEL, COEFFICIENTS} <= set(files):
            raise VersionError(f"{MODEL} or {COEFFICIENTS} is missing.")
        return OnnxLine(files[MODEL], read_coefficients(files[COEFFICIENTS], width), problem, width)


class OnnxLine(Graph):
    """Answers of the graph, explained by the coefficients beside it."""

    def __init__(self, graph: bytes, coefficients: Coefficients, problem: Problem, width: int) -> None:
        super().__init__(graph, Reading(coefficients.seen), problem, width)
        self._coefficients = coefficients

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return weight times number for each column, bias last."""
        return self._coefficients.contributions(matrix, self._problem)


def read_coefficients(text: bytes, width: int) -> Coefficients:
    """Return what `Coefficients.to_json` wrote. Raises VersionError where it is something else."""
    try:
        plain = json.loads(text)
        weights = np.array(plain["weights"], dtype=np.float64)
        bias = np.array(plain["bias"], dtype=np.float64)
        known = Coefficients(weights, bias, tuple(map(int, plain["seen"])))
    except (ValueError, KeyError, TypeError) as error:
        raise VersionError(f"{COEFFICIENTS} cannot be read: {error}") from error
    if plain.get("format") != 1 or weights.shape != (len(bias), width):
        raise VersionError(f"{COEFFICIENTS} has weights of shape {weights.shape} for rows of {width} numbers.")
    return known
