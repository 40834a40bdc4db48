"""One whole turn of the wheel: forward, ingest, join, measure, judge, act."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.errors import TrimtabError
from trimtab.loop.apart import finish_apart
from trimtab.loop.challenge import find_standing
from trimtab.loop.crosscheck import crosscheck, tell_doubts
from trimtab.loop.cycle import Ingested, read_sources
from trimtab.loop.drill import drill_when_due
from trimtab.loop.finish import finish, give_up
from trimtab.loop.forward import forward
from trimtab.loop.gains import measure_gains
from trimtab.loop.known import (
    AsOf,
    Labelled,
    answering_since,
    count_once,
    labels_of,
    load_answers,
    load_labelled,
    logged_answers,
    moments_of,
    refuse_moment,
    resolve,
)
from trimtab.loop.mirror import mirror
from trimtab.loop.probation import watch_promotion
from trimtab.loop.slices import follow_slices, part_answers
from trimtab.loop.state import Wheel
from trimtab.loop.trimming import trim_turn
from trimtab.loop.upkeep import tidy_when_due
from trimtab.loop.watch import Promised, Watched, hold, score_rows, watch
from trimtab.metrics import bounded_losses
from trimtab.monitor.performance import Reference, WindowPerformance, find_newest, realised
from trimtab.monitor.slices import realised_slices
from trimtab.monitor.windows import cut, label_batches
from trimtab.nouns import Decision, Evidence, Finding, Judgement, State, Version
from trimtab.retrain import triggers
from trimtab.retrain.forecast import BY_THE_CLOCK, judge_forecast, list_savings
from trimtab.retrain.policy import find_ended, find_running, find_wait, may_retrain
from trimtab.train.artefact import Package

Numbers = NDArray[np.float64]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the outcomes known at a moment say about the champion.

    `answers` are its labelled answers in the order in which the labels came; `every` are those of all Versions, also
    without a label, in order of arrival; `known` are all labelled rows, those that a retrain would be fitted on.
    `findings` are those of the triggers, `watched` what the newest Window looks like, and `forecast` whether a retrain
    would pay.
    """

    answers: pl.DataFrame
    every: pl.DataFrame
    known: Labelled
    findings: tuple[Finding, ...]
    windows: tuple[WindowPerformance, ...]
    watched: Watched = field(default_factory=Watched)
    forecast: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one turn did; `mirrored` is what an MLflow server was told, `drilled` what came of the drills."""

    as_of: datetime
    epoch: int
    forwarded: Mapping[str, int] = field(default_factory=dict)
    ingested: Ingested = field(default_factory=Ingested)
    windows: tuple[WindowPerformance, ...] = ()
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()
    mirrored: str = ""
    drilled: str = ""


def tick(wheel: Wheel, *, as_of: datetime | int | None = None, drills: bool = True, tell: Tell) -> Ticked:
    """Turn the wheel once and return what happened. A crash at any line is made good by the next turn.

    `as_of` is the moment that the turn believes it is (a position with `order = "file"`): what arrived later does not
    count. A source that cannot be read does not stop the turn: see `ingested.failures`. Without `drills` those that are
    due wait for another turn. Raises Busy when another turn is under way.
    """
    refuse_moment(wheel, as_of)
    with wheel.turn("tick"):
        forwarded = forward(wheel, tell=tell)
        ingested = read_sources(wheel, tell=tell)
        at = resolve(wheel, as_of)
        if wheel.champion() is None:
            tell("nothing is promoted yet, so there is nothing to measure; run `trimtab train`")
            return Ticked(at.rows, 0, forwarded, ingested)
        measured, decisions = govern(wheel, at, tell=tell)
        tidy_when_due(wheel, tell=tell)
        epoch = wheel.catalog.epoch()
    done = Ticked(at.rows, epoch, forwarded, ingested, measured.windows, measured.findings, decisions)
    drilled = drill_when_due(wheel, tell=tell) if drills else ""
    return replace(done, mirrored=mirror(wheel), drilled=drilled)


def govern(wheel: Wheel, at: AsOf, *, tell: Tell) -> tuple[Measured, tuple[Decision, ...]]:
    """Hold sources against each other, measure, put a bad promotion back, trim, and retrain where it is due.

    What counts are the outcomes known at `at`.
    """
    checked = crosscheck(wheel, at)
    measured = measure(wheel, at)
    put_back = watch_promotion(wheel, at)
    if put_back:
        return measured, (*checked, *put_back)
    held, told = hold(wheel, measured.watched, at)
    if not held:
        return measured, (*checked, *trim_turn(wheel, measured.every, at), *act(wheel, measured, at, tell=tell))
    # A retrain that a crash interrupted was decided before the fault: it is finished.
    return measured, (*checked, *told, *_finish_running(wheel, wheel.catalog.journal(), at, tell))


def measure(wheel: Wheel, at: AsOf) -> Measured:
    """Join answers with outcomes and let the triggers judge, in the order labels came, what was lost since a promotion.

    What was answered since then counts, by whichever Versions of the Trim: it is what users were given.
    """
    standing = wheel.champion()
    if standing is None:
        raise TrimtabError("There is no champion to measure.", hint="run `trimtab train`")
    trim, champion = standing
    package = wheel.package(champion.id)
    journal = wheel.catalog.journal()
    loaded = load_answers(wheel, at)
    every = count_once(loaded)
    own = pl.col("fallback").eq("") & pl.col("epoch").ge(answering_since(journal, trim))
    answers = count_once(loaded.filter(own))
    labelled = answers.filter(pl.col("value").is_not_null()).sort("_known_at", "id")
    known = load_labelled(wheel, at)
    fitted_at = _last_fit(journal, champion)
    has_days = wheel.contract.row.order != "file"  # else positions are the time
    evidence = Evidence(
        **_weigh_outcomes(wheel, package, labelled, at),
        reference=package.risk,
        labelled=known.rows.height,
        labelled_at_fit=_rows_at_last_fit(wheel, journal, champion),
        **_since_fit(wheel, every, fitted_at, at),
        savings=list_savings(journal),
        now=at.rows if has_days else None,
        fitted_at=fitted_at if has_days else None,
    )
    findings = _judge(wheel, champion, evidence, at)
    promised = _hold_to_promise(wheel, package, answers, at)
    watched = watch(wheel, champion, count_once(loaded.filter(pl.col("fallback") == "")), promised, at)
    watched = replace(watched, findings=(*watched.findings, *tell_doubts(wheel, at)))
    forecast = judge_forecast(evidence, wheel.project.retrain)
    return Measured(labelled, every, known, findings, tuple(promised.windows), watched, forecast)


def _judge(wheel: Wheel, champion: Version, evidence: Evidence, at: AsOf) -> tuple[Finding, ...]:
    """Return what the triggers say; an alarm that the project does not list tells, but never fires."""
    asked = {trigger.name for trigger in triggers.open_triggers(wheel.project)}
    return tuple(
        Finding(one.name, one, champion.id, at.rows, fires=one.state is State.FAIL and one.name in asked)
        for one in triggers.judge(wheel.project, evidence)
    )


def _weigh_outcomes(wheel: Wheel, package: Package, labelled: pl.DataFrame, at: AsOf) -> dict[str, Any]:
    """Return losses by row and slice, the sizes of finished batches, and what a small correction would have saved."""
    contract, spec = wheel.contract, wheel.project.monitor
    task = contract.target.task
    labels, answers = labels_of(labelled["value"], contract), logged_answers(contract, labelled)
    sizes = label_batches(moments_of(labelled["_known_at"]), spec.window, spec.min_labels, at.rows)
    told = slice(sum(sizes))
    gains, gain_batches = measure_gains(task, labels[told], answers[told], sizes, package.scale)
    return {
        "losses": bounded_losses(task, labels, answers, package.scale).tolist(),
        "batches": sizes,
        "promised": follow_slices(wheel, package, labelled),
        "gains": gains,
        "gain_batches": gain_batches,
    }


def _last_fit(journal: Sequence[Decision], champion: Version) -> datetime:
    """Return the moment of the last fit: of a retrain, or the champion's own. To put a Version in place is no fit."""
    retrains = [one.as_of for one in journal if one.action == "retrain"]
    return max([champion.snapshot.as_of, *retrains])


