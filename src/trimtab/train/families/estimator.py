"""A scikit-learn estimator of the project's own: imported to be fitted, stored as ONNX, answered without its code.

`families = ["mine.model:build"]` names a function in a module beside trimtab.toml; `build()` returns an estimator that
is not fitted yet. It learns from standardised numbers and indicators, in which nothing is missing.
"""

import importlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from trimtab.errors import DataError, VersionError
from trimtab.train.blocks import Form
from trimtab.train.families.base import Params, Problem, Rows
from trimtab.train.families.graph import MODEL, READING, Graph, Learnt, Reading, convert, load_graph

PARITY = 1e-6
ROWS = 2000


class Estimator:
    """What `build()` of a dotted name returns. Without a name it can only open what was stored."""

    name: ClassVar[str] = "estimator"
    form: ClassVar[Form] = "one_hot"

    def __init__(self, dotted: str = "", folder: Path = Path()) -> None:
        self._dotted = dotted
        self._folder = folder

    def candidates(self, _problem: Problem, _rows: int) -> tuple[Params, ...]:
        """Return the one setting: which function makes it."""
        return ({"build": self._dotted},)

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        problem: Problem,
        params: Params,
        seed: int,
        threads: int,  # noqa: ARG002 - always one, so that sums are made in one order
        valid: Rows | None = None,  # noqa: ARG002 - the role's signature; its code knows no such thing
    ) -> Learnt:
        """Return the fitted estimator, which has been stored as ONNX and read back on a trial.

        Raises DataError, with the reason in words, where it cannot be made, fitted, stored or stored faithfully. Every
        `random_state` that it leaves open is set to the seed.
        """
        from threadpoolctl import threadpool_limits

        model = _make(str(params.get("build") or self._dotted), self._folder)
        _seed(model, seed)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        fitted = Learnt(model, problem, dict(params), Reading(_classes(model, problem)))
        _try_storing(fitted, X)
        return fitted

    def export(self, fitted: Learnt, folder: Path) -> list[str]:
        """Write model.onnx and reading.json."""
        for name, data in _store(fitted).items():
            (folder / name).write_bytes(data)
        return [MODEL, READING]

    def load(self, files: Mapping[str, bytes], problem: Problem, width: int) -> Graph:
        """Return the Predictor of model.onnx and reading.json. The project's code is not needed."""
        return load_graph(files, problem, width)


def _make(dotted: str, folder: Path) -> Any:
    module, _, attribute = dotted.partition(":")
    try:
        with _beside(folder):
            _forget_namesake(module.partition(".")[0], folder)
            made = getattr(importlib.import_module(module), attribute)()
    except Exception as error:  # it is somebody's code: whatever it raises is the reason
        raise DataError(f"'{dotted}' cannot be made: {type(error).__name__}: {error}") from error
    if not hasattr(made, "fit") or not hasattr(made, "get_params"):
        raise DataError(f"'{dotted}' returns {type(made).__name__}, which is no scikit-learn estimator")
    return made


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, before all others, while the block runs."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _forget_namesake(name: str, folder: Path) -> None:
    """Let go of a module of this name that another project brought into this process: this folder has its own."""
    known, home = sys.modules.get(name), folder.resolve()
    if known is None or not ((home / f"{name}.py").is_file() or (home / name).is_dir()):
        return
    places = [getattr(known, "__file__", None) or "", *getattr(known, "__path__", ())]
    if not any(Path(place).resolve().is_relative_to(home) for place in places if place):
        for held in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[held]


def _seed(model: Any, seed: int) -> None:
    params = model.get_params()
    open_seeds = [name for name, value in params.items() if name.split("__")[-1] == "random_state" and value is None]
    model.set_params(**dict.fromkeys(open_seeds, seed))


def _classes(model: Any, problem: Problem) -> tuple[int, ...]:
    if problem.task == "regression":
        return ()
    if not hasattr(model, "predict_proba"):
        raise DataError(f"{type(model).__name__} gives no probabilities (predict_proba)")
    return tuple(map(int, model.classes_))


def _store(fitted: Learnt) -> dict[str, bytes]:
    width = int(getattr(fitted.estimator, "n_features_in_", 0))
    return {
        MODEL: convert(fitted.estimator, fitted.problem, width, Estimator.name),
        READING: fitted.reading.to_json().encode(),
    }


def _try_storing(fitted: Learnt, X: np.ndarray) -> None:
    """Refuse an estimator that ONNX cannot hold, or whose graph answers otherwise; asked are unseen values as well."""
    kind = type(fitted.estimator).__name__
    try:
        graph = load_graph(_store(fitted), fitted.problem, X.shape[1])
    except VersionError as error:
        raise DataError(f"{kind} was converted to ONNX, but cannot be answered: {error.message}") from error
    except Exception as error:  # the converter raises many classes of its own
        raise DataError(f"{kind} cannot be converted to ONNX: {str(error).strip().splitlines()[0][:200]}") from error
    rows = np.vstack((X[:: max(1, len(X) // ROWS)], np.zeros((1, X.shape[1])), -3.0 * X[:50], 3.0 * X[:50]))
    wanted, given = fitted.predict(rows), graph.predict(rows)
    distance = float(np.abs(wanted - given).max()) / float(np.abs(wanted).max(initial=1.0))
    if not distance <= PARITY:
        raise DataError(f"{kind} answers otherwise as ONNX: {distance:.3g} away, allowed is {PARITY:g}")
