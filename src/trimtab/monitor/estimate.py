"""Estimated performance: what a Window's answers will prove to have cost, before its Outcomes arrive.

    classes      confidence-based: a probability that means what it says implies its own loss. Probabilities are first
                 recalibrated by the line that labels of earlier Windows drew (see `seen.Line`)
    regression   a loss model: the bounded loss of earlier labelled rows by groups of the answer and of columns, which
                 add up and are held towards their mean (ridge)

An estimate stands beside its own error: the same was done for past Windows, from Windows as far before them as the
newest one with labels lies before the newest of all, and compared with what came out. Where that error is larger than
the tolerance, and than the noise of the outcomes themselves explains, the estimate is silenced. It warns and asks for
labels; it never asks for a retrain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics import bounded_losses
from trimtab.metrics.base import Answers
from trimtab.metrics.betting import risk_limit
from trimtab.metrics.compare import mean_interval
from trimtab.metrics.figures import figure
from trimtab.monitor.performance import Reference, Scored
from trimtab.monitor.seen import LEAST, MOST, Line, draw_line, pool_lines
from trimtab.monitor.windows import Cut
from trimtab.nouns import Interval, Judgement, State

Numbers = NDArray[np.float64]
LEARNT = 4
"""Labelled Windows that an estimate is made from."""
CHECKED, LEAST_CHECKED = 12, 3
"""Past Windows that its error is measured on, at most and at least."""
GROUPS, PULL = 8, 20.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the newest Window will prove to have cost a row, and how far such estimates were off.

    `error` is the mean absolute difference on `checked` past Windows, `noise` what the sampling of their outcomes alone
    makes of it. `risk` is None where nothing could be estimated.
    """

    risk: float | None
    error: float | None
    noise: float
    checked: int
    judgement: Judgement


def estimate(
    cuts: Sequence[Cut], scored: Scored, columns: Numbers, reference: Reference, *, min_labels: int = 100
) -> Estimate:
    """Return the estimate of the newest Window; `columns` (rows, k) are numbers that a loss model may look at."""
    told = [place for place, cut in enumerate(cuts) if _count(scored, cut) >= min_labels]
    if not cuts or not told:
        return _cannot("no window has enough outcomes to learn from")
    lag = max(len(cuts) - 1 - told[-1], 1)
    lines = {place: _line(scored, cuts[place], min_labels) for place in told}
    past = []
    for place in told[-CHECKED:]:
        guess = _guess(cuts, scored, columns, lines, place, lag)
        if guess is not None:
            past.append((guess, _realised(scored, cuts[place])))
    risk = _guess(cuts, scored, columns, lines, len(cuts) - 1, lag)
    if risk is None:
        return _cannot("too few windows with outcomes lie before it")
    return _judge(risk, past, reference)


def _cannot(why: str) -> Estimate:
    return Estimate(None, None, 0.0, 0, Judgement("estimate", State.CANNOT_TELL, (f"cannot tell: {why}",)))


def _count(scored: Scored, cut: Cut) -> int:
    return int(scored.known[cut.first : cut.last].sum())


def _known(scored: Scored, cut: Cut) -> NDArray[np.int64]:
    return np.flatnonzero(scored.known[cut.first : cut.last]) + cut.first


def _line(scored: Scored, cut: Cut, min_labels: int) -> Line | None:
    if scored.task == "regression":
        return None
    rows = _known(scored, cut)
    return draw_line(scored.task, scored.answers[rows], scored.labels[rows], min_labels)


def _realised(scored: Scored, cut: Cut) -> Interval:
    rows = _known(scored, cut)
    return mean_interval(bounded_losses(scored.task, scored.labels[rows], scored.answers[rows], scored.scale))


def _guess(  # noqa: PLR0917 - the pieces of one estimate
    cuts: Sequence[Cut],
    scored: Scored,
    columns: Numbers,
    lines: dict[int, Line | None],
    place: int,
    lag: int,
) -> float | None:
    """Return the estimate of one Window from the labelled ones at least `lag` before it."""
    usable = [one for one in lines if one <= place - lag][-LEARNT:]
    if not usable:
        return None
    rows = slice(cuts[place].first, cuts[place].last)
    if scored.task == "regression":
        learnt = np.concatenate([_known(scored, cuts[one]) for one in usable])
        return _model_loss(scored, columns, learnt, rows)
    drawn = [line for one in usable if (line := lines[one]) is not None]
    return float(expect_losses(scored.answers[rows], pool_lines(drawn)).mean()) if drawn else None


