"""What the newest Window looks like: performance, its estimate, drift of answers and inputs, and why.

Nothing here asks for a retrain. A fault in the data that hurts holds trim and retrain for a while: what they would
learn from it would be wrong again when it is mended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.errors import VersionError
from trimtab.loop.known import (
    AsOf,
    features_of,
    label_column,
    labels_of,
    logged_answers,
    logged_reaches,
    moments_of,
)
from trimtab.loop.state import Wheel
from trimtab.metrics.bins import NumberBins
from trimtab.metrics.profile import Profile
from trimtab.monitor.diagnose import HISTORY, diagnose
from trimtab.monitor.drift import ColumnDrift, judge_drift, sum_drift
from trimtab.monitor.estimate import Estimate, estimate
from trimtab.monitor.performance import Reference, Scored, WindowPerformance, find_newest
from trimtab.monitor.seen import Given, Known, Seen, see
from trimtab.monitor.slices import SlicePerformance, judge_slices
from trimtab.monitor.windows import Cut, cut
from trimtab.nouns import Decision, Finding, Hypothesis, Judgement, State, Version
from trimtab.nouns.verdict import DATA_FAULTS
from trimtab.train.artefact import Package
from trimtab.train.labels import order_classes
from trimtab.train.profile import Portrait

Numbers = NDArray[np.float64]
LEARNT_COLUMNS = 5
"""Columns of the greatest importance that a loss model looks at."""
STRONG, WEIGHTY = 0.8, 0.05
"""A fault in the data holds trim and retrain where it is as sure, and where its columns matter as much."""
HELD = 5
"""Windows that one fault holds at most: what has not been mended by then is what the world is like now."""
BY = "diagnosis"


@dataclass(frozen=True, slots=True)
class Watched:
    """The newest finished Window of answers, whoever gave them; without one there are no findings.

    `columns` and `answers` are the drift of features and of answers, the heaviest first; `weights` the shares of
    importance; `ends` when each of the last Windows was over.
    """

    window: Cut | None = None
    performance: WindowPerformance | None = None
    slices: tuple[SlicePerformance, ...] = ()
    estimate: Estimate | None = None
    columns: tuple[ColumnDrift, ...] = ()
    answers: tuple[ColumnDrift, ...] = ()
    diagnosis: tuple[Hypothesis, ...] = ()
    findings: tuple[Finding, ...] = ()
    ends: tuple[datetime, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promised:
    """What the champion's hold-out promised, and what became of it in each Window since it answers.

    `slices` are those of the newest Window with enough Outcomes.
    """

    reference: Reference
    windows: Sequence[WindowPerformance] = ()
    slices: tuple[SlicePerformance, ...] = ()

    @property
    def newest(self) -> WindowPerformance | None:
        """The newest Window with enough Outcomes; the newest of all where there is none."""
        place = find_newest(self.windows)
        return None if place is None else self.windows[place]


def watch(wheel: Wheel, champion: Version, answers: pl.DataFrame, promised: Promised, at: AsOf) -> Watched:
    """Return what the newest Window of answers shows, as of a moment; `answers` count once and are of any Version."""
    spec = wheel.project.monitor
    ordered = answers.sort("_event_at", "_arrived_at", "id")
    cuts = cut(moments_of(ordered["_event_at"]), spec.window, spec.min_rows, at.rows)
    outcomes = _judge_outcomes(wheel, promised)
    measured = Watched(performance=promised.newest, slices=promised.slices)
    if not cuts:
        return replace(measured, findings=_told(champion, at, outcomes, ()))
    first = max(cuts[-HISTORY:][0].first - 1, 0)  # the row before them says how long their first one was waited for
    recent = [Cut(one.start, one.end, one.first - first, one.last - first) for one in cuts[-HISTORY:]]
    rows = ordered[first:]
    try:
        portrait = wheel.portrait(champion.id)
    except VersionError as error:
        unknown = Judgement("inputs", State.CANNOT_TELL, (f"cannot tell: {error.message}",))
        return replace(measured, window=recent[-1], findings=_told(champion, at, (*outcomes, unknown), ()))
    found = _look(wheel, champion, portrait, rows, recent, promised.reference, at)
    found = replace(found, performance=measured.performance, slices=measured.slices)
    causes = found.diagnosis
    judgements = [*outcomes, found.estimate.judgement] if found.estimate else []
    judgements += [sum_drift("answers", found.answers), sum_drift("inputs", found.columns), _judge_data(causes)]
    return replace(found, findings=_told(champion, at, judgements, causes))


def _look(  # noqa: PLR0917 - all that a Window is held to
    wheel: Wheel,
    champion: Version,
    portrait: Portrait,
    rows: pl.DataFrame,
    cuts: Sequence[Cut],
    reference: Reference,
    at: AsOf,
) -> Watched:
    """Return drift, estimate and diagnosis of the newest of some Windows; `rows` are those from one before them on."""
    scored = score_rows(wheel, wheel.package(champion.id), rows)
    classes = tuple(order_classes(wheel.contract.target))
    known = Known(scored.task, classes, portrait.features, portrait.promised)
    seen = [_see(wheel, (champion.id, known), rows, scored, one) for one in cuts]
    weights = _weights(portrait)
    now, last = _second(at.rows), float(_seconds(rows["_arrived_at"]).max())
    least = wheel.project.monitor.min_labels
    return Watched(
        window=cuts[-1],
        estimate=estimate(cuts, scored, _columns(wheel, portrait, rows), reference, min_labels=least),
        columns=judge_drift(portrait.features, seen[-1].features, weights),
        answers=judge_drift(_without_label(portrait.promised), seen[-1].answers, {}),
        diagnosis=diagnose(known, seen, now=now, quiet=max(now - last, 0.0), weights=weights),
        ends=tuple(one.end for one in cuts if isinstance(one.end, datetime)),
        weights=weights,
    )


def score_rows(wheel: Wheel, package: Package, answers: pl.DataFrame) -> Scored:
    """Return logged answers as metrics take them, with the Outcomes that have come."""
    known = answers["value"].is_not_null()
    labels = np.full(answers.height, np.nan)
    labels[known.to_numpy()] = labels_of(answers["value"].filter(known), wheel.contract)
    task = wheel.contract.target.task
    given = logged_answers(wheel.contract, answers)
    reach = logged_reaches(answers) if task == "regression" else None
    return Scored(task, given, labels, known.to_numpy(), package.scale, reach)


def _judge_outcomes(wheel: Wheel, promised: Promised) -> tuple[Judgement, ...]:
    """Return what Outcomes say of the newest Window that has enough, and of its slices where some are declared."""
    if promised.newest is None:
        said = "cannot tell: no window of answers is finished since the champion answers"
        return (Judgement("performance", State.CANNOT_TELL, (said,)),)
    columns = wheel.project.slices.columns
    return (promised.newest.judgement, *((judge_slices(promised.slices, columns),) if columns else ()))


def _judge_data(causes: Sequence[Hypothesis]) -> Judgement:
    faults = [one for one in causes if one.cause in DATA_FAULTS or one.cause == "label_delay"]
    if not faults:
        return Judgement("data", State.PASS, ("no fault of the data is seen, and labels come as they used to",))
    told = tuple(reason for one in faults for reason in one.evidence)
    numbers: dict[str, float | int | str | None] = {"cause": faults[0].cause, "strength": faults[0].strength}
    if faults[0].strength < STRONG:
        return Judgement("data", State.CANNOT_TELL, (f"cannot tell, it may be: {told[0]}", *told[1:]), numbers)
    return Judgement("data", State.FAIL, told, numbers)


def _told(
    champion: Version, at: AsOf, judgements: Sequence[Judgement], causes: tuple[Hypothesis, ...]
) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            one.name,
            one,
            champion.id,
            at.rows,
            diagnosis=causes if one.state is State.FAIL or one.name == "data" else (),
        )
        for one in judgements
    )


def _without_label(promised: Profile) -> Profile:
    return Profile(promised.rows, {name: one for name, one in promised.columns.items() if name != "label"})


def _weights(portrait: Portrait) -> dict[str, float]:
    """Return each column's share of the importance of all; what a model does without has none."""
    held = {name: max(one or 0.0, 0.0) for name, one in portrait.importance.items()}
    total = sum(held.values())
    return {name: one / total for name, one in held.items()} if total else {}


