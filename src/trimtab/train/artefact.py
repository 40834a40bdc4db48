"""The one door through which a Version is opened. Light: no training library, no frame library, no pickle."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab import config, plugins
from trimtab.errors import TrimtabError, VersionError
from trimtab.nouns import Contract, Interval, Task
from trimtab.train.encode import Encoder
from trimtab.train.families.base import Family, Predictor, Problem
from trimtab.train.labels import order_classes
from trimtab.train.manifest import read_files

Output = dict[str, Any]
"""A reply's prediction fields: `prediction`, and `probability` (binary) or `probabilities` (multiclass)."""
Answer = float | list[float]
"""Binary: the probability of the positive class; multiclass: one probability a class; regression: the number."""


@dataclass(frozen=True, slots=True)
class Package:
    """An open Version: it answers cleaned rows, one at a time or many, with the same bits.

    `classes` stand in the order of their index (binary: negative, positive). `metrics`, `risk` and `scale` were
    measured before the last fit, on rows that the judged fit had not seen. `base` is what somebody would answer who
    looks at no column: the class frequencies or the mean of the fitted rows. Any thread may ask.
    """

    id: str
    contract: Contract
    encoder: Encoder
    family: str
    recipe: Mapping[str, Any]
    classes: tuple[str, ...]
    threshold: float | None
    metrics: Mapping[str, Interval]
    risk: Interval
    scale: float
    base: Answer
    predictor: Predictor

    @property
    def task(self) -> Task:
        """The contract's task."""
        return self.contract.target.task

    def predict(self, frame: Any) -> np.ndarray:
        """Return the answers of a clean frame: (rows,), or (rows, classes) for multiclass."""
        return self.predictor.predict(self.encoder.encode_frame(frame))

    def compile_row(self) -> Callable[[Sequence[Any]], Answer]:
        """Return the function that answers one row of cleaned values in the order of the contract's columns."""
        encode, answer = self.encoder.compile_row(), self.predictor.predict_row
        return lambda values: answer(encode(values))

    def contributions(self, frame: Any) -> np.ndarray | None:
        """Return the part of each of `encoder.names` in the raw score, bias last: (rows, names + 1), or None.

        They sum to log-odds (binary) or the number (regression); multiclass: to the raw score of the likeliest class.
        """
        matrix = self.encoder.encode_frame(frame)
        parts = self.predictor.contributions(matrix)
        if parts is None or self.task != "multiclass":
            return parts
        likeliest: np.ndarray = parts[np.arange(len(parts)), self.predictor.predict(matrix).argmax(axis=1)]
        return likeliest

    def decide(self, answer: Answer, threshold: float | None = None) -> str:
        """Return the decision as text: a class (binary: by `threshold`, else the Version's own), or a number."""
        if isinstance(answer, list):
            return self.classes[answer.index(max(answer))]
        if self.task == "regression":
            return repr(float(answer))
        limit = self.threshold if threshold is None else threshold
        return self.classes[int(answer >= (0.5 if limit is None else limit))]

    def compile_output(self, threshold: float | None = None) -> Callable[[Answer], Output]:
        """Return the function from an answer to a reply's prediction fields; `threshold` overrides the Version's own.

        The function raises ValueError where the answer is not finite.
        """
        if self.task == "regression":
            return lambda answer: {"prediction": _finite(answer)}
        if self.task == "multiclass":
            return lambda answer: _multiclass(self.classes, answer)
        own = 0.5 if self.threshold is None else self.threshold
        limit = own if threshold is None else threshold
        negative, positive = self.classes

        def binary(answer: Answer) -> Output:
            probability = _finite(answer)
            return {"prediction": positive if probability >= limit else negative, "probability": probability}

        return binary

    def close(self) -> None:
        """Give native memory back."""
        self.predictor.close()


def _finite(answer: Answer) -> float:
    if isinstance(answer, list) or not math.isfinite(answer):
        raise ValueError("the model's answer is no finite number")
    return answer


def _multiclass(classes: tuple[str, ...], answer: Answer) -> Output:
    if not isinstance(answer, list) or len(answer) != len(classes) or not all(map(math.isfinite, answer)):
        raise ValueError("the model's answer is no list of finite numbers")
    best = max(range(len(answer)), key=answer.__getitem__)
    return {"prediction": classes[best], "probabilities": dict(zip(classes, answer, strict=True))}


def open_version(folder: Path, *, expect: str | None = None) -> Package:
    """Return the Version in a folder, every byte of it checked against its hash; `expect` is the id it must have.

    Raises VersionError where it is incomplete, altered, of an unknown format or not loadable.
    """
    found, files = read_files(folder, expect)
    return assemble(found, files)


def assemble(version: str, files: Mapping[str, bytes]) -> Package:
    """Return the Package of a Version's files, given as bytes that were checked. Raises VersionError."""
    try:
        return _assemble(version, files)
    except VersionError:
        raise
    except (TrimtabError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise VersionError(f"The Version {version} cannot be read: {error}") from error


def find_family(name: str) -> Family:
    """Return a built-in or installed family; text that would import any other code is refused."""
    if ":" in name:
        raise VersionError(f"The Version names code ('{name[:64]}') as its family; that is never run.")
    family: Family = plugins.load("families", name)()
    return family


def _assemble(version: str, files: Mapping[str, bytes]) -> Package:
    contract = config.parse_contract(files["contract.toml"].decode(), "contract.toml")
    encoder = Encoder.from_json(files["encoder.json"])
    measured = json.loads(files["metrics.json"])
    calibration, threshold = json.loads(files["calibration.json"]), json.loads(files["threshold.json"])
    if calibration != {"format": 1, "kind": "identity"} or threshold["format"] != 1 or measured["format"] != 1:
        raise VersionError(f"The Version {version} was written by a newer trimtab.", hint="update trimtab")
    family = find_family(measured["recipe"]["family"])
    classes = order_classes(contract.target)
    problem = Problem(contract.target.task, len(classes), encoder.categorical)
    return Package(
        id=version,
        contract=contract,
        encoder=encoder,
        family=family.name,
        recipe=measured["recipe"],
        classes=classes,
        threshold=threshold["threshold"],
        metrics={name: _read_interval(value) for name, value in measured["metrics"].items()},
        risk=_read_interval(measured["risk"]),
        scale=float(measured["scale"]),
        base=json.loads(files["profile.json"])["base"],
        predictor=family.load(files, problem, len(encoder.names)),
    )


def _read_interval(plain: Mapping[str, Any]) -> Interval:
    """Return the interval; null stands for a number that could not be measured."""
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in plain.items()}
    return Interval(**known)
