"""`trimtab quarantine`: what did not pass, and its release once the contract was mended."""

from typing import Annotated

from cyclopts import App, Group, Parameter

from trimtab.cli.options import HERE, AsJson, DryRun, Flag, ProjectFolder
from trimtab.cli.output import count_rules, progress, show
from trimtab.errors import UsageError
from trimtab.loop.quarantine import Entry, list_quarantine, show_entry
from trimtab.loop.release import Released, preview
from trimtab.loop.release import release as release_rows
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count

quarantine = App(
    name="quarantine",
    usage="Usage: trimtab quarantine COMMAND ...",
    help="What did not pass, with its reasons; and its release once the contract was mended.",
    help_format="markdown",
    group_parameters="Options",
    group_commands=Group("Commands", sort_key=1),
)

Rule = Annotated[str, Parameter(name="--rule", help="One rule that was broken, as `list` names it.")]


@quarantine.command(name="list", usage="Usage: trimtab quarantine list [--rule R] [--source S] [--newest N] [--json]")
def list_rows(
    *,
    rule: Rule = "",
    source: Annotated[str, Parameter(name="--source", help="One source.")] = "",
    newest: Annotated[int, Parameter(name="--newest", help="So many rows are named.")] = 20,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Count what waits, by rule and by source, and name the newest; no value is shown.

    A row waits while it breaks the contract as it stands now. `show ID` shows one with its values.
    """
    found = list_quarantine(open_wheel(project), rule=rule, source=source, newest=newest)
    if not found.total:
        show(("Nothing is in quarantine.",), {"quarantine": found}, as_json=as_json)
        return 0
    sources = ", ".join(f"{name} {rows:,}" for name, rows in found.sources.items())
    lines = [f"{count(found.total, 'row')} in quarantine: {sources}.", *count_rules(found.rules)]
    lines += [_line(entry) for entry in found.newest]
    if found.total > len(found.newest):
        lines.append(f"  and {found.total - len(found.newest):,} older")
    show(lines, {"quarantine": found}, as_json=as_json)
    return 0


@quarantine.command(name="show", usage="Usage: trimtab quarantine show ID [--project DIR] [--json]")
def show_row(
    id: Annotated[str, Parameter(name="ID", help="The id that `list` gives.")],  # noqa: A002 (it is one)
    /,
    *,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Show one row or line with its values, and every judgement of it under any contract."""
    shown = show_entry(open_wheel(project), id)
    told = [
        f"  {one.judged_at:%Y-%m-%d %H:%M} UTC, {f'contract {one.contract}' if one.contract else 'while reading'}: "
        f"{', '.join(one.reasons) or 'released'}"
        for one in shown.judgements
    ]
    show((f"{_place(shown.entry)}:", f"  {shown.raw}", *told), {"quarantine": shown}, as_json=as_json)
    return 0


@quarantine.command(name="release", usage="Usage: trimtab quarantine release --all | --rule R [--dry-run] [--json]")
def release_pending(
    *,
    rule: Rule = "",
    everything: Annotated[bool, Parameter(name="--all", help="Whatever they broke."), Flag] = False,
    project: ProjectFolder = HERE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Judge the rows that wait anew, after contract.toml was mended; each row comes in once, however often you ask.

    A row can be released when the contract has changed since it was refused. Exit code 1 where some are refused again.
    """
    if everything == bool(rule):
        raise UsageError("Say which rows: --all, or --rule with one rule.", hint="trimtab quarantine list counts them")
    wheel = open_wheel(project)
    if dry_run:
        done = preview(wheel, rule=rule)
    else:
        with progress("Judging what waits ...") as tell:
            done = release_rows(wheel, rule=rule, tell=tell)
    show(_tell_released(done, dry_run=dry_run), {"release": done, "dry_run": dry_run}, as_json=as_json)
    return int(bool(done.refused))


def _tell_released(done: Released, *, dry_run: bool) -> tuple[str, ...]:
    if not (done.released or done.refused or done.also):
        return ("Nothing to release: whatever waits was judged under contract.toml as it stands.",)
    would = "would come in" if dry_run else "came in"
    refused = f"{done.refused:,} {'would be' if dry_run else 'are'} refused again"
    lines = [f"{count(done.released, 'row')} {would}, {refused}.", *count_rules(done.rules)]
    if done.also:
        lines.append(f"{count(done.also, 'row')} that broke other rules {would} too: a contract holds for every row.")
    return (*lines, "Nothing was changed.") if dry_run else tuple(lines)


def _line(entry: Entry) -> str:
    when = f"{entry.judged_at:%Y-%m-%d %H:%M}" if entry.judged_at else ""
    return f"  {entry.id}  {when}  {_place(entry)}: {', '.join(entry.reasons)}"


def _place(entry: Entry) -> str:
    return " ".join(part for part in (entry.source, entry.offset or "") if part)
