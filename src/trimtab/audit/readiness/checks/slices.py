"""model.6: on no slice, declared or found by search, are the champion's answers worse than chance."""

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks.account import made_by, read_account
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.metrics.figures import count, spread
from trimtab.metrics.slices import Slice
from trimtab.nouns import State

LEAST_ROWS = 100


def check_slices(ground: Ground) -> Found:
    """Read the slices of the champion's account."""
    version, evaluation = ground.champion[1], read_account(ground)
    declared = [one for one in evaluation.slices if one.rows >= LEAST_ROWS]
    useless = [one for one in declared if _ranks(one) is State.FAIL]
    useless += [one for one in evaluation.worst if _ranks(one) is State.FAIL]
    unclear = [one for one in (*declared, *evaluation.worst) if _ranks(one) is State.CANNOT_TELL]
    said = f"{len(declared)} declared slices judged, {count(evaluation.candidates, 'slice')} searched"
    if declared:
        worst = max(declared, key=lambda one: one.loss.value)
        said += f"; worst declared: {_name(worst)} with {evaluation.loss} {spread(worst.loss)}"
    numbers = {"declared": len(declared), "searched": evaluation.candidates}
    numbers |= {"useless": len(useless), "unclear": len(unclear)}
    ran, evidence = made_by(ground, version), (f"trimtab card {version.name}",)
    if useless:
        missing = f"worse than chance where {', and where '.join(map(_name, useless[:2]))}"
        return Found(State.FAIL, said, missing, evidence, numbers, ran)
    if not declared:
        missing = "name the columns whose slices matter in [slices] by, and train"
        return Found(State.CANNOT_TELL, said, missing, evidence, numbers, ran)
    missing = f"not certain to be better than chance where {_name(unclear[0])}" if unclear else ""
    return Found(State.PASS, said, missing, evidence, numbers, ran)


def _ranks(one: Slice) -> State:
    """Return whether a slice's rows are told apart better than by chance: by AUC, the floor that needs no setting."""
    auc = one.metrics.get("roc_auc")
    if auc is None or auc.low > 0.5:
        return State.PASS
    return State.FAIL if auc.high < 0.5 else State.CANNOT_TELL


def _name(one: Slice) -> str:
    return " and ".join(f"{column} is {value}" for column, value in one.where.items())


CHECK = Check("model.6", "the champion's slices", check_slices)
