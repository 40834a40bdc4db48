"""The report on a terminal: sections with their scores, what must be mended with the request that shows it, the end."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trimtab.audit.readiness import visible_from_outside
from trimtab.audit.result import Severity, State
from trimtab.audit.run import Report
from trimtab.audit.score import Judged

STYLES: Mapping[State, str] = {
    State.PASS: "green",
    State.WARN: "yellow",
    State.FAIL: "bold red",
    State.ERROR: "bold magenta",
    State.MANUAL: "cyan",
    State.NOT_APPLICABLE: "dim",
}
_SHOWN = 10


def show_report(report: Report, console: Console) -> None:
    """Print a report; no line of it ends in spaces."""
    with console.capture() as captured:
        console.print(Group(*_parts(report)), highlight=False)
    console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _parts(report: Report) -> Sequence[RenderableType]:
    states = [one.result.state for one in report.judged]
    counts = ", ".join(f"{states.count(state)} {state}" for state in State if states.count(state))
    parts: list[RenderableType] = [Text(), _probes(report), Text()]
    blocking = [one for one in report.judged if one.blocks]
    if blocking:
        parts += [Text("What must be mended", style="bold"), Text()]
        parts += [_explain(one) for one in blocking[:_SHOWN]]
    others = [one for one in report.judged if one.result.state == State.FAIL and not one.blocks]
    if others:
        parts += [Text("What should be mended", style="bold"), Text()]
        parts += [_mention(one) for one in others]
        parts.append(Text())
    parts += [_waived(one) for one in report.judged if one.waiver is not None]
    if report.stopped:
        parts.append(Text(f"Stopped early: {report.stopped}.", style="bold red"))
    verdict = Text("PASSED" if report.passed else "NOT PASSED", style="bold green" if report.passed else "bold red")
    ending = f": score {report.score:g} of 100; {counts}; {report.requests} requests, {report.seconds:.0f} s"
    return (*parts, verdict.append(ending, style="not bold default"), Text(_tell_visible(), style="dim"))


def _tell_visible() -> str:
    """Return how much of readiness is seen from outside: so much that no ML Test Score can be told of a URL."""
    reach = [test.outside for test in visible_from_outside()]
    return (
        f"From outside {reach.count('fully')} of the 28 tests of the ML Test Score are seen, and a part of "
        f"{reach.count('partly')}: trimtab audit --project DIR tells them all."
    )


def _probes(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for wrap in (False, False, True):
        table.add_column(no_wrap=not wrap, overflow="fold")
    for section, score in report.sections:
        mine = [one for one in report.judged if one.about.category in section.categories]
        if mine:
            told = "" if score is None else f" {score:.0f}"
            table.add_row("", Text(f"{section.title}{told}", style="bold"), "")
        for one in mine:
            state = Text(str(one.result.state), style=STYLES[one.result.state])
            name = Text(one.about.id, style="bold" if one.severity == Severity.MUST else "")
            table.add_row(state, name, Text(one.result.said))
    return table


def _explain(one: Judged) -> Padding:
    lines = [
        Text(f"{one.result.state} {one.about.id}: {one.about.title}", style=STYLES[one.result.state]),
        Text(one.result.said),
        Text(f"Why: {one.about.why}"),
        Text(f"Mend: {one.about.mend}"),
    ]
    if one.result.exchange is not None:
        lines.append(Text(one.result.exchange.curl(), style="cyan", overflow="fold"))
    return Padding(Group(*lines), (0, 0, 1, 2), expand=False)


def _mention(one: Judged) -> Padding:
    return Padding(Text(f"{one.about.id}: {one.about.mend}"), (0, 0, 0, 2), expand=False)


def _waived(one: Judged) -> Text:
    waiver = one.waiver
    return Text(f"Waived {one.about.id} by {waiver.by}: {waiver.reason}" if waiver else "")
