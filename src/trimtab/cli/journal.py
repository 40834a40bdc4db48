"""`trimtab journal`."""

from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, Folder
from trimtab.cli.output import show
from trimtab.loop.state import Wheel, open_wheel
from trimtab.nouns import Decision, State


def journal(
    folder: Folder = HERE,
    /,
    *,
    verify: Annotated[bool, Parameter(help="Recompute the chain of hashes."), Flag] = False,
    as_json: AsJson = False,
) -> int:
    """Tell every Decision, in order, with its reasons.

    Exit code 1 where --verify finds that an entry was changed, removed or put in.
    """
    wheel = open_wheel(folder)
    names = {version.id: version.name for version in wheel.catalog.versions()}
    decisions = wheel.catalog.journal()
    told = [line for decision in decisions for line in describe_decision(decision, names)] or ["No Decision yet."]
    facts: dict[str, object] = {"decisions": decisions}
    code = _add_verification(wheel, told, facts) if verify else 0
    show(told, facts, as_json=as_json)
    return code


def describe_decision(decision: Decision, names: Mapping[str, str]) -> list[str]:
    """Return a Decision in lines: number, moment, what, which, by whom; then why, a reason a line."""
    what = decision.action.replace("_", " ")
    which = f" {names.get(decision.version, decision.version)}" if decision.version else ""
    epoch = f", epoch {decision.epoch}" if decision.epoch is not None else ""
    opening = f"{decision.number:>3}  {decision.at:%Y-%m-%d %H:%M:%S}  {what}{which} by {decision.by}{epoch}"
    return [opening, *(f"     {reason}" for reason in decision.reasons)]


def _add_verification(wheel: Wheel, told: list[str], facts: dict[str, object]) -> int:
    judgement = wheel.catalog.verify_journal()
    told.extend(judgement.reasons)
    facts["verified"] = judgement
    return int(judgement.state is not State.PASS)