def _second(moment: datetime) -> float:
    return moment.timestamp()


def _seconds(moments: pl.Series) -> Numbers:
    """Return moments as seconds since 1970, NaN where there is none."""
    seconds: Numbers = moments.dt.epoch("us").cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6
    return seconds


def _see(wheel: Wheel, known: tuple[str, Known], rows: pl.DataFrame, scored: Scored, one: Cut) -> Seen:
    """Return what is kept of a Window; looked at once for as long as no label comes, wherever it stands."""
    place = slice(one.first, one.last)
    part = rows[place]
    mark = (
        known[0],
        wheel.contract.id,
        one.start,
        part["id"][0],
        part["id"][-1],
        one.rows,
        int(scored.known[place].sum()),
        part["_known_at"].max(),
    )
    if mark not in wheel.seen:
        end = one.end.timestamp() if isinstance(one.end, datetime) else _second(part["_event_at"][-1])
        given = Given(
            frame=features_of(part, wheel.contract),
            answers=scored.answers[place],
            labels=scored.labels[place],
            told=label_column(part["value"], wheel.contract),
            known=scored.known[place],
            arrivals=np.sort(_seconds(part["_arrived_at"])),
            waits=_seconds(part["_known_at"]) - end,
            end=end,
        )
        before = _seconds(rows["_arrived_at"][one.first - 1 : one.first]) if one.first else None
        least = wheel.project.monitor.min_labels
        wheel.seen[mark] = see(known[1], given, None if before is None else float(before[0]), min_labels=least)
    return wheel.seen[mark]


