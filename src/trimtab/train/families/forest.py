"""Random forests (Breiman 2001): fitted by scikit-learn, stored as ONNX, answered by onnxruntime.

scikit-learn's trees read single precision, so rows are rounded to it on both sides and compared as doubles: the graph
takes the very turns of the fitted trees. A missing number stands below all that were seen.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError
from trimtab.train.blocks import Form
from trimtab.train.families.base import Params, Problem, Rows, Space, Span, Watch
from trimtab.train.families.graph import (
    MODEL,
    READING,
    Graph,
    Learnt,
    Reading,
    load_graph,
    prepare_matrix,
)
from trimtab.train.families.grove import write_trees

TREES = 100
AT_ONCE = 10
"""Trees between two looks at the clock."""
ROWS_OF_A_TREE = 20_000
"""A tree learns from at most so many rows, drawn for it: more make every tree slower and all of them more alike."""
MOST_LEAVES = 1000
"""Leaves of a tree: a hundred such trees are some ten megabytes."""


class Forest:
    """Trees on resampled rows and columns, averaged."""

    name: ClassVar[str] = "forest"
    form: ClassVar[Form] = "codes"

    def candidates(self, problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return the one plain setting: numbers bear finer leaves, and trees that are more alike, than classes do."""
        if problem.task == "regression":
            return ({"leaf_rows": 2, "column_share": 0.8},)
        return ({"leaf_rows": 5, "column_share": 0.4},)

    def space(self, _problem: Problem, rows: int) -> Space:
        """Return how small a leaf may be, and how many columns a split may look at."""
        return {"leaf_rows": Span(2, max(4, min(200, rows // 50)), log=True, whole=True), "column_share": Span(0.1, 1)}

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        problem: Problem,
        params: Params,
        seed: int,
        threads: int,
        valid: Rows | None = None,  # noqa: ARG002 - more trees never hurt, so nothing is stopped early
        watch: Watch | None = None,
    ) -> Learnt:
        """Return the trees; their number is `params["trees"]`, or what there was time for."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # heavy, and only training needs it

        if not X.shape[1]:
            raise DataError("forest needs at least one feature column")
        reading = Reading(_seen(y, problem), _below(X), single=True)
        rows = prepare_matrix(X, reading)
        kind = RandomForestRegressor if problem.task == "regression" else RandomForestClassifier
        model = kind(
            n_estimators=AT_ONCE,
            min_samples_leaf=int(params.get("leaf_rows", 5)),
            max_features=float(params.get("column_share", 0.4)),
            max_leaf_nodes=MOST_LEAVES,
            max_samples=min(len(X), ROWS_OF_A_TREE),
            random_state=seed,
            n_jobs=threads,
            warm_start=True,
        )
        trees = int(params.get("trees", TREES))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for grown in range(0, trees, AT_ONCE):
                model.set_params(n_estimators=min(grown + AT_ONCE, trees)).fit(rows, y)
                if watch and watch(grown / trees, None):
                    break
        # scikit-learn's threads add the trees' answers in the order in which they end: other last bits each time.
        model.set_params(n_jobs=1)
        return Learnt(model, problem, {**params, "trees": len(model.estimators_)}, reading)

    def export(self, fitted: Learnt, folder: Path) -> list[str]:
        """Write model.onnx and reading.json."""
        model, regression = fitted.estimator, fitted.problem.task == "regression"
        text = write_trees(model, model.n_features_in_, regression=regression, name=self.name)
        (folder / MODEL).write_bytes(text)
        (folder / READING).write_text(fitted.reading.to_json(), encoding="utf-8")
        return [MODEL, READING]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Graph:
        """Return the Predictor of model.onnx and reading.json."""
        return load_graph(files, problem, width)


def _seen(y: np.ndarray, problem: Problem) -> tuple[int, ...]:
    return () if problem.task == "regression" else tuple(map(int, np.unique(y)))


def _below(X: np.ndarray) -> tuple[float, ...]:
    """Return for each column a number below all that it holds."""
    held: Any = np.where(np.isnan(X), np.inf, X).min(axis=0)
    return tuple(float(least) - 1.0 - abs(float(least)) if np.isfinite(least) else 0.0 for least in held)
