"""The account of a model on rows that it had not seen, as one value that can be stored and read again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from trimtab import metrics
from trimtab.metrics.base import Answers, Labels, Losses, RowMetric
from trimtab.metrics.calibration_error import BINS, ExpectedCalibrationError, mass_bins, stated_and_happened
from trimtab.metrics.compare import mean_interval, metric_interval
from trimtab.metrics.confusion import count_confusion, decision_intervals, share_interval
from trimtab.metrics.importance import Importance
from trimtab.metrics.slices import Slice
from trimtab.nouns import Interval, Task

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with about the same stated probability: its mean, and how often it came true."""

    stated: float
    happened: Interval


@dataclass(frozen=True, slots=True)
class Later:
    """A stretch of rows after those that were learnt from: the metric there, and that of an answer without columns."""

    since: str
    until: str
    score: Interval
    base: Interval


@dataclass(frozen=True, slots=True)
class Wrong:
    """One row that was answered badly: its place among the rows judged on, what was said, and what was true.

    What it holds is not kept: rows can be erased, and files named by their hash cannot follow.
    """

    row: int
    said: str
    true: str
    loss: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured on the test part.

    metrics      every metric of the task, expected calibration error and interval coverage among them
    decisions    accuracy, precision, recall and F1 of what is decided at the Version's threshold or costs
    confusion    a row for each true class in the order of `classes`, in it how often each was decided; () for numbers
    calibration  stated probability against frequency, in bins of equally many rows
    cost         what mistakes cost per 1,000 rows, where there are costs
    loss         what `slices`, `worst` and `importance` count: row losses of this name
    worst        slices found by a search over `candidates`, each confirmed on rows that the search had not seen
    later        how the metric `aging` does on stretches further and further from the rows learnt from
    """

    rows: int
    classes: tuple[str, ...]
    metrics: Mapping[str, Interval]
    decisions: Mapping[str, Interval]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[Bin, ...]
    cost: Interval | None
    loss: str
    slices: tuple[Slice, ...] = ()
    worst: tuple[Slice, ...] = ()
    candidates: int = 0
    importance: tuple[Importance, ...] = ()
    aging: str = ""
    later: tuple[Later, ...] = ()
    wrong: tuple[Wrong, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return the value as JSON has it: null stands for a number that could not be measured."""
        plain: dict[str, Any] = _without_nan({"format": FORMAT, **asdict(self)})
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the value that `to_plain` wrote. Raises ValueError where it is none."""
        if plain.get("format") != FORMAT:
            raise ValueError(f"evaluation has format {plain.get('format')!r}; this trimtab reads {FORMAT}")
        try:
            given = {name: value for name, value in plain.items() if name != "format"}
            return cls(**{name: _READERS.get(name, _keep)(value) for name, value in given.items()})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"evaluation is not as trimtab writes it: {error}") from error


def measure(
    task: Task, labels: Labels, answers: Answers, *, seed: int, reach: float | None = None
) -> dict[str, Interval]:
    """Return every metric of the task that these rows define, with 95 % intervals.

    Classes: expected calibration error too. Numbers: with `reach`, the share of rows within answer -/+ reach.
    """
    wanted = [*metrics.for_task(task), *([] if task == "regression" else [ExpectedCalibrationError()])]
    found = {one.name: metric_interval(one, labels, answers, seed) for one in wanted}
    if reach is not None:
        found["interval_coverage"] = share_interval(int((np.abs(answers - labels) <= reach).sum()), len(labels))
    return {name: interval for name, interval in found.items() if math.isfinite(interval.value)}


def decide(task: Task, answers: Answers, threshold: float | None, class_costs: Sequence[float] = ()) -> Labels:
    """Return the class index that is decided for each row; () costs: all mistakes cost the same."""
    if task == "binary":
        reached: Labels = (answers >= (0.5 if threshold is None else threshold)).astype(np.int64)
        return reached
    likeliest: Labels = (answers * np.array(class_costs) if class_costs else answers).argmax(axis=1)
    return likeliest


def tell_decisions(
    labels: Labels, decided: Labels, classes: int
) -> tuple[tuple[tuple[int, ...], ...], dict[str, Interval]]:
    """Return the confusion matrix and the decisions' accuracy, precision, recall and F1."""
    return count_confusion(labels, decided, classes), decision_intervals(labels, decided, classes)


def draw_calibration(labels: Labels, answers: Answers) -> tuple[Bin, ...]:
    """Return the bins of the expected calibration error, from the lowest stated probability up."""
    stated, happened = stated_and_happened(labels, answers)
    if not stated.size:
        return ()
    bins = mass_bins(stated, BINS)
    return tuple(
        Bin(
            float(stated[bins == one].mean()),
            share_interval(int(happened[bins == one].sum()), int((bins == one).sum())),
        )
        for one in range(int(bins.max()) + 1)
    )


def row_losses(task: Task, labels: Labels, answers: Answers) -> tuple[str, Losses]:
    """Return what each row loses, and the name of it: log loss for classes, absolute error for numbers."""
    metric = metrics.get("mae") if task == "regression" else metrics.default(task)
    if not isinstance(metric, RowMetric):
        raise TypeError(f"{metric.name} has no loss per row")
    return metric.name, metric.losses(labels, answers)


def count_cost(labels: Labels, decided: Labels, costs: Sequence[Sequence[float]]) -> Interval | None:
    """Return what decisions cost per 1,000 rows; `costs` by true, then decided class. None where nothing costs."""
    table = np.array(costs, dtype=np.float64)
    if not table.size or not table.any():
        return None
    found = mean_interval(1000.0 * table[np.asarray(labels, np.intp), np.asarray(decided, np.intp)])
    return Interval(found.value, max(found.low, 0.0), found.high, found.rows)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _keep(value: Any) -> Any:
    return value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _interval(plain: Any) -> Interval:
    return Interval(_number(plain["value"]), _number(plain["low"]), _number(plain["high"]), int(plain["rows"]))


def _intervals(plain: Any) -> dict[str, Interval]:
    return {name: _interval(one) for name, one in plain.items()}


def _slices(plain: Any) -> tuple[Slice, ...]:
    return tuple(
        Slice(
            dict(one["where"]),
            int(one["rows"]),
            _interval(one["loss"]),
            _interval(one["difference"]),
            _intervals(one["metrics"]),
        )
        for one in plain
    )


_READERS: Mapping[str, Any] = {
    "classes": tuple,
    "metrics": _intervals,
    "decisions": _intervals,
    "confusion": lambda plain: tuple(tuple(map(int, row)) for row in plain),
    "calibration": lambda plain: tuple(Bin(_number(one["stated"]), _interval(one["happened"])) for one in plain),
    "cost": lambda plain: None if plain is None else _interval(plain),
    "slices": _slices,
    "worst": _slices,
    "importance": lambda plain: tuple(Importance(one["column"], _interval(one["loss"])) for one in plain),
    "later": lambda plain: tuple(
        Later(one["since"], one["until"], _interval(one["score"]), _interval(one["base"])) for one in plain
    ),
    "wrong": lambda plain: tuple(Wrong(**one) for one in plain),
}
