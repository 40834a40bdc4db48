"""What the champion's own files say, as three checks read it, and who made that Version."""

import json
from typing import Any

from trimtab.audit.readiness.found import LOOP, Ran
from trimtab.audit.readiness.ground import Ground
from trimtab.errors import VersionError
from trimtab.metrics.evaluation import Evaluation
from trimtab.nouns import Version


def read_account(ground: Ground) -> Evaluation:
    """Return what was measured on rows that the champion had not seen."""
    if "account.json" not in ground.files:
        raise VersionError("the champion has no account.json: an older release made it", hint="run `trimtab train`")
    return Evaluation.from_plain(json.loads(ground.files["account.json"])["evaluation"])


def read_choice(ground: Ground) -> dict[str, Any]:
    """Return metrics.json of the champion: what was chosen, and its warnings."""
    choice: dict[str, Any] = json.loads(ground.files["metrics.json"])
    return choice


def made_by(ground: Ground, version: Version) -> Ran:
    """Return when a Version was made, and whether the loop made it because a trigger fired."""
    before = None
    for decision in ground.journal:
        if decision.version == version.id and before is not None and before.action == "retrain":
            return Ran(version.made_at, LOOP if before.by.startswith("trigger:") else before.by)
        before = decision
    return Ran(version.made_at, "person:train")
