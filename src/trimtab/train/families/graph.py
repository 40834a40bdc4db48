"""Answers of an ONNX graph by onnxruntime, and how a scikit-learn estimator becomes one. Light until it converts.

onnxruntime gives other last bits for many rows at once than for one (its vectorised sigmoid does), so many rows are
answered one by one, from the same aligned buffer: a few microseconds a row, and online equals batch.
"""

import json
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.errors import VersionError
from trimtab.nouns import canonical
from trimtab.train.families.base import Params, Problem

MODEL, READING = "model.onnx", "reading.json"
_FLOAT = 1
"""ONNX's number for 32-bit floats."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows go into a graph and answers come out: which classes were seen, what stands for a missing number (None:
    none is expected), and whether numbers are rounded to single precision first, as scikit-learn's trees do.
    """

    seen: tuple[int, ...] = ()
    fill: tuple[float, ...] | None = None
    single: bool = False

    def to_json(self) -> str:
        """Return the text of reading.json."""
        return canonical({"format": 1, "seen": self.seen, "fill": self.fill, "single": self.single})


@dataclass(frozen=True, slots=True)
class Learnt:
    """A fitted scikit-learn estimator with the way in which rows are given to it."""

    estimator: Any
    problem: Problem
    params: Params
    reading: Reading

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the estimator's own answers."""
        return ask_estimator(self.estimator, prepare_matrix(matrix, self.reading), self.problem)


def ask_estimator(estimator: Any, matrix: np.ndarray, problem: Problem) -> np.ndarray:
    """Return a scikit-learn estimator's answers: (n,), or (n, classes); a class that it never saw gets zero."""
    if problem.task == "regression":
        return np.asarray(estimator.predict(matrix), dtype=np.float64).reshape(len(matrix))
    given = np.asarray(estimator.predict_proba(matrix), dtype=np.float64)
    full = np.zeros((len(matrix), problem.classes))
    full[:, list(map(int, estimator.classes_))] = given
    return full if problem.task == "multiclass" else full[:, 1].copy()


def prepare_matrix(matrix: np.ndarray, reading: Reading) -> np.ndarray:
    """Return the matrix as the graph reads it."""
    filled: np.ndarray = matrix if reading.fill is None else np.where(np.isnan(matrix), np.array(reading.fill), matrix)
    if not reading.single:
        return filled
    with np.errstate(over="ignore"):
        most = float(np.finfo(np.float32).max)
        rounded: np.ndarray = np.clip(filled, -most, most).astype(np.float32).astype(np.float64)
        return rounded


def read_reading(text: bytes, width: int) -> Reading:
    """Return what `Reading.to_json` wrote. Raises VersionError where it is something else."""
    try:
        plain = json.loads(text)
        fill = None if plain["fill"] is None else tuple(map(float, plain["fill"]))
        found = Reading(tuple(map(int, plain["seen"])), fill, bool(plain["single"]))
    except (ValueError, KeyError, TypeError) as error:
        raise VersionError(f"{READING} cannot be read: {error}") from error
    if plain.get("format") != 1 or (fill is not None and len(fill) != width):
        raise VersionError(f"{READING} is not as trimtab writes it for rows of {width} numbers.")
    return found


class Graph:
    """A Predictor from an ONNX graph: one thread, one row at a time. It cannot tell a column's part in an answer."""

    def __init__(self, graph: bytes, reading: Reading, problem: Problem, width: int) -> None:
        self._problem = problem
        self._reading = reading
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
        if self._reading.fill is not None or self._reading.single:
            feed["X"][:] = prepare_matrix(feed["X"], self._reading)
        return shape_answer(self._problem, self._reading.seen, self._session.run(self._outputs, feed)[0][0])

    def contributions(self, matrix: np.ndarray) -> np.ndarray | None:  # noqa: ARG002 - the role's signature
        """Return None: a graph is not taken apart."""
        return None

    def close(self) -> None:
        """Forget the session."""
        del self._session

    def _check_shape(self) -> None:
        """Refuse a graph that does not read and answer what the contract says."""
        given = [(node.name, node.type, node.shape[-1] if node.shape else 0) for node in self._session.get_inputs()]
        if given != [("X", "tensor(double)", self._width)]:
            raise VersionError(f"{MODEL} reads {given}; the encoder gives {self._width} doubles 'X'.")
        known = range(0 if self._problem.task == "regression" else self._problem.classes)
        if not set(self._reading.seen) <= set(known) or len(set(self._reading.seen)) < len(self._reading.seen):
            raise VersionError(f"{MODEL} answers classes {self._reading.seen}; the contract has {len(known)}.")
        classes = {"regression": 1}.get(self._problem.task, len(self._reading.seen))
        try:
            answer = self._session.run(self._outputs, {"X": np.zeros((1, self._width))})[0]
        except Exception as error:  # onnxruntime raises classes of its own without a common public root
            raise VersionError(f"{MODEL} does not answer one row: {error}") from error
        if answer.shape != (1, classes):
            raise VersionError(f"{MODEL} answers one row with shape {answer.shape} instead of {(1, classes)}.")


def shape_answer(problem: Problem, seen: tuple[int, ...], out: np.ndarray) -> float | list[float]:
    """Return a graph's numbers as an answer: every class has its place, and no probability is rounded beyond 1."""
    if problem.task == "regression":
        return float(out[0])
    full = [0.0] * problem.classes
    for place, given in zip(seen, out.tolist(), strict=True):
        full[place] = 1.0 if given > 1.0 else given  # noqa: FURB136 - min() would take NaN for 1
    return full if problem.task == "multiclass" else full[1]


def _open_session(graph: bytes) -> Any:
    """Return an onnxruntime session with one thread that reads nothing but these bytes."""
    # A tensor outside the file is named by an entry "location"; the bytes of a graph without one hold no such text.
    if b"location" in graph:
        raise VersionError(f"{MODEL} names external data; a Version holds all of its own bytes.")
    import onnxruntime  # 78 MB that only Versions in ONNX need

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own without a common public root
        raise VersionError(f"{MODEL} cannot be loaded: {str(error)[:200]}") from error


def convert(estimator: Any, problem: Problem, width: int, name: str) -> bytes:
    """Return the ONNX graph of a fitted estimator over doubles 'X', with its answer as the only output."""
    from skl2onnx import to_onnx  # heavy, and only training needs it
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

    regression = problem.task == "regression"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = None if regression else {id(estimator): {"zipmap": False}}
        graph = to_onnx(estimator, np.zeros((1, width)), name=name, options=options)
        answer = graph.graph.output[-1].name
        graph = graph if regression else select_model_inputs_outputs(graph, answer)
    for output in graph.graph.output:
        # A tree ensemble gives single precision whatever it reads; the converter declares what was read.
        if graph.graph.node[-1].op_type == "TreeEnsembleRegressor" and output.name in graph.graph.node[-1].output:
            output.type.tensor_type.elem_type = _FLOAT
    # The converter lists what the graph imports in the order of a set of texts: another one in each process.
    imported = sorted((one.domain, one.version) for one in graph.opset_import)
    del graph.opset_import[:]
    for domain, version in imported:
        graph.opset_import.add(domain=domain, version=version)
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def load_graph(files: Mapping[str, bytes], problem: Problem, width: int) -> Graph:
    """Return the Predictor of model.onnx and reading.json."""
    if not {MODEL, READING} <= set(files):
        raise VersionError(f"{MODEL} or {READING} is missing.")
    return Graph(files[MODEL], read_reading(files[READING], width), problem, width)
