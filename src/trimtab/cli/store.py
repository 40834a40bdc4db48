"""`trimtab store`: the upkeep of what is kept."""

from cyclopts import App, Group

from trimtab.cli.options import HERE, AsJson, DryRun, Folder
from trimtab.cli.output import progress, show
from trimtab.loop.state import open_wheel
from trimtab.loop.upkeep import describe
from trimtab.loop.upkeep import tidy as tidy_tables

store = App(
    name="store",
    usage="Usage: trimtab store COMMAND ...",
    help="The upkeep of what is kept.",
    help_format="markdown",
    group_parameters="Options",
    group_commands=Group("Commands", sort_key=1),
)


@store.command(name="tidy", usage="Usage: trimtab store tidy [DIR] [--dry-run] [--json]")
def tidy(folder: Folder = HERE, /, *, dry_run: DryRun = False, as_json: AsJson = False) -> int:
    """Delete rows older than `[store] keep`, merge small files, and drop files that no version needs.

    Snapshots that a Version names stay whole. `trimtab tick` does the same once a day.
    """
    wheel = open_wheel(folder)
    with progress("Looking at the tables ...") as tell:
        done = tidy_tables(wheel, dry_run=dry_run, tell=tell)
    lines = [f"{did.table}: {describe(did)}." for did in done] or ["Nothing to do."]
    show((*lines, "Nothing was changed.") if dry_run else lines, {"tables": done, "dry_run": dry_run}, as_json=as_json)
    return 0
