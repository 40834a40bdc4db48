"""The one door through which a Version is opened. Light: no training library, no frame library, no pickle."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trimtab import config, plugins
from trimtab.errors import TrimtabError, VersionError
from trimtab.nouns import Contract, Interval, Task
from trimtab.train.calibrate import Calibration, read_calibration
from trimtab.train.encode import Encoder
from trimtab.train.families.base import Family, Predictor, Problem, share_of
from trimtab.train.labels import order_classes
from trimtab.train.manifest import read_files
from trimtab.train.promise import SlicePromise, read_interval, read_promises

Output = dict[str, Any]
"""A reply's prediction fields: `prediction`, and `probability` (binary) or `probabilities` (multiclass)."""
Answer = float | list[float]
"""Binary: the probability of the positive class; multiclass: one probability a class; regression: the number."""


class Calibrated:
    """A Predictor whose answers are calibrated; contributions are those of the raw one."""

    def __init__(self, raw: Predictor, calibration: Calibration) -> None:
        self.raw = raw
        self._calibration = calibration
        self._one = calibration.compile()

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return calibrated answers."""
        return self._calibration.apply(self.raw.predict(matrix))

    def predict_row(self, row: Sequence[float]) -> float | list[float]:
        """Return the calibrated answer of one encoded row."""
        answer: float | list[float] = self._one(self.raw.predict_row(row))
        return answer

    def contributions(self, matrix: np.ndarray) -> np.ndarray | None:
        """Return each column's part in the raw score."""
        return self.raw.contributions(matrix)

    def close(self) -> None:
        """Give native memory back."""
        self.raw.close()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What moved one answer: `base` and each column's part sum to `score`, the raw answer in `unit`.

    Raw is before calibration, whose map is monotone: what raises the one raises the other. Two classes: the log-odds of
    the positive one; more: the score of the class decided for, of which the softmax makes probabilities; a number: the
    number itself. `raw` is the answer that the score stands for; for more than two classes the score is all there is.
    """

    unit: str
    base: float
    parts: Mapping[str, float]
    score: float
    raw: float


@dataclass(frozen=True, slots=True)
class Package:
    """An open Version: it answers cleaned rows, one at a time or many, with the same bits.

    `classes` stand in the order of their index (binary: negative, positive). `metrics`, `risk`, `scale` and `slices`
    were measured before the last fit, on rows that the judged fit had not seen. `base` is what somebody would answer
    who looks at no column: the class frequencies or the mean of the fitted rows. `predictor` gives calibrated answers,
    and contributions to the raw ones. A regression's answer -/+ `interval_quantile` is its interval. Any thread may
    ask.
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
    calibration: Calibration = field(default_factory=Calibration)
    class_costs: tuple[float, ...] = ()
    interval_quantile: float | None = None
    slices: tuple[SlicePromise, ...] = ()

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

        They sum to log-odds (binary) or the number (regression); multiclass: to the raw score of the class decided for.
        """
        return self._contribute(self.encoder.encode_frame(frame))

    def _contribute(self, matrix: np.ndarray) -> np.ndarray | None:
        parts = self.predictor.contributions(matrix)
        if parts is None or self.task != "multiclass":
            return parts
        decided = [_best_class(answer, self.class_costs) for answer in self.predictor.predict(matrix).tolist()]
        own: np.ndarray = parts[np.arange(len(parts)), decided]
        return own

    def explain(self, frame: Any) -> tuple[Explanation, ...] | None:
        """Return an Explanation for each row of a clean frame; None where the family's answers have no exact parts."""
        return self.explain_encoded(self.encoder.encode_frame(frame))

    def explain_encoded(self, matrix: np.ndarray) -> tuple[Explanation, ...] | None:
        """Return the same for rows that are encoded already."""
        parts, answers = self._contribute(matrix), self.predictor.predict(matrix).tolist()
        if parts is None:
            return None
        columns = [block.column for block in self.encoder.blocks for _ in block.names]
        return tuple(self._explain(columns, row, answer) for row, answer in zip(parts.tolist(), answers, strict=True))

    def _explain(self, columns: Sequence[str], parts: Sequence[float], answer: Answer) -> Explanation:
        grouped: dict[str, float] = {}
        for column, part in zip(columns, parts, strict=False):  # the last part is the base
            grouped[column] = grouped.get(column, 0.0) + part
        score = math.fsum(parts)
        if self.task == "regression":
            return Explanation(self.contract.target.column, parts[-1], grouped, score, score)
        if self.task == "binary":
            return Explanation(f"log-odds of {self.classes[1]}", parts[-1], grouped, score, share_of(score))
        return Explanation(f"the score of {self.decide(answer)}", parts[-1], grouped, score, score)

    def decide(self, answer: Answer, threshold: float | None = None) -> str:
        """Return the decision as text: a class (binary: by `threshold`, else the Version's own), or a number."""
        if isinstance(answer, list):
            return self.classes[_best_class(answer, self.class_costs)]
        if self.task == "regression":
            return repr(float(answer))
        limit = self.threshold if threshold is None else threshold
        return self.classes[int(answer >= (0.5 if limit is None else limit))]

    def compile_output(self, threshold: float | None = None, reach: float | None = None) -> Callable[[Answer], Output]:
        """Return the function from an answer to a reply's prediction fields.

        `threshold`, and `reach` for the interval of a number, override the Version's own.

        The function raises ValueError where the answer is not finite.
        """
        if self.task == "regression":
            far = self.interval_quantile if reach is None else reach
            if far is None:
                return lambda answer: {"prediction": _finite(answer)}
            return lambda answer: _number(_finite(answer), far)
        if self.task == "multiclass":
            return lambda answer: _multiclass(self.classes, self.class_costs, answer)
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


