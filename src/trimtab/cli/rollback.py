"""`trimtab rollback`."""

from trimtab.cli.options import HERE, AsJson, DryRun, Folder
from trimtab.cli.output import join_reasons, progress, show
from trimtab.cli.promote import find_user, show_plan
from trimtab.loop.stand import rollback as roll_back
from trimtab.loop.state import open_wheel


def rollback(folder: Folder = HERE, /, *, dry_run: DryRun = False, as_json: AsJson = False) -> int:
    """Let the previous champion answer again; the journal notes who said so.

    Running servers follow within two seconds.
    """
    wheel = open_wheel(folder)
    if dry_run:
        show_plan(wheel, "previous", as_json=as_json)
        return 0
    with progress("Rolling back ..."):
        decision = roll_back(wheel, by=find_user())
    show((join_reasons(decision.reasons),), {"decision": decision}, as_json=as_json)
    return 0
