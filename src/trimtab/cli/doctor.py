"""`trimtab doctor`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import join_reasons, progress, show
from trimtab.loop.doctor import examine
from trimtab.nouns import Judgement, State

SIGNS = {State.PASS: "ok", State.FAIL: "FAILED", State.CANNOT_TELL: "cannot tell"}


def doctor(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Check the machine and, where DIR is a project, its configuration and record.

    Exit code 1 where a check failed.
    """
    with progress("Looking at the machine and the project ..."):
        judgements = examine(None if folder == HERE and not (folder / "trimtab.toml").exists() else folder)
    told = [line for found in judgements for line in describe_check(found)]
    show(told, {"checks": judgements}, as_json=as_json)
    return int(any(found.state is State.FAIL for found in judgements))


def describe_check(found: Judgement) -> list[str]:
    """Return what was found in one line; an error's mistakes and its next step stand below, a line each."""
    first, *more = [line for reason in found.reasons for line in reason.splitlines()] or [""]
    return [f"{SIGNS[found.state]:>11}  {found.name}: {join_reasons([first])}", *(f"{'':13}{line}" for line in more)]
