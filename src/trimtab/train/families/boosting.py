"""Gradient-boosted trees (LightGBM): fitted by its Python package, stored as its text, answered by its C library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.train.blocks import Form
from trimtab.train.booster import CONTRIBUTIONS, Booster
from trimtab.train.families.base import Params, Problem, Rows

MOST_TREES = 1000
PATIENCE = 50
"""Trees without progress on the later rows before a fit stops. Stopping early is worth more than any search."""

_OBJECTIVES = {
    "binary": {"objective": "binary", "metric": "binary_logloss"},
    "multiclass": {"objective": "multiclass", "metric": "multi_logloss"},
    "regression": {"objective": "regression", "metric": "l2"},
}


@dataclass(frozen=True, slots=True)
class Trees:
    """A fitted or loaded booster; both answer through the same C library, so parity is by construction."""

    text: bytes
    problem: Problem
    booster: Booster
    params: Params

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers: (n,), or (n, classes) for multiclass."""
        answers = self.booster.predict(matrix)
        return answers if self.problem.task == "multiclass" else answers[:, 0]

    def predict_row(self, row: Sequence[float]) -> float | list[float]:
        """Return the answer of one encoded row."""
        answers = self.booster.predict_row(row)
        return list(answers) if self.problem.task == "multiclass" else answers[0]

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return SHAP values of the trees (Lundberg et al. 2020), bias last."""
        parts = self.booster.predict(matrix, CONTRIBUTIONS)
        return parts if self.problem.task != "multiclass" else parts.reshape(len(parts), self.problem.classes, -1)

    def close(self) -> None:
        """Free this thread's native memory."""
        self.booster.close()


class Boosting:
    """LightGBM with early stopping on later rows; a few sizes of tree, categories by sets or by order."""

    name: ClassVar[str] = "boosting"
    form: ClassVar[Form] = "codes"

    def candidates(self, problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return small and middle-sized trees; where there are categories, with ordered codes and with sets."""
        categories = ("codes", "sets") if problem.categorical else ("codes",)
        return tuple({"leaves": leaves, "categories": kind} for leaves, kind in product((7, 31), categories))

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
    ) -> Trees:
        """Return the trees; `params["trees"]` fixes their number, otherwise `valid` stops the fit."""
        import lightgbm  # heavy, and only training needs it

        if not X.shape[1]:
            raise DataError("boosting needs at least one feature column")
        settings = _settings(problem, params, seed, threads)
        sets = list(problem.categorical) if params.get("categories") == "sets" else []
        rows = lightgbm.Dataset(X, y, categorical_feature=sets, params=settings)
        found = lightgbm.train(
            settings,
            rows,
            num_boost_round=int(params.get("trees", MOST_TREES if valid else 200)),
            valid_sets=[lightgbm.Dataset(*valid, reference=rows, params=settings)] if valid else None,
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)] if valid else None,
        )
        trees = found.best_iteration if valid else found.current_iteration()
        return _open_trees(
            _strip_settings(found.model_to_string(num_iteration=trees)), problem, X.shape[1], {**params, "trees": trees}
        )

    def export(self, fitted: Trees, folder: Path) -> list[str]:
        """Write model.txt."""
        (folder / "model.txt").write_bytes(fitted.text)
        return ["model.txt"]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Trees:
        """Return the trees of model.txt."""
        if "model.txt" not in files:
            raise VersionError("model.txt is missing.")
        return _open_trees(files["model.txt"], problem, width, {})


def _open_trees(text: bytes, problem: Problem, width: int, params: Params) -> Trees:
    outputs = problem.classes if problem.task == "multiclass" else 1
    return Trees(text, problem, Booster(text, width=width, outputs=outputs), params)


def _settings(problem: Problem, params: Params, seed: int, threads: int) -> dict[str, Any]:
    return {
        **_OBJECTIVES[problem.task],
        **({"num_class": problem.classes} if problem.task == "multiclass" else {}),
        "num_leaves": int(params.get("leaves", 31)),
        "learning_rate": 0.05,
        "lambda_l2": 1.0,
        "min_data_in_leaf": 20,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _strip_settings(text: str) -> bytes:
    """Return the model without the list of settings behind it: they name the threads, which do not change the trees."""
    return text[: text.index("\nparameters:")].encode() + b"\n"