def expect_losses(answers: Answers, line: Line) -> Numbers:
    """Return the bounded loss that each answer implies, its probability recalibrated by a line."""
    if answers.ndim == 1:
        sure = _recalibrate(answers, line)
        expected: Numbers = sure * (1.0 - answers) ** 2 + (1.0 - sure) * answers**2
        return expected
    best, rows = answers.argmax(axis=1), np.arange(len(answers))
    sure = _recalibrate(answers[rows, best], line)
    rest = np.maximum(1.0 - answers[rows, best], 1e-12)
    shares = answers * ((1.0 - sure) / rest)[:, None]
    shares[rows, best] = sure
    multi: Numbers = ((answers**2).sum(axis=1) - 2.0 * (shares * answers).sum(axis=1) + 1.0) / 2.0
    return multi


def _recalibrate(answers: Numbers, line: Line) -> Numbers:
    held = np.clip(answers, LEAST, MOST)
    sure: Numbers = 0.5 * (1.0 + np.tanh(0.5 * (line.slope * np.log(held / (1.0 - held)) + line.shift)))
    return sure


def _model_loss(scored: Scored, columns: Numbers, learnt: NDArray[np.int64], rows: slice) -> float:
    """Return the mean loss of some rows by an additive model of groups, fitted on the losses of labelled rows."""
    losses = bounded_losses("regression", scored.labels[learnt], scored.answers[learnt], scored.scale)
    numbers = np.column_stack([scored.answers, columns]) if columns.size else scored.answers[:, None]
    old, new = [], []
    for column in numbers.T:
        known = column[learnt][np.isfinite(column[learnt])]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, GROUPS + 1)[1:-1])) if known.size else np.empty(0)
        places = np.where(np.isfinite(column), np.searchsorted(edges, column), edges.size + 1)
        groups = np.eye(edges.size + 2)[places]
        old.append(groups[learnt])
        new.append(groups[rows])
    design, asked, mean = np.hstack(old), np.hstack(new), float(losses.mean())
    weights = np.linalg.solve(design.T @ design + PULL * np.eye(design.shape[1]), design.T @ (losses - mean))
    return float(np.clip(asked @ weights + mean, 0.0, 1.0).mean())


def _judge(risk: float, past: Sequence[tuple[float, Interval]], reference: Reference) -> Estimate:
    noise = float(np.mean([(one.high - one.low) / (2 * 1.96) for _, one in past])) * sqrt(2.0 / np.pi) if past else 0.0
    error = float(np.mean([abs(guess - one.value) for guess, one in past])) if past else None
    numbers: dict[str, float | int | str | None] = {"risk": risk, "error": error, "noise": noise, "checked": len(past)}
    told = f"estimated mean loss {figure(risk)}"
    if error is None or len(past) < LEAST_CHECKED:
        said = f"cannot tell: its error is known on {len(past)} past windows, {LEAST_CHECKED} are needed"
        return Estimate(risk, error, noise, len(past), Judgement("estimate", State.CANNOT_TELL, (said,), numbers))
    beside = f"off by {figure(error)} in the mean over {len(past)} past windows, of which chance makes {figure(noise)}"
    if reference.risk is None or not isfinite(reference.risk.high):
        said = f"{told}, {beside}; the champion has no hold-out risk"
        return Estimate(risk, error, noise, len(past), Judgement("estimate", State.CANNOT_TELL, (said,), numbers))
    tolerance = max(reference.tolerance_absolute, reference.tolerance_relative * reference.risk.value)
    if error > max(tolerance, 2.0 * noise):
        said = (
            f"cannot tell: such estimates were {beside}, more than is tolerated ({figure(tolerance)}); it is silenced"
        )
        return Estimate(None, error, noise, len(past), Judgement("estimate", State.CANNOT_TELL, (said,), numbers))
    limit = risk_limit(reference.risk, reference.tolerance_absolute, reference.tolerance_relative)
    fails = risk - 2.0 * error > limit
    asks = ": label some of its rows" if fails else ""
    said = f"{told}, {beside}; limit {figure(limit)}{asks}"
    state = State.FAIL if fails else State.PASS
    return Estimate(risk, error, noise, len(past), Judgement("estimate", state, (said,), numbers))