def _columns(wheel: Wheel, portrait: Portrait, rows: pl.DataFrame) -> Numbers:
    """Return the numbers of the weightiest columns for a loss model; only regression has one."""
    if wheel.contract.target.task != "regression":
        return np.empty((rows.height, 0))
    often = sorted(portrait.importance, key=lambda name: -(portrait.importance[name] or 0.0))
    names = [name for name in often if isinstance(portrait.features.columns[name].bins, NumberBins)][:LEARNT_COLUMNS]
    frame = features_of(rows, wheel.contract)
    found = [frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in names]
    return np.column_stack(found) if found else np.empty((rows.height, 0))


# --- what a fault holds -----------------------------------------------------------------------------------------------


def find_fault(watched: Watched) -> Hypothesis | None:
    """Return the fault in the data that trim and retrain would only learn wrongly from; None where there is none.

    It is the likeliest explanation, sure, and in columns that matter.
    """
    first = watched.diagnosis[0] if watched.diagnosis else None
    if first is None or first.cause not in DATA_FAULTS or first.strength < STRONG:
        return None
    return first if sum(watched.weights.get(name, 0.0) for name in first.columns) >= WEIGHTY else None


def hold(wheel: Wheel, watched: Watched, at: AsOf) -> tuple[bool, tuple[Decision, ...]]:
    """Return whether trim and retrain are held, and the Decision about it where it is new.

    A fault holds from the first Window on that cost more than was promised, while it is seen, and for `HELD` Windows at
    most; then it is not held again for as many.
    """
    fault = find_fault(watched)
    if fault is None:
        return False, ()
    passed = _windows_since(wheel, fault, watched)
    if passed is not None and passed < 2 * HELD:
        return passed < HELD, ()
    if watched.performance is None or watched.performance.judgement.state is not State.FAIL:
        return False, ()
    finding = next(one for one in watched.findings if one.subject == "data")
    said = (
        f"neither trimming nor retraining will help: {fault.cause.replace('_', ' ')}",
        *fault.evidence,
        f"both wait until it is mended, for {HELD} windows at most",
    )
    decision = Decision("wait", BY, said, clock.now(), at.rows, version=finding.version, finding=finding)
    return True, (wheel.catalog.decide(decision),)


def _windows_since(wheel: Wheel, fault: Hypothesis, watched: Watched) -> int | None:
    """Return how many Windows were finished since this fault was decided on; None where it was not."""
    for one in reversed(wheel.catalog.journal()):
        if one.action == "wait" and one.by == BY and one.finding is not None:
            if [cause.cause for cause in one.finding.diagnosis[:1]] != [fault.cause]:
                return None
            return sum(end > one.as_of for end in watched.ends)
    return None
