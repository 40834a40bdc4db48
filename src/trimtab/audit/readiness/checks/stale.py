"""model.4: how a fit that is never repeated does on later and later rows, as the champion's card tells it."""

from trimtab import metrics
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks.account import made_by, read_account
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.metrics.figures import figure
from trimtab.nouns import State


def check_stale(ground: Ground) -> Found:
    """Read the stretches of the champion's account."""
    version, evaluation = ground.champion[1], read_account(ground)
    later, name = evaluation.later, evaluation.aging
    if len(later) < 2:
        said = "no fit could be followed over later rows"
        return Found(State.CANNOT_TELL, said, "rows need an order: [row] event_time or order in contract.toml")
    sign = -1.0 if any(one.name == name and one.bigger_is_better for one in metrics.BUILT_IN) else 1.0
    worst = max(later, key=lambda one: sign * one.score.value)
    said = (
        f"{name} of a fit that is never repeated: {figure(later[0].score.value)} at first, {figure(worst.score.value)} "
        f"in the worst of {len(later)} later stretches, from {worst.since}"
    )
    numbers = {"stretches": len(later), "first": later[0].score.value, "worst": worst.score.value}
    return Found(State.PASS, said, "", (f"trimtab card {version.name}",), numbers, made_by(ground, version))


CHECK = Check("model.4", "how the champion ages", check_stale)
