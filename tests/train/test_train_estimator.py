"""A project's own scikit-learn estimator: fitted by its code, answered without it, refused with the reason."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import DataError
from trimtab.train.artefact import open_version
from trimtab.train.families.estimator import _make
from trimtab.train.fit import fit
from trimtab.train.golden import try_version

MODULE = """
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

def build():
    return make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30))

def silent():
    return RidgeClassifier()

def odd():
    return make_pipeline(FunctionTransformer(lambda rows: rows + 1), LogisticRegression())

def nothing():
    return 3

def broken():
    raise KeyError("no such thing")
"""


@pytest.fixture
def own_world(make_world: Any, tmp_path: Path) -> Any:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / f"model_{tmp_path.name}.py").write_text(MODULE)
    return make_world()


def named(world: Any, function: str) -> str:
    return f"mine.model_{world.project.folder.name}:{function}"


def test_an_own_estimator_becomes_a_version_that_needs_none_of_its_code(own_world: Any, tmp_path: Path) -> None:
    name = named(own_world, "build")
    choice = own_world.with_train(families=("baseline", name)).choose()
    assert choice.chosen == name
    assert choice.recipe == {"family": "estimator", "params": {"build": name}}
    first, second = (fit(own_world.frame, own_world.contract, own_world.project, choice, tmp_path / x) for x in "ab")
    assert first == second
    (tmp_path / "mine" / f"model_{tmp_path.name}.py").write_text("raise SystemExit('this code was run')")
    assert try_version(tmp_path / "a") == ""
    code = (
        "import sys; from pathlib import Path; from trimtab.train.artefact import open_version; "
        f"open_version(Path({str(tmp_path / 'a')!r})); "
        "print(any(name.startswith(('mine', 'sklearn')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    package = open_version(tmp_path / "a")
    assert package.family == "estimator"
    assert package.contributions(own_world.frame) is None


def test_a_retrain_repeats_it(own_world: Any) -> None:
    recipe = {"family": "estimator", "params": {"build": named(own_world, "build")}}
    assert own_world.choose(recipe=recipe).chosen == named(own_world, "build")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("silent", "RidgeClassifier gives no probabilities"),
        ("odd", "Pipeline cannot be converted to ONNX: "),
        ("nothing", "returns int, which is no scikit-learn estimator"),
        ("broken", "cannot be made: KeyError: 'no such thing'"),
        ("absent", "cannot be made: AttributeError"),
    ],
)
def test_what_cannot_be_stored_is_dropped_with_its_reason(function: str, reason: str, own_world: Any) -> None:
    choice = own_world.with_train(families=("baseline", named(own_world, function))).choose()
    assert reason in choice.families[1].dropped
    assert choice.chosen == "baseline"


def test_a_conversion_that_answers_otherwise_is_refused(own_world: Any) -> None:
    """The fitted estimator is changed behind the converter's back, as a silently wrong conversion would."""
    from trimtab.train.families.base import Problem
    from trimtab.train.families.estimator import _try_storing
    from trimtab.train.families.graph import Learnt, Reading

    class TwistedLearnt(Learnt):
        def predict(self, matrix: Any) -> Any:
            return super().predict(matrix) * 0.999

    from sklearn.linear_model import LinearRegression

    X = own_world.frame.select("rooms").to_numpy().astype(float)
    model = LinearRegression().fit(X, X[:, 0])
    with pytest.raises(DataError, match="answers otherwise as ONNX"):
        _try_storing(TwistedLearnt(model, Problem("regression"), {}, Reading()), X)


def test_an_estimator_must_be_named_by_what_makes_it(own_world: Any) -> None:
    world = replace(own_world, project=own_world.with_train(families=("estimator",)).project)
    with pytest.raises(Exception, match="'estimator' is a kind, not a family"):
        world.choose()


@pytest.mark.parametrize("kinds", [("file", "file"), ("file", "folder"), ("folder", "file")])
def test_two_projects_of_one_process_may_call_their_modules_alike(tmp_path: Path, kinds: tuple[str, str]) -> None:
    """Each gets its own, whichever came first; a module of a package that is installed is nobody's."""
    found: list[tuple[Path, str]] = []
    for name, kind in zip("ab", kinds, strict=True):
        folder = tmp_path / name
        inside = folder / "namesake" if kind == "folder" else folder
        inside.mkdir(parents=True)
        (inside / ("own.py" if kind == "folder" else "namesake.py")).write_text(
            f"from sklearn.linear_model import Ridge\ndef build():\n    return Ridge(alpha={len(found) + 1})\n"
        )
        found.append((folder, "namesake.own:build" if kind == "folder" else "namesake:build"))
    alphas = [_make(dotted, folder).alpha for folder, dotted in [*found, *found]]
    assert alphas == [1, 2, 1, 2]
    for held in [one for one in sys.modules if one.startswith("namesake")]:
        del sys.modules[held]
