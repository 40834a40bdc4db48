"""The role of a model family: it learns from a matrix, writes plain files, and answers from their bytes.

A family file imports its training library inside `fit` and `export` only: serving workers import these files.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from trimtab.nouns import Task
from trimtab.train.blocks import Form

Params = Mapping[str, Any]
Rows = tuple[np.ndarray, np.ndarray]
"""A matrix with its labels: int64 class indexes (binary: 1 = positive), or float64."""


Watch = Callable[[float, float | None], bool]
"""Asked during a long fit with how far it is (in steps that fits of one family share) and its score on the later rows,
smaller is better, None where it was not computed. True: stop here and keep what there is. It may raise, to give up."""


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers between two ends that a search may try; `whole` ones, or by their `log`arithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Space = Mapping[str, Span | tuple[Any, ...]]
"""What a search may try for each setting: a Span, or a few values."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be learnt: the task, how many classes (0 for regression), and which matrix columns hold codes.

    In the form "both" the first `codes` columns are those of the form "codes".
    """

    task: Task
    classes: int = 0
    categorical: tuple[int, ...] = ()
    codes: int = 0


def share_of(score: float) -> float:
    """Return the probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-score)) if score > -700.0 else 0.0


class Fitted(Protocol):
    """What `fit` returns. `params` repeat this very fit, so they hold what early stopping found."""

    @property
    def params(self) -> Params:
        """The settings of this fit."""
        ...

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers as the training library gives them: (n,), or (n, classes) for multiclass."""
        ...


class Predictor(Protocol):
    """Answers from a Version's files. Any thread may call it; many rows and one row agree bit for bit."""

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return answers of a float64 matrix: (n,) probability of positive or number, (n, classes) for multiclass."""
        ...

    def predict_row(self, row: Sequence[float]) -> float | list[float]:
        """Return the answer of one encoded row."""
        ...

    def contributions(self, matrix: np.ndarray) -> np.ndarray | None:
        """Return each column's part in the raw score, bias last: (n, columns + 1), in log-odds or target units.

        They sum to the raw score. Multiclass: (n, classes, columns + 1). None where the family cannot say.
        """
        ...

    def close(self) -> None:
        """Give native memory back; the predictor answers no more."""
        ...


class Family(Protocol):
    """A kind of model. `form` is the encoding that it learns from."""

    name: ClassVar[str]
    form: ClassVar[Form]

    def candidates(self, problem: Problem, rows: int) -> tuple[Params, ...]:
        """Return the few settings worth trying on so many training rows, the plainest first."""
        ...

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
    ) -> Fitted:
        """Return the model of these rows. Same arguments, same model; `valid` (later rows) may stop the fit early."""
        ...

    def export(self, fitted: Any, folder: Path) -> list[str]:
        """Write the model's files into `folder` and return their names."""
        ...

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Predictor:
        """Return the Predictor of these files' bytes, whose hashes were checked, for rows of `width` numbers.

        Raises VersionError where they are not what `export` writes. Nothing in them is run as code.
        """
        ...


@runtime_checkable
class Searchable(Family, Protocol):
    """A Family whose settings may be searched. Its `fit` takes one more argument, `watch: Watch | None`."""

    def space(self, problem: Problem, rows: int) -> Space:
        """Return the settings worth searching on so many training rows."""
        ...


MEMBERS = "members"
"""The setting that `Averaging.average` fills: the settings of each fit that is averaged."""


@runtime_checkable
class Averaging(Searchable, Protocol):
    """A Searchable family that can average fits of several settings into one model."""

    def average(self, settings: Sequence[Params]) -> Params:
        """Return the settings of the model that averages the fits of these."""
        ...


@runtime_checkable
class Pooling(Family, Protocol):
    """A family that is made of the best fits of other families, named by `pooled`."""

    pooled: ClassVar[tuple[str, ...]]

    def pool(
        self, fits: Sequence[Fitted], problem: Problem, matrix: np.ndarray, loss: Callable[[np.ndarray], float]
    ) -> Fitted:
        """Return the model made of these, whose answers to later rows (`matrix`, in its form) lose least."""
        ...
