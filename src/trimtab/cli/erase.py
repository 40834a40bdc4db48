"""`trimtab erase`."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, DryRun, ProjectFolder
from trimtab.cli.output import progress, show
from trimtab.cli.promote import find_user
from trimtab.loop.erase import Erased, look
from trimtab.loop.erase import erase as erase_rows
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count


def erase(
    *,
    key: Annotated[
        list[str],
        Parameter(name="--key", help="The key's value, or COLUMN=VALUE, once for each column.", negative=()),
    ],
    project: ProjectFolder = HERE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Remove a person's rows from every table, every version of it, quarantine, index and spool, for good.

    Models that were fitted on them are named and stay as they are. The journal notes the deed without the key. What
    stands in the sources themselves is yours to remove, and first: a row that comes again is a new row.
    """
    wheel = open_wheel(project)
    if dry_run:
        done = look(wheel, key)
    else:
        with progress("Erasing ...") as tell:
            done = erase_rows(wheel, key, by=find_user(), tell=tell)
    facts = {"rows": done.rows, **{name: getattr(done, name) for name in done.__slots__}, "dry_run": dry_run}
    show(_tell(done, dry_run=dry_run), facts, as_json=as_json)
    return 0


def _tell(done: Erased, *, dry_run: bool) -> tuple[str, ...]:
    lines = [f"{count(done.rows, 'row')} of this key {'would be' if dry_run else 'were'} erased."]
    if not (done.rows or done.decision):
        lines = ["Nothing of this key is kept."]
    lines += [f"  {table}: {rows:,}" for table, rows in done.tables.items()]
    if done.versions:
        fitted = ", ".join(f"{name} ({rows:,})" for name, rows in done.versions.items())
        lines.append(f"Models already fitted on them, which are not changed: {fitted}.")
    if done.not_searched:
        lines.append(f"Without these columns, and so not searched: {', '.join(done.not_searched)}.")
    if done.damaged:
        lines.append(f"Damaged files of the spool that nobody can search: {', '.join(done.damaged)}.")
    if done.waiting:
        lines.append(f"{count(done.waiting, 'record')} in the spool would be looked through too.")
    return (*lines, "Nothing was changed.") if dry_run else tuple(lines)
