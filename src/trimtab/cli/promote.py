"""`trimtab promote`."""

import os
import pwd
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, DryRun, ProjectFolder
from trimtab.cli.output import join_reasons, progress, show
from trimtab.loop.stand import promote as promote_version
from trimtab.loop.stand import switch_plan
from trimtab.loop.state import Wheel, open_wheel


def promote(
    version: Annotated[str, Parameter(name="VERSION", help="v7, an id or its beginning, challenger, or previous.")],
    /,
    *,
    project: ProjectFolder = HERE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Let a Version answer from now on; the journal notes who said so.

    Running servers follow within two seconds.
    """
    wheel = open_wheel(project)
    if dry_run:
        show_plan(wheel, version, as_json=as_json)
        return 0
    with progress(f"Promoting {version} ..."):
        decision = promote_version(wheel, version, by=find_user())
    show((join_reasons(decision.reasons),), {"decision": decision}, as_json=as_json)
    return 0


def show_plan(wheel: Wheel, ref: str, *, as_json: bool) -> None:
    """Print which Version would replace which; nothing changes."""
    champion, newcomer = switch_plan(wheel, ref)
    replaced = f" in place of {champion.name}" if champion else ""
    facts = {"version": newcomer.id, "replaces": champion.id if champion else None, "dry_run": True}
    told = f"{newcomer.name} ({newcomer.id}) would answer{replaced}. Nothing was changed."
    show((told,), facts, as_json=as_json)


def find_user() -> str:
    """Return the name that the journal will note."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