def _since_fit(wheel: Wheel, answers: pl.DataFrame, fitted_at: datetime, at: AsOf) -> dict[str, Any]:
    """Return how many windows of answers were finished since the last fit, and how many rows were answered."""
    spec = wheel.project.monitor
    newer = answers.filter(pl.col("_arrived_at") > fitted_at).sort("_event_at")
    cuts = cut(moments_of(newer["_event_at"]), spec.window, spec.min_rows, at.rows)
    return {"windows_since_fit": len(cuts), "rows_since_fit": newer.height}


def _rows_at_last_fit(wheel: Wheel, journal: Sequence[Decision], champion: Version) -> int:
    """Return the labelled rows of the last fit that the wheel decided on: the last retrain's, else the champion's.

    A newcomer that was refused counts too: the same rows again would only be refused again.
    """
    ended = find_ended(journal)
    last = wheel.catalog.find_version(ended.version) if ended and ended.version else champion
    return max(last.snapshot.rows, champion.snapshot.rows)


def act(wheel: Wheel, measured: Measured, at: AsOf, *, tell: Tell) -> tuple[Decision, ...]:
    """Retrain where a trigger fires and the policy allows it; finish a retrain that a crash interrupted."""
    journal = wheel.catalog.journal()
    if finished := _finish_running(wheel, journal, at, tell):
        return finished
    fired = [finding for finding in measured.findings if finding.fires]
    if not fired:
        return ()
    forecast = measured.forecast
    if forecast and forecast.state is State.PASS and all(one.subject in BY_THE_CLOCK for one in fired):
        return _wait(wheel, journal, fired[0], forecast.reasons, at)
    since = _batches_since(wheel, measured.answers, journal, at)
    # Where the position is the time, the calendar's rules (a cool-down in days, so many a month) do not apply.
    moment = 0 if wheel.contract.row.order == "file" else at.rows
    allowed = may_retrain(moment, journal, wheel.project.retrain, since)
    if allowed.state is not State.PASS:
        return _wait(wheel, journal, fired[0], allowed.reasons, at)
    due = Decision(
        "retrain",
        f"trigger:{fired[0].subject}",
        tuple(reason for finding in fired for reason in finding.judgement.reasons),
        clock.now(),
        at.rows,
        version=fired[0].version,
        finding=fired[0],
    )
    return wheel.catalog.decide(due), _finish(wheel, at, tell, measured.known)


