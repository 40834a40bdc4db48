"""One Window as drift, estimates and diagnosis see it: profiles over the reference's bins, and what its labels say."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab.metrics.base import Answers, Labels
from trimtab.metrics.bins import NumberBins, ValueBins, numbers_of, values_of
from trimtab.metrics.profile import Profile, answer_columns
from trimtab.nouns import Task

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST, MOST = 1e-3, 1.0 - 1e-3
PULL = 1.0
"""Weight of one row that says the answers are right as they are: one class alone must give a finite line, too."""
SAMPLE = 65
_STEPS = 12


@dataclass(frozen=True, slots=True)
class Known:
    """The reference that windows are held to: profiles of features and of answers and labels, and what labels mean."""

    task: Task
    classes: tuple[str, ...]
    features: Profile
    promised: Profile


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of one Window, in order of their event time.

    frame     the contract's columns, cleaned
    answers   what was served, as metrics take it
    labels    class indices or numbers; anything where `known` is false
    told      labels as words or numbers of the contract, null where unknown
    known     whether the Outcome has arrived
    arrivals  seconds at which they came, ascending
    waits     seconds from the end of the Window until each label was known; NaN where it is not
    end       seconds of the end of the Window
    """

    frame: pl.DataFrame
    answers: Answers
    labels: Labels
    told: pl.Series
    known: Mask
    arrivals: Numbers
    waits: Numbers
    end: float


@dataclass(frozen=True, slots=True)
class Line:
    """How labels follow from answers: log-odds (classes) or numbers, label = slope x answer + shift.

    The errors are standard errors. `spread` is the standard deviation of numbers about the line; of classes it is the
    root of the Brier score.
    """

    rows: int
    slope: float
    slope_error: float
    shift: float
    shift_error: float
    spread: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of a Window.

    repeated   share of rows that are equal to an earlier one of the Window in every column
    samples    by number: 65 quantiles, from the least to the greatest; fewer where there are fewer rows
    fresh      by category: how many different values that have no bin
    pause      seconds of the longest wait for the next row to come, that for the first one included
    seconds    from when the last row before it came until its own last one came
    line       how its labels follow from its answers; None with too few labels
    waits      sorted seconds from its end until labels were known
    end        seconds of its end
    """

    rows: int
    features: Profile
    answers: Profile
    repeated: float
    pause: float
    seconds: float
    end: float
    waits: Numbers
    samples: dict[str, Numbers] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    line: Line | None = None

    def coverage(self, age: float) -> float:
        """Return the share of labels that were known so many seconds after the end."""
        return float(np.searchsorted(self.waits, age, side="right")) / self.rows if self.rows else 0.0


def see(known: Known, given: Given, before: float | None, *, min_labels: int) -> Seen:
    """Return what is kept of a Window; `before` is when the last row before it came, if there was one."""
    features = known.features.recount(given.frame)
    said = pl.DataFrame({**answer_columns(known.task, given.answers, known.classes), "label": given.told})
    arrivals = given.arrivals if before is None else np.concatenate([[before], given.arrivals])
    pauses = np.diff(arrivals)
    return Seen(
        rows=given.frame.height,
        features=features,
        answers=known.promised.recount(said),
        repeated=1.0 - given.frame.n_unique() / given.frame.height if given.frame.height else 0.0,
        pause=float(pauses.max()) if pauses.size else 0.0,
        seconds=float(arrivals[-1] - arrivals[0]) if arrivals.size else 0.0,
        end=given.end,
        waits=np.sort(given.waits[np.isfinite(given.waits)]),
        samples=_sample(features, given.frame),
        fresh=_count_fresh(features, given.frame),
        line=draw_line(known.task, given.answers[given.known], given.labels[given.known], min_labels),
    )


def _sample(features: Profile, frame: pl.DataFrame) -> dict[str, Numbers]:
    """Return evenly spaced rows of each number in ascending order."""
    found: dict[str, Numbers] = {}
    for name, one in features.columns.items():
        if isinstance(one.bins, NumberBins):
            values = np.sort(numbers_of(frame[name])) if name in frame.columns else np.empty(0)
            places = np.linspace(0, max(values.size - 1, 0), min(SAMPLE, values.size)).round().astype(np.int64)
            found[name] = values[places]
    return found


def _count_fresh(features: Profile, frame: pl.DataFrame) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, one in features.columns.items():
        if isinstance(one.bins, ValueBins) and one.unlisted_share > 0.0:
            found[name] = len(set(values_of(frame[name])) - set(one.bins.values))
    return found


def draw_line(task: Task, answers: Answers, labels: Labels, min_labels: int) -> Line | None:
    """Return how labels follow from answers: of several classes, how often the likeliest one is right."""
    if len(labels) < max(min_labels, 2):
        return None
    if task == "regression":
        return _draw_numbers(answers, labels.astype(np.float64))
    if task == "multiclass":
        labels = (answers.argmax(axis=1) == labels).astype(np.float64)
        answers = answers.max(axis=1)
    return _draw_odds(answers, labels.astype(np.float64))


def _draw_odds(answers: Numbers, labels: Numbers) -> Line:
    """Return the logistic line by Newton's steps, held a little to slope 1 and shift 0."""
    held = np.clip(answers, LEAST, MOST)
    scores = np.log(held / (1.0 - held))
    found, bend = np.array([1.0, 0.0]), np.eye(2)
    for _ in range(_STEPS):
        said = 0.5 * (1.0 + np.tanh(0.5 * (found[0] * scores + found[1])))
        excess, sure = said - labels, said * (1.0 - said)
        slope = np.array([(excess * scores).sum(), excess.sum()]) + PULL * (found - [1.0, 0.0])
        cross = (sure * scores).sum()
        bend = np.array([[(sure * scores**2).sum() + PULL, cross], [cross, sure.sum() + PULL]])
        found = found - np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
    errors = np.sqrt(np.diag(np.linalg.inv(bend)))
    spread = float(np.mean((held - labels) ** 2) ** 0.5)
    return Line(len(labels), float(found[0]), float(errors[0]), float(found[1]), float(errors[1]), spread)


