"""data.4, the part that a check sees: no personal column is a feature, and none tells the target alone."""

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks.account import read_choice
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.nouns import State


def check_meta(ground: Ground) -> Found:
    """Look for personal features in the contract, and for leaks in what the champion's training noted."""
    features = ground.wheel.contract.features
    personal = [column.name for column in features if column.pii]
    leaks = [one.split(":")[1] for one in read_choice(ground)["warnings"] if one.startswith("leak:")]
    said = f"{len(features)} features: {len(personal)} personal, {len(leaks)} that tell the target alone"
    numbers = {"features": len(features), "personal": len(personal), "leaks": len(leaks)}
    missing = f"see to these: {', '.join((*personal, *leaks))}" if personal or leaks else ""
    evidence = (f"contract.toml {ground.wheel.contract.id}",)
    return Found(State.FAIL if missing else State.PASS, said, missing, evidence, numbers)


CHECK = Check("data.4", "personal columns and leaks among the features", check_meta)