def _number(answer: float, reach: float) -> Output:
    return {"prediction": answer, "interval": [answer - reach, answer + reach]}


def _best_class(answer: Sequence[float], costs: Sequence[float]) -> int:
    """Return the class whose choice has the least expected cost of mistakes; the likeliest where all cost the same."""
    weighed = [one * cost for one, cost in zip(answer, costs, strict=True)] if costs else answer
    return max(range(len(weighed)), key=weighed.__getitem__)


def _multiclass(classes: tuple[str, ...], costs: tuple[float, ...], answer: Answer) -> Output:
    if not isinstance(answer, list) or len(answer) != len(classes) or not all(map(math.isfinite, answer)):
        raise ValueError("the model's answer is no list of finite numbers")
    return {"prediction": classes[_best_class(answer, costs)], "probabilities": dict(zip(classes, answer, strict=True))}


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
    if threshold["format"] != 1 or measured["format"] != 1:
        raise VersionError(f"The Version {version} was written by a newer trimtab.", hint="update trimtab")
    family = find_family(measured["recipe"]["family"])
    classes = order_classes(contract.target)
    problem = Problem(contract.target.task, len(classes), encoder.categorical, encoder.codes)
    known = read_calibration(calibration, problem.task)
    raw = family.load(files, problem, len(encoder.names))
    return Package(
        id=version,
        contract=contract,
        encoder=encoder,
        family=family.name,
        recipe=measured["recipe"],
        classes=classes,
        threshold=threshold["threshold"],
        metrics={name: read_interval(value) for name, value in measured["metrics"].items()},
        risk=read_interval(measured["risk"]),
        scale=float(measured["scale"]),
        base=json.loads(files["profile.json"])["base"],
        predictor=raw if known.kind == "identity" else Calibrated(raw, known),
        calibration=known,
        class_costs=_read_costs(threshold.get("class_costs", []), len(classes)),
        interval_quantile=_read_reach(calibration.get("interval")),
        slices=read_promises(measured.get("slices", ())),
    )


def _read_costs(plain: Sequence[Any], classes: int) -> tuple[float, ...]:
    costs = tuple(map(float, plain))
    if costs and (len(costs) != classes or not all(cost > 0 and math.isfinite(cost) for cost in costs)):
        raise VersionError("threshold.json holds costs that do not fit the classes.")
    return costs


def _read_reach(plain: Mapping[str, Any] | None) -> float | None:
    reach = None if plain is None else float(plain["quantile"])
    if reach is not None and not (math.isfinite(reach) and reach >= 0):
        raise VersionError("calibration.json holds an interval that is none.")
    return reach
