"""Realised performance: how good each Window's answers were, now that Outcomes have arrived, against the hold-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics import bounded_losses, for_task
from trimtab.metrics.base import Answers, Labels
from trimtab.metrics.betting import risk_limit
from trimtab.metrics.compare import mean_interval, metric_interval
from trimtab.metrics.confusion import share_interval
from trimtab.metrics.figures import figure, spread
from trimtab.monitor.windows import Cut, count_outcomes
from trimtab.nouns import Interval, Judgement, State, Task, Window

SEED = 7


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions in order of their event time, with the Outcomes that have arrived.

    task      of the contract
    answers   (n,) or (n, k), as in `trimtab.metrics`
    labels    (n,) class indices or numbers; anything where `known` is false
    known     (n,) whether the Outcome has arrived
    scale     of the bounded regression loss; classes ignore it
    reach     (n,) how far each answer's interval goes to either side, NaN where it has none; None: none has
    """

    task: Task
    answers: Answers
    labels: Labels
    known: NDArray[np.bool_]
    scale: float = 1.0
    reach: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """What the champion's hold-out promised: its risk (bounded loss), its metrics, and how much worse is tolerated."""

    risk: Interval | None
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    tolerance_absolute: float = 0.005
    tolerance_relative: float = 0.10


@dataclass(frozen=True, slots=True)
class WindowPerformance:
    """One Window's realised risk and metrics with their intervals, the baseline's, and the judgement between them."""

    window: Window
    risk: Interval
    metrics: Mapping[str, Interval]
    baseline: Reference
    judgement: Judgement


def realised(
    cuts: Sequence[Cut], scored: Scored, reference: Reference, *, min_labels: int = 100
) -> tuple[WindowPerformance, ...]:
    """Return the performance of each window over its rows whose Outcome is known.

    A window fails where its whole interval lies above the hold-out's upper end plus the tolerance. Each window is
    looked at alone, so about one in forty fails by chance at the limit itself: it explains; the risk trigger, which
    adds the evidence up, decides.
    """
    windows = count_outcomes(cuts, scored.known)
    return tuple(
        _perform(one, window, scored, reference, min_labels) for one, window in zip(cuts, windows, strict=True)
    )


def _perform(one: Cut, window: Window, scored: Scored, reference: Reference, min_labels: int) -> WindowPerformance:
    rows = np.flatnonzero(scored.known[one.first : one.last]) + one.first
    labels, answers = scored.labels[rows], scored.answers[rows]
    risk = mean_interval(bounded_losses(scored.task, labels, answers, scored.scale))
    metrics = {
        metric.name: metric_interval(metric, labels, answers, SEED) for metric in for_task(scored.task) if len(rows)
    }
    if scored.reach is not None and (held := _holds(labels, answers, scored.reach[rows])).size:
        metrics["interval_coverage"] = share_interval(int(held.sum()), held.size)
    return WindowPerformance(window, risk, metrics, reference, judge(window, risk, reference, min_labels))


def _holds(labels: Labels, answers: Answers, reach: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each interval held the truth, of the rows that have one."""
    given = np.isfinite(reach)
    held: NDArray[np.bool_] = np.abs(answers[given] - labels[given]) <= reach[given]
    return held


def find_newest(windows: Sequence[WindowPerformance]) -> int | None:
    """Return the place of the newest Window with enough Outcomes; of the newest of all where none has, None of none."""
    told = [place for place, one in enumerate(windows) if one.judgement.state is not State.CANNOT_TELL]
    return told[-1] if told else len(windows) - 1 if windows else None


def judge(window: Window, risk: Interval, reference: Reference, min_labels: int) -> Judgement:
    """Return FAIL where the window's risk is surely above the limit, CANNOT_TELL with too few Outcomes, else PASS."""
    numbers: dict[str, float | int | str | None] = {
        "predictions": window.predictions,
        "outcomes": window.outcomes,
        "coverage": window.coverage,
        "risk": risk.value if isfinite(risk.value) else None,
    }
    if window.outcomes < min_labels:
        arrived = f"{window.outcomes:,} of {window.predictions:,} outcomes have arrived"
        said = f"cannot tell: {arrived}, {min_labels:,} are needed"
        return Judgement("performance", State.CANNOT_TELL, (said,), numbers)
    if reference.risk is None or not isfinite(reference.risk.high):
        return Judgement("performance", State.CANNOT_TELL, ("cannot tell: the champion has no hold-out risk",), numbers)
    limit = risk_limit(reference.risk, reference.tolerance_absolute, reference.tolerance_relative)
    state = State.FAIL if risk.low > limit else State.PASS
    said = (
        f"mean loss {spread(risk)} over {window.outcomes:,} of {window.predictions:,} predictions; hold-out "
        f"{figure(reference.risk.value)}, limit {figure(limit)}"
    )
    return Judgement("performance", state, (said,), {**numbers, "limit": limit})
