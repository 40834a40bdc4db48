"""The chosen recipe fitted on all rows, and written as a complete Version. Same rows, recipe and seed, same hashes."""

import math
import platform
from dataclasses import asdict, replace
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np

from trimtab import config
from trimtab.errors import DataError, StoreError
from trimtab.nouns import Contract, Project, canonical
from trimtab.train.account import take_account
from trimtab.train.artefact import Package, assemble
from trimtab.train.card import render_card
from trimtab.train.choose import Choice, Tried, choose
from trimtab.train.contest import count_threads, open_recipe
from trimtab.train.encode import Encoder, check_features
from trimtab.train.families.base import Fitted, Problem
from trimtab.train.families.baseline import Baseline
from trimtab.train.golden import make_rows, write_golden
from trimtab.train.labels import encode_labels, order_classes
from trimtab.train.manifest import write_manifest
from trimtab.train.profile import draw_portrait
from trimtab.train.promise import SlicePromise, promise_slices

__all__ = ["PARITY", "Choice", "Tried", "choose", "fit"]

PARITY = 1e-6
"""How far the packaged model may be from the fitted one: on a probability, or as a share of the largest answer."""

_PARITY_ROWS, _ODD_ROWS = 2000, 400
_LIBRARIES = ("numpy", "lightgbm", "scikit-learn", "onnxruntime", "skl2onnx")


def fit(frame: Any, contract: Contract, project: Project, choice: Choice, folder: Path, *, snapshot: str = "") -> str:
    """Fit the chosen recipe on all labelled clean rows, write a complete Version into `folder`, and return its id.

    `frame` are the rows that were chosen on, `snapshot` is the fingerprint of the Snapshot that they come from.
    The folder must be empty or absent; the manifest is written last. Raises DataError where the packaged model does
    not answer as the fitted one, StoreError where the folder holds something.
    """
    check_features(contract)
    _prepare_folder(folder)
    family = open_recipe(choice.recipe, project)
    encoder = Encoder.fit(contract, frame, form=family.form)
    matrix = encoder.encode_frame(frame)
    problem = Problem(contract.target.task, len(order_classes(contract.target)), encoder.categorical, encoder.codes)
    labels = encode_labels(frame.get_column("_label"), contract.target)
    fitted = family.fit(
        matrix,
        labels,
        problem=problem,
        params=choice.recipe["params"],
        seed=project.train.seed,
        threads=count_threads(project),
    )
    family.export(fitted, folder)
    base = Baseline().fit(matrix, labels, problem=problem, params={}, seed=0, threads=1).predict_row(())
    texts = describe(choice, contract, project, frame, snapshot=snapshot)
    portrait = draw_portrait(frame, contract, choice, base, texts["account.json"]).to_plain()
    _write_texts(folder, {**texts, "encoder.json": encoder.to_json(), "profile.json": canonical(portrait)})
    package = assemble("", {path.name: path.read_bytes() for path in folder.iterdir()})
    _check_parity(
        fitted, package, np.vstack((matrix[:: max(1, len(matrix) // _PARITY_ROWS)], _odd_rows(package, frame)))
    )
    _write_texts(folder, {"golden.jsonl": write_golden(package, make_rows(frame, contract))})
    package.close()
    return write_manifest(folder)


def _prepare_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty; a Version is written into a folder of its own.")


def describe(choice: Choice, contract: Contract, project: Project, frame: Any, *, snapshot: str = "") -> dict[str, str]:
    """Return the texts of a Version about itself, its card the last. None holds a time of creation or a duration."""
    promised = promise_slices(frame, contract, project, choice)
    texts = {
        "contract.toml": config.contract_text(contract),
        "calibration.json": canonical({**choice.calibration, **_describe_interval(choice)}),
        "threshold.json": canonical(
            {"format": 1, "threshold": choice.threshold, "cost": project.cost, "class_costs": choice.class_costs}
        ),
        "metrics.json": canonical(
            _without_nan({"format": 1, **_describe_choice(choice, project), **_describe_slices(promised)})
        ),
        "account.json": canonical(take_account(frame, contract, project, choice, snapshot=snapshot)),
        "environment.json": canonical(_describe_environment()),
    }
    return {**texts, "card.md": render_card(texts)}


def _describe_interval(choice: Choice) -> dict[str, Any]:
    if choice.interval_quantile is None:
        return {}
    return {"interval": {"coverage": choice.coverage, "quantile": choice.interval_quantile}}


def _describe_choice(choice: Choice, project: Project) -> dict[str, Any]:
    tried = [{name: value for name, value in asdict(one).items() if name != "seconds"} for one in choice.families]
    return {
        **{name: value for name, value in asdict(replace(choice, families=())).items() if not name.startswith("held")},
        "families": tried,
        "measured_on": "test",
        "seed": project.train.seed,
    }


def _describe_slices(promised: tuple[SlicePromise, ...]) -> dict[str, Any]:
    return {"slices": [asdict(one) for one in promised]} if promised else {}


def _without_nan(value: Any) -> Any:
    """Return nested values with null for what could not be measured: NaN is no JSON."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _describe_environment() -> dict[str, Any]:
    libraries = {name: installed(name) for name in _LIBRARIES}
    machine = f"{platform.system()} {platform.machine()}"
    return {"format": 1, "python": platform.python_version(), "machine": machine, "libraries": libraries}


def _write_texts(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())


def _odd_rows(package: Package, frame: Any) -> np.ndarray:
    """Return encoded rows with nulls and unseen categories in them, where a conversion goes wrong first."""
    encode = package.encoder.compile_row()
    return np.array([encode(row) for row in make_rows(frame, package.contract, rows=_ODD_ROWS)], dtype=np.float64)


def _check_parity(fitted: Fitted, package: Package, matrix: np.ndarray) -> None:
    """Refuse a conversion that answers otherwise than what was fitted; it can be silently wrong."""
    wanted, given = package.calibration.apply(fitted.predict(matrix)), package.predictor.predict(matrix)
    size = float(np.abs(wanted).max(initial=1.0))
    distance = float(np.abs(given - wanted).max(initial=0.0)) / size
    if not distance <= PARITY:  # also where it is no number
        raise DataError(
            f"The packaged {package.family} model is {distance:.3g} away from the fitted one; allowed is {PARITY:g}.",
            hint="choose another family in [train] families; this one cannot be stored faithfully",
        )