def _batches_since(wheel: Wheel, answers: pl.DataFrame, journal: Sequence[Decision], at: AsOf) -> int:
    """Return how many finished batches of labels came since the last retrain, or since the promotion without one."""
    retrains = [decision.as_of for decision in journal if decision.action == "retrain"]
    spec = wheel.project.monitor
    newer = answers.filter(pl.col("_known_at") > retrains[-1]) if retrains else answers
    return len(label_batches(moments_of(newer["_known_at"]), spec.window, spec.min_labels, at.rows))


def _finish_running(wheel: Wheel, journal: Sequence[Decision], at: AsOf, tell: Tell) -> tuple[Decision, ...]:
    """Finish the retrain that a crash interrupted, on what was known when it was decided; () without one."""
    running = find_running(journal)
    if running is None:
        return ()
    tell(f"finishing the retrain of decision {running.number}")
    return (_finish(wheel, AsOf(running.as_of, at.outcomes), tell),)


def _finish(wheel: Wheel, at: AsOf, tell: Tell, known: Labelled | None = None) -> Decision:
    """Return what became of the retrain that is due: done in a child process where there is a limit to its time."""
    limit = wheel.project.retrain.limit.total_seconds()
    if not limit:
        return finish(wheel, known or load_labelled(wheel, at), tell=tell)
    trouble = finish_apart(wheel, at, limit, tell=tell)
    journal = wheel.catalog.journal()
    ended = find_ended(journal)
    if ended is None or find_running(journal):
        return give_up(wheel, at.rows, trouble or "its process ended without a word")
    return ended


def _wait(
    wheel: Wheel, journal: Sequence[Decision], fired: Finding, reasons: tuple[str, ...], at: AsOf
) -> tuple[Decision, ...]:
    """Journal a wait once, not at every turn that repeats it."""
    standing = find_wait(journal)
    if standing and standing.version == fired.version:
        return ()
    said = (f"{fired.subject} asks for a retrain, which must wait", *reasons)
    decision = Decision("wait", "policy", said, clock.now(), at.rows, version=fired.version, finding=fired)
    return (wheel.catalog.decide(decision),)


def retrain_now(wheel: Wheel, *, by: str, tell: Tell) -> tuple[Decision, ...]:
    """Retrain because a person says so, whatever the triggers and the cool-down; one that a crash left is ended first.

    Raises DataError before the first promotion, Busy while a turn is under way.
    """
    with wheel.turn("retrain"):
        at, journal = resolve(wheel, None), wheel.catalog.journal()
        champion = find_standing(wheel)[1]
        if finished := _finish_running(wheel, journal, at, tell):
            return finished
        said = (f"{by} asked for it",)
        due = Decision("retrain", f"person:{by}", said, clock.now(), at.rows, version=champion.id)
        return wheel.catalog.decide(due), _finish(wheel, at, tell)


def _hold_to_promise(wheel: Wheel, package: Package, answers: pl.DataFrame, at: AsOf) -> Promised:
    """Return what the champion promised, and what became of it by Window and in the slices of the newest known one."""
    spec, limits = wheel.project.monitor, wheel.project.triggers
    reference = Reference(package.risk, package.metrics, limits.tolerance_absolute, limits.tolerance_relative)
    ordered = answers.sort("_event_at", "_arrived_at", "id")
    cuts = cut(moments_of(ordered["_event_at"]), spec.window, spec.min_rows, at.rows)
    windows = realised(cuts, score_rows(wheel, package, ordered), reference, min_labels=spec.min_labels)
    newest = find_newest(windows)
    if newest is None:
        return Promised(reference)
    rows = ordered[cuts[newest].first : cuts[newest].last]
    slices = realised_slices(score_rows(wheel, package, rows), part_answers(wheel, package, rows))
    return Promised(reference, windows, slices)
