"""The answer of somebody who looks at no column: the class frequencies, or the mean. Other families must beat it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import VersionError
from trimtab.nouns import Task, canonical
from trimtab.train.blocks import Form
from trimtab.train.families.base import Params, Problem, Rows

SMALLEST = 1e-15
"""A probability is never explained as less than this: log(0) is no number."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A fitted baseline, which is also its own Predictor: it gives `answer` to every row."""

    task: Task
    answer: tuple[float, ...]
    params: Params = field(default_factory=dict)

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return the answer once for each row."""
        many: np.ndarray = np.tile(np.array(self.answer, dtype=np.float64), (len(matrix), 1))
        return many if self.task == "multiclass" else many[:, 0].copy()

    def predict_row(self, _row: Sequence[float]) -> float | list[float]:
        """Return the answer."""
        return list(self.answer) if self.task == "multiclass" else self.answer[0]

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return zero for every column and the raw score as bias."""
        shape = (len(matrix), matrix.shape[1] + 1)
        parts = np.zeros((shape[0], len(self.answer), shape[1]) if self.task == "multiclass" else shape)
        parts[..., -1] = self._raw()
        return parts

    def close(self) -> None:
        """Do nothing: there is no native memory."""

    def _raw(self) -> np.ndarray:
        given = np.array(self.answer)
        if self.task == "regression":
            return given
        given = np.clip(given, SMALLEST, 1.0 - SMALLEST)
        raw: np.ndarray = np.log(given / (1.0 - given)) if self.task == "binary" else np.log(given)
        return raw


class Baseline:
    """Class frequencies of the fitted rows, or their mean."""

    name: ClassVar[str] = "baseline"
    form: ClassVar[Form] = "codes"

    def candidates(self, _problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return the one setting: none."""
        return ({},)

    def fit(
        self,
        X: np.ndarray,  # noqa: ARG002 - the role's signature; a baseline looks at no column
        y: np.ndarray,
        *,
        problem: Problem,
        params: Params,
        seed: int,  # noqa: ARG002 - nothing here is left to chance
        threads: int,  # noqa: ARG002 - nothing here takes time
        valid: Rows | None = None,  # noqa: ARG002 - nothing here can be stopped early
    ) -> Constant:
        """Return the constant of these labels."""
        if problem.task == "regression":
            return Constant(problem.task, (float(y.mean()),), params)
        shares = np.bincount(y, minlength=problem.classes) / len(y)
        given = shares if problem.task == "multiclass" else shares[1:]
        return Constant(problem.task, tuple(map(float, given)), params)

    def export(self, fitted: Constant, folder: Path) -> list[str]:
        """Write baseline.json."""
        text = canonical({"format": 1, "task": fitted.task, "answer": fitted.answer})
        (folder / "baseline.json").write_text(text, encoding="utf-8")
        return ["baseline.json"]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Constant:  # noqa: ARG002 - any width
        """Return the constant of baseline.json."""
        try:
            plain: dict[str, Any] = json.loads(files["baseline.json"])
            answer = tuple(float(value) for value in plain["answer"])
        except (ValueError, KeyError, TypeError) as error:
            raise VersionError(f"baseline.json cannot be read: {error}") from error
        slots = problem.classes if problem.task == "multiclass" else 1
        if plain.get("format") != 1 or plain.get("task") != problem.task or len(answer) != slots:
            raise VersionError("baseline.json does not answer the contract's task.")
        return Constant(problem.task, answer)
