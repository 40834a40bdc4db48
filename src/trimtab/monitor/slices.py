"""Realised performance by slice: each declared part of a Window's answers against what the hold-out promised of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab import metrics
from trimtab.metrics.betting import risk_limit
from trimtab.metrics.compare import mean_interval, metric_interval
from trimtab.metrics.figures import count, figure, spread
from trimtab.metrics.slices import LEAST_ROWS, Mask
from trimtab.monitor.performance import SEED, Reference, Scored
from trimtab.nouns import Interval, Judgement, State


@dataclass(frozen=True, slots=True)
class Part:
    """A slice of scored answers: what it is called, what was promised of it, and which answers it holds."""

    name: str
    baseline: Reference
    rows: Mask


@dataclass(frozen=True, slots=True)
class SlicePerformance:
    """A slice's realised risk and default metric with their intervals, the baseline's, and the judgement between them.

    The intervals of the risks of all slices that are judged hold together with 95 %; that of a metric stands alone.
    """

    name: str
    predictions: int
    outcomes: int
    risk: Interval
    metrics: Mapping[str, Interval]
    baseline: Reference
    judgement: Judgement


def realised_slices(scored: Scored, parts: Sequence[Part]) -> tuple[SlicePerformance, ...]:
    """Return the performance of each slice of a Window over its rows whose Outcome is known.

    A slice fails where its whole interval lies above the upper end of its promise plus the tolerance. Intervals are
    wide enough for all slices together, so that in forty Windows one fails by chance at most, however many there are.
    """
    many = sum(int((part.rows & scored.known).sum()) >= LEAST_ROWS for part in parts)
    return tuple(_perform(scored, part, max(many, 1)) for part in parts)


def _perform(scored: Scored, part: Part, many: int) -> SlicePerformance:
    rows = part.rows & scored.known
    labels, answers = scored.labels[rows], scored.answers[rows]
    risk = mean_interval(metrics.bounded_losses(scored.task, labels, answers, scored.scale), many)
    metric = metrics.default(scored.task)
    found = {metric.name: metric_interval(metric, labels, answers, SEED)} if rows.any() else {}
    predictions, outcomes = int(part.rows.sum()), int(rows.sum())
    judgement = _judge(part, predictions, outcomes, risk)
    return SlicePerformance(part.name, predictions, outcomes, risk, found, part.baseline, judgement)


def _judge(part: Part, predictions: int, outcomes: int, risk: Interval) -> Judgement:
    numbers: dict[str, float | int | str | None] = {"predictions": predictions, "outcomes": outcomes}
    promised = part.baseline.risk
    if outcomes < LEAST_ROWS or promised is None:
        arrived = f"{outcomes:,} of {predictions:,} outcomes have arrived, {LEAST_ROWS} are needed"
        said = f"cannot tell: {arrived}" if predictions else "cannot tell: no answer in this window"
        return Judgement(part.name, State.CANNOT_TELL, (said,), numbers)
    limit = risk_limit(promised, part.baseline.tolerance_absolute, part.baseline.tolerance_relative)
    said = f"mean loss {spread(risk)} over {count(outcomes, 'outcome')}; hold-out {figure(promised.value)}"
    state = State.FAIL if risk.low > limit else State.PASS
    return Judgement(part.name, state, (f"{said}, limit {figure(limit)}",), {**numbers, "limit": limit})


def judge_slices(found: Sequence[SlicePerformance], columns: Sequence[str]) -> Judgement:
    """Return what the slices by some columns come to: FAIL where one is surely worse than was promised of it.

    A slice without answers, or with few outcomes, is named and fails nothing.
    """
    judged = [one for one in found if one.judgement.state is not State.CANNOT_TELL]
    worse = [one for one in judged if one.judgement.state is State.FAIL]
    gone = [one.name for one in found if not one.predictions]
    few = [one.name for one in found if one.predictions and one not in judged]
    if not found:
        first = f"cannot tell: nothing was promised of a slice by {', '.join(columns)}; the next fit does"
    elif not judged:
        first = f"cannot tell: no slice by {', '.join(columns)} has {LEAST_ROWS} outcomes"
    else:
        first = f"{len(worse):,} of {count(len(judged), 'slice')} surely worse than promised"
    reasons = (
        first,
        *(f"{one.name}: {one.judgement.reasons[0]}" for one in worse),
        *((f"no answers any more: {', '.join(gone)}",) if gone else ()),
        *((f"too few outcomes to tell of {', '.join(few)}",) if few else ()),
    )
    state = State.FAIL if worse else State.PASS if judged else State.CANNOT_TELL
    return Judgement("slices", state, reasons, {"slices": len(judged), "worse": len(worse), "gone": len(gone)})
