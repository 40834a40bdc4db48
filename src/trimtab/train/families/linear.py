"""Regularised linear models: fitted by scikit-learn, stored as ONNX in double precision, answered by onnxruntime.

onnxruntime gives other last bits for many rows at once than for one (its vectorised sigmoid does), so many rows are
answered one by one, from the same aligned buffer: about 6 microseconds a row, and online equals batch.
"""

import json
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.nouns import Task, canonical
from trimtab.train.blocks import Form
from trimtab.train.families.base import Params, Problem, Rows

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the ridge penalty that are tried, the simplest model first."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What a linear model knows: one row of weights and one bias for each score, and which classes were seen."""

    weights: np.ndarray
    bias: np.ndarray
    seen: tuple[int, ...]

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
        if self.problem.task == "regression":
            return np.asarray(self.estimator.predict(matrix), dtype=np.float64)
        given = self.estimator.predict_proba(matrix)
        if self.problem.task == "binary":
            return np.asarray(given[:, 1], dtype=np.float64)
        full = np.zeros((len(matrix), self.problem.classes))
        full[:, self.estimator.classes_] = given
        return full

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
        (folder / "model.onnx").write_bytes(_convert(fitted))
        known = fitted.coefficients
        plain = {"format": 1, "weights": known.weights.tolist(), "bias": known.bias.tolist(), "seen": known.seen}
        (folder / "coefficients.json").write_text(canonical(plain), encoding="utf-8")
        return ["model.onnx", "coefficients.json"]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> "OnnxLine":
        """Return the Predictor of model.onnx and coefficients.json."""
        if not {"model.onnx", "coefficients.json"} <= set(files):
            raise VersionError("model.onnx or coefficients.json is missing.")
        return OnnxLine(files["model.onnx"], _read_coefficients(files["coefficients.json"], width), problem, width)


class OnnxLine:
    """Answers of an ONNX graph by onnxruntime, one thread, one row at a time."""

    def __init__(self, graph: bytes, coefficients: Coefficients, problem: Problem, width: int) -> None:
        self._problem = problem
        self._coefficients = coefficients
        self._width = width
        self._session = _open_session(graph)
        self._outputs = [self._session.get_outputs()[-1].name]
        self._threads = threading.local()
        self._check_shape()

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers, row by row."""
        shape = (len(matrix), self._problem.classes) if self._problem.task == "multiclass" else (len(matrix),)
        answers = np.empty(shape)
        for place, row in enumerate(matrix):
            answers[place] = self.predict_row(row)
        return answers

    def predict_row(self, row: Sequence[float] | np.ndarray) -> float | list[float]:
        """Return the answer of one encoded row."""
        feed: dict[str, np.ndarray] | None = getattr(self._threads, "feed", None)
        if feed is None:
            feed = self._threads.feed = {"X": np.zeros((1, self._width))}
        feed["X"][0] = row
        return _shape_answer(self._problem, self._coefficients.seen, self._session.run(self._outputs, feed)[0][0])

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return weight times number for each column, bias last."""
        return self._coefficients.contributions(matrix, self._problem)

    def close(self) -> None:
        """Forget the session."""
        del self._session

    def _check_shape(self) -> None:
        """Refuse a graph that does not read and answer what the contract says."""
        given = [(node.name, node.type, node.shape[-1]) for node in self._session.get_inputs()]
        if given != [("X", "tensor(double)", self._width)]:
            raise VersionError(f"model.onnx reads {given}; the encoder gives {self._width} doubles 'X'.")
        classes = {"binary": 2, "regression": 1}.get(self._problem.task, len(self._coefficients.seen))
        try:
            answer = self._session.run(self._outputs, {"X": np.zeros((1, self._width))})[0]
        except Exception as error:  # onnxruntime raises classes of its own without a common public root
            raise VersionError(f"model.onnx does not answer one row: {error}") from error
        if answer.shape != (1, classes):
            raise VersionError(f"model.onnx answers one row with shape {answer.shape} instead of {(1, classes)}.")


def _shape_answer(problem: Problem, seen: tuple[int, ...], out: np.ndarray) -> float | list[float]:
    if problem.task == "regression":
        return float(out[0])
    if problem.task == "binary":
        return float(out[1])
    if len(seen) == problem.classes:
        answer: list[float] = out.tolist()
        return answer
    full = [0.0] * problem.classes
    for place, given in zip(seen, out.tolist(), strict=True):
        full[place] = given
    return full


def _open_session(graph: bytes) -> Any:
    """Return an onnxruntime session with one thread that reads nothing but these bytes."""
    # A tensor outside the file is named by an entry "location"; the bytes of a graph without one hold no such text.
    if b"location" in graph:
        raise VersionError("model.onnx names external data; a Version holds all of its own bytes.")
    import onnxruntime  # 78 MB that only Versions in ONNX need

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own without a common public root
        raise VersionError(f"model.onnx cannot be loaded: {str(error)[:200]}") from error


def _read_coefficients(text: bytes, width: int) -> Coefficients:
    try:
        plain = json.loads(text)
        weights = np.array(plain["weights"], dtype=np.float64)
        bias = np.array(plain["bias"], dtype=np.float64)
        known = Coefficients(weights, bias, tuple(map(int, plain["seen"])))
    except (ValueError, KeyError, TypeError) as error:
        raise VersionError(f"coefficients.json cannot be read: {error}") from error
    if plain.get("format") != 1 or weights.shape != (len(bias), width):
        raise VersionError(f"coefficients.json has weights of shape {weights.shape} for rows of {width} numbers.")
    return known


def _convert(fitted: Line) -> bytes:
    """Return the ONNX graph of a fitted line, double precision, with its answer as the only output."""
    from skl2onnx import to_onnx  # heavy, and only training needs it
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

    task: Task = fitted.problem.task
    width = fitted.coefficients.weights.shape[1]
    options = None if task == "regression" else {"zipmap": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = to_onnx(fitted.estimator, np.zeros((1, width)), name="linear", options=options)
        answer = graph.graph.output[-1].name
        graph = graph if task == "regression" else select_model_inputs_outputs(graph, answer)
    data: bytes = graph.SerializeToString(deterministic=True)
    return data
