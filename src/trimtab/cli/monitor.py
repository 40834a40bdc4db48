"""`trimtab monitor`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.charts import Mark, line_chart
from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show
from trimtab.cli.tick import read_moment
from trimtab.loop.known import refuse_moment, resolve
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import Measured, measure
from trimtab.loop.watch import Watched
from trimtab.metrics.figures import count
from trimtab.monitor.slices import SlicePerformance
from trimtab.nouns import Finding, Hypothesis, Moment, State

STATES: Mapping[State, str] = {State.PASS: "ok. ", State.FAIL: "FAILS. ", State.CANNOT_TELL: ""}
"""What stands before the first reason; one that cannot tell says so itself."""
HELPS: Mapping[str, str] = {
    "trim": "trimming helps, and a retrain in time",
    "retrain": "a retrain helps",
    "neither": "neither trimming nor retraining will help; mend the feed, or wait for it",
}
NONE = Path()


def monitor(
    folder: Folder = HERE,
    /,
    *,
    as_of: Annotated[
        str | None, Parameter(help='Moment (2026-01-31T12:00:00Z) or, with order = "file", a position; else now.')
    ] = None,
    picture: Annotated[Path, Parameter(help="Write the realised loss of all windows as an SVG picture.")] = NONE,
    as_json: AsJson = False,
) -> int:
    """Tell the newest window's Findings: performance and its estimate, drift of answers and inputs, and why.

    Nothing is forwarded, ingested or decided: see `tick`. Exit code 1 where a Finding fails.
    """
    with progress(f"Looking at {folder.resolve().name} ..."):
        wheel = open_wheel(folder)
        moment = read_moment(as_of)
        refuse_moment(wheel, moment)
        measured = measure(wheel, resolve(wheel, moment))
    watched = measured.watched
    if picture != NONE:
        picture.write_text(draw_windows(wheel, measured), encoding="utf-8")
    healthy = not any(finding.judgement.state is State.FAIL for finding in watched.findings)
    show(list(describe(watched)), list_facts(wheel, watched, healthy=healthy), as_json=as_json)
    return int(not healthy)


def describe(watched: Watched) -> Iterator[str]:
    """Yield the newest window, each Finding with its reasons, the columns that moved, and the explanations."""
    if watched.window is None:
        yield "No window of answers is finished yet."
    else:
        start, end = (_tell_moment(one) for one in (watched.window.start, watched.window.end))
        yield f"Newest window: {start} to {end}, {count(watched.window.rows, 'answer')}."
    for finding in watched.findings:
        first, *rest = finding.judgement.reasons
        yield f"{finding.subject}: {STATES[finding.judgement.state]}{first}."
        yield from (f"  {reason}." for reason in (rest if finding.subject != "data" else ()))
        yield from _tell_slices(watched.slices) if finding.subject == "slices" else ()
    if watched.diagnosis:
        yield "What may explain it, the likeliest first:"
        yield from (line for place, one in enumerate(watched.diagnosis, start=1) for line in _tell_cause(place, one))


def _tell_slices(slices: Sequence[SlicePerformance]) -> Iterator[str]:
    """Yield a line for each slice that was judged and does not fail: those that do stand in the Finding's reasons."""
    for one in slices:
        if one.judgement.state is State.PASS:
            yield f"  {one.name}: {one.judgement.reasons[0]}."


def _tell_moment(moment: Moment) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if isinstance(moment, datetime) else f"position {moment:,}"


def _tell_cause(place: int, one: Hypothesis) -> Iterator[str]:
    yield f"{place}. {one.cause.replace('_', ' ')} ({one.strength:.2f}); {HELPS[one.helps]}."
    yield from (f"   {sentence}." for sentence in one.evidence)


def list_facts(wheel: Wheel, watched: Watched, *, healthy: bool) -> dict[str, object]:
    """Return the same as one object for programs; `drift` holds every column, the heaviest first."""
    standing = wheel.champion()
    return {
        "project": wheel.project.name,
        "version": standing[1].name if standing else None,
        "healthy": healthy,
        "window": watched.window,
        "performance": watched.performance,
        "slices": watched.slices,
        "estimate": watched.estimate,
        "answers": watched.answers,
        "drift": watched.columns,
        "diagnosis": watched.diagnosis,
        "findings": [_plain_finding(finding) for finding in watched.findings],
    }


def _plain_finding(finding: Finding) -> dict[str, object]:
    judgement = finding.judgement
    return {
        "subject": finding.subject,
        "state": judgement.state,
        "reasons": judgement.reasons,
        "evidence": judgement.evidence,
        "diagnosis": [cause.cause for cause in finding.diagnosis],
    }


def draw_windows(wheel: Wheel, measured: Measured) -> str:
    """Return the realised loss by window as SVG, beside the limit, and where a window first fails."""
    windows = measured.windows
    series = {"realised": [(place, one.risk.value) for place, one in enumerate(windows)]}
    limits = [limit for one in windows if isinstance(limit := one.judgement.evidence.get("limit"), float)]
    if limits:
        series["limit"] = [(place, limits[-1]) for place in range(len(windows))]
    failed = [place for place, one in enumerate(windows) if one.judgement.state is State.FAIL]
    marks = [Mark(failed[0], "first that fails")] if failed else []
    title = f"{wheel.project.name}: realised loss since the champion answers"
    y_title = "mean loss (smaller is better)"
    return line_chart(series, title=title, x_title="window", y_title=y_title, marks=marks).svg()
