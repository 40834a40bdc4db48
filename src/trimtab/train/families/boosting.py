"""Gradient-boosted trees (LightGBM): fitted by its Python package, stored as its text, answered by its C library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.train.blocks import Form
from trimtab.train.booster import CONTRIBUTIONS, Booster
from trimtab.train.families.bags import average_trees
from trimtab.train.families.base import MEMBERS, Params, Problem, Rows, Space, Span, Watch

MODEL = "model.txt"
MOST_TREES = 1000
PATIENCE = 50
"""Trees of the plain rate without progress on the later rows before a fit stops."""
PLAIN_RATE = 0.05
LOOK = 10
"""Trees between two looks at the clock."""
DEFAULTS: Params = {"leaves": 31, "rate": 0.1, "trees": 100, "categories": "codes"}
"""About LightGBM's own settings: a member of every average, for no stretch of time has chosen them."""
PLAIN: tuple[Params, ...] = (
    {"leaves": 7},
    {"leaves": 31},
    {"leaves": 15, "leaf_rows": 5, "row_share": 0.8, "column_share": 0.7, "l2": 10.0},
)

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
    """LightGBM with early stopping on later rows; categories by sets or by order; several fits may be averaged."""

    name: ClassVar[str] = "boosting"
    form: ClassVar[Form] = "codes"

    def candidates(self, problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return small, middle-sized and held-back trees; where there are categories, with ordered codes and sets."""
        categories = ("codes", "sets") if problem.categorical else ("codes",)
        return tuple({**plain, "categories": kind} for plain, kind in product(PLAIN, categories))

    def space(self, problem: Problem, rows: int) -> Space:
        """Return what a search may try: sizes of trees, rates, shares of rows and columns, penalties."""
        return {
            "leaves": Span(3, max(8, min(127, rows // 20)), log=True, whole=True),
            "rate": Span(0.03, 0.2, log=True),
            "leaf_rows": Span(3, max(6, min(300, rows // 10)), log=True, whole=True),
            "row_share": Span(0.5, 1.0),
            "column_share": Span(0.3, 1.0),
            "l1": Span(1e-3, 10.0, log=True),
            "l2": Span(1e-2, 100.0, log=True),
            **({"categories": ("codes", "sets")} if problem.categorical else {}),
        }

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
        watch: Watch | None = None,
    ) -> Trees:
        """Return the trees; `params["trees"]` fixes their number, otherwise `valid` stops the fit.

        More rows than the `params["rows"]` on which that number was found carry more trees: it grows with the root of
        the rows. `params["members"]` are the settings of several fits, with a seed each, that are averaged.
        """
        if not X.shape[1]:
            raise DataError("boosting needs at least one feature column")
        members = params.get(MEMBERS, (params,))
        found = [
            _grow((X, y), member, problem=problem, seed=seed + place, threads=threads, valid=valid, watch=watch)
            for place, member in enumerate(members)
        ]
        text = average_trees([text for text, _ in found]) if len(found) > 1 else found[0][0]
        fitted = tuple(settings for _, settings in found)
        return _open_trees(text, problem, X.shape[1], {MEMBERS: fitted} if MEMBERS in params else fitted[0])

    def average(self, settings: Sequence[Params]) -> Params:
        """Return the settings of the trees of all of these and of the defaults, as one text."""
        return {MEMBERS: (*settings, DEFAULTS)}

    def export(self, fitted: Trees, folder: Path) -> list[str]:
        """Write model.txt."""
        (folder / MODEL).write_bytes(fitted.text)
        return [MODEL]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Trees:
        """Return the trees of model.txt."""
        if MODEL not in files:
            raise VersionError(f"{MODEL} is missing.")
        return _open_trees(files[MODEL], problem, width, {})


def _grow(
    known: Rows,
    params: Params,
    *,
    problem: Problem,
    seed: int,
    threads: int,
    valid: Rows | None,
    watch: Watch | None,
) -> tuple[bytes, Params]:
    """Return the text of one fit, and the settings that repeat it."""
    import lightgbm  # heavy, and only training needs it

    settings, rate = _settings(problem, params, seed, threads), float(params.get("rate", PLAIN_RATE))
    sets = list(problem.categorical) if params.get("categories") == "sets" else []
    rows = lightgbm.Dataset(*known, categorical_feature=sets, params=settings)
    fixed = _count_trees(params, len(known[1]))
    stops = valid is not None and not fixed
    found = lightgbm.train(
        settings,
        rows,
        num_boost_round=fixed or (_slower(MOST_TREES, rate) if stops else 200),
        valid_sets=[lightgbm.Dataset(*valid, reference=rows, params=settings)] if valid and stops else None,
        callbacks=_callbacks(lightgbm, rate, watch) if stops else None,
    )
    trees = found.best_iteration if stops else found.current_iteration()
    text = _strip_settings(found.model_to_string(num_iteration=trees))
    return text, params if fixed else {**params, "trees": trees, "rows": len(known[1])}


def _count_trees(params: Params, rows: int) -> int:
    """Return how many trees so many rows carry; 0 where their number is still to be found."""
    if "trees" not in params:
        return 0
    grown = float(params["trees"]) * math.sqrt(rows / params.get("rows", rows))
    return max(1, min(round(grown), 4 * MOST_TREES))


def _open_trees(text: bytes, problem: Problem, width: int, params: Params) -> Trees:
    outputs = problem.classes if problem.task == "multiclass" else 1
    return Trees(text, problem, Booster(text, width=width, outputs=outputs), params)


def _settings(problem: Problem, params: Params, seed: int, threads: int) -> dict[str, Any]:
    return {
        **_OBJECTIVES[problem.task],
        **({"num_class": problem.classes} if problem.task == "multiclass" else {}),
        "num_leaves": int(params.get("leaves", 31)),
        "learning_rate": float(params.get("rate", PLAIN_RATE)),
        "lambda_l1": float(params.get("l1", 0.0)),
        "lambda_l2": float(params.get("l2", 1.0)),
        "min_data_in_leaf": int(params.get("leaf_rows", 20)),
        "bagging_fraction": float(params.get("row_share", 1.0)),
        "bagging_freq": 1 if params.get("row_share", 1.0) < 1.0 else 0,
        "feature_fraction": float(params.get("column_share", 1.0)),
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _slower(trees: int, rate: float) -> int:
    """Return the trees that are at a rate what so many are at the plain one."""
    return int(min(4.0, max(0.4, PLAIN_RATE / rate)) * trees)


def _callbacks(lightgbm: Any, rate: float, watch: Watch | None) -> list[Any]:
    stop = lightgbm.early_stopping(_slower(PATIENCE, rate), verbose=False)
    if watch is None:
        return [stop]
    best: list[Any] = [0, None]

    def look(env: Any) -> None:
        score = float(env.evaluation_result_list[0][2])
        if best[1] is None or score < best[1]:
            best[:] = [env.iteration, score]
        # Rate times trees is how far a fit has come: fits of different rates meet at the same steps.
        if env.iteration % LOOK == LOOK - 1 and watch(env.iteration * rate, score):
            raise lightgbm.callback.EarlyStopException(best[0], env.evaluation_result_list)

    return [look, stop]


def _strip_settings(text: str) -> bytes:
    """Return the model without the list of settings behind it: they name the threads, which do not change the trees."""
    return text[: text.index("\nparameters:")].encode() + b"\n"
