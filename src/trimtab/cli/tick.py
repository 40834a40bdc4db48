"""`trimtab tick`."""

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.ingest import describe_rows
from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import count_rules, join_reasons, progress, show
from trimtab.clock import parse
from trimtab.loop.state import open_wheel
from trimtab.loop.tick import Ticked
from trimtab.loop.tick import tick as turn
from trimtab.metrics.figures import count
from trimtab.nouns import Finding


def tick(
    folder: Folder = HERE,
    /,
    *,
    as_of: Annotated[
        str | None, Parameter(help='Moment (2026-01-31T12:00:00Z) or, with order = "file", a position; else now.')
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Turn the wheel once: forward the log, ingest, join outcomes, judge, and, where due, retrain and replace.

    For cron, Airflow or a CronJob. A turn that is killed is finished by the next one. Exit code 1 where a source could
    not be read: the turn goes on without it.
    """
    with progress(f"Turning the wheel of {folder.resolve().name} ...") as tell:
        wheel = open_wheel(folder)
        turned = turn(wheel, as_of=read_moment(as_of), tell=tell)
    standing = wheel.champion()
    show(describe_turn(turned, standing[1].name if standing else ""), {"turn": turned}, as_json=as_json)
    return int(bool(turned.ingested.failures))


def read_moment(text: str | None) -> datetime | int | None:
    """Return a moment from its text: whole digits are a position, anything else is a time with its zone."""
    if text is None:
        return None
    return int(text) if text.isdecimal() else parse(text)


def describe_turn(turned: Ticked, champion: str) -> tuple[str, ...]:
    """Return what one turn did, in sentences, and which Version answers after it."""
    moved = ", ".join(count(number, what.removesuffix("s")) for what, number in turned.forwarded.items() if number)
    read = turned.ingested
    return (
        f"Forwarded to the lake: {moved or 'nothing new'}.",
        f"Ingested: {describe_rows(read)}.",
        *count_rules(read.reasons),
        *read.sentences,
        *(f"Could not be read: {failure}" for failure in read.failures),
        *(describe_finding(finding) for finding in turned.findings),
        *(f"Decision {decision.number}: {join_reasons(decision.reasons)}" for decision in turned.decisions),
        *(line for line in (turned.mirrored, turned.drilled) if line),
        f"{champion} answers (epoch {turned.epoch})." if turned.epoch else "Nothing answers yet.",
    )


def describe_finding(finding: Finding) -> str:
    """Return what a trigger found, and whether it fires."""
    fires = " It fires." if finding.fires else ""
    return f"Trigger {finding.subject}: {join_reasons(finding.judgement.reasons)}{fires}"