def _draw_numbers(answers: Numbers, labels: Numbers) -> Line:
    """Return the least-squares line through the means; the shift is the mean of label - answer."""
    rest, centred = labels - answers, answers - answers.mean()
    width = float((centred**2).sum())
    tilt = float((centred * rest).sum()) / width if width > 0.0 else 0.0
    left = rest - rest.mean() - tilt * centred
    spread = float(np.sqrt((left**2).sum() / max(len(labels) - 2, 1)))
    error = spread / np.sqrt(len(labels))
    tilt_error = spread / np.sqrt(width) if width > 0.0 else 1.0
    return Line(len(labels), 1.0 + tilt, float(tilt_error), float(rest.mean()), float(error), spread)


def pool_lines(lines: Sequence[Line], excess: tuple[float, float] = (0.0, 0.0)) -> Line:
    """Return the mean of lines, each by its precision.

    `excess` are the variances of slope and shift from Window to Window that nothing explains: a mean of few Windows is
    the less sure for it.
    """
    slope, slope_error = _pool([one.slope for one in lines], [one.slope_error for one in lines], excess[0])
    shift, shift_error = _pool([one.shift for one in lines], [one.shift_error for one in lines], excess[1])
    rows = sum(one.rows for one in lines)
    spread = float(np.sqrt(sum(one.rows * one.spread**2 for one in lines) / rows))
    return Line(rows, slope, slope_error, shift, shift_error, spread)


def measure_excess(lines: Sequence[Line]) -> tuple[float, float]:
    """Return how much slopes and shifts vary from Window to Window beyond their own errors, as variances."""
    pairs = [(one.slope, one.slope_error, one.shift, one.shift_error) for one in lines]
    slopes, slope_errors, shifts, shift_errors = np.array(pairs).T
    return _excess(slopes, slope_errors), _excess(shifts, shift_errors)


def _excess(values: Numbers, errors: Numbers) -> float:
    return max(float(np.var(values, ddof=1) - np.mean(errors**2)), 0.0) if len(values) > 1 else 0.0


def _pool(values: Sequence[float], errors: Sequence[float], excess: float) -> tuple[float, float]:
    variances = np.maximum(np.array(errors), 1e-12) ** 2 + excess
    weights = 1.0 / variances
    return float((np.array(values) * weights).sum() / weights.sum()), float(weights.sum()) ** -0.5
