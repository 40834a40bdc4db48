"""`trimtab retrain`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import join_reasons, progress, show
from trimtab.cli.promote import find_user
from trimtab.loop.state import open_wheel
from trimtab.loop.tick import retrain_now


def retrain(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Retrain now because you say so: refit the champion's recipe on all labelled rows, judge it, and decide.

    The journal notes who asked; triggers and cool-down are not asked. What answers changes only where the gates let
    the newcomer in.
    """
    with progress(f"Retraining {folder.resolve().name} ...") as tell:
        decisions = retrain_now(open_wheel(folder), by=find_user(), tell=tell)
    told = [f"Decision {decision.number}: {join_reasons(decision.reasons)}" for decision in decisions]
    show(told, {"decisions": decisions}, as_json=as_json)
    return 0
