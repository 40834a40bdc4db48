"""data.2: what each column is worth: those whose importance is not certain are left out, all together, in one more fit.

Correlated columns tell the same, so that each alone looks like nothing: only leaving them out together shows whether
they earn their place.
"""

from dataclasses import replace

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks.account import read_account
from trimtab.audit.readiness.checks.contest import judged
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.known import labels_of
from trimtab.metrics.compare import paired_difference
from trimtab.metrics.evaluation import row_losses
from trimtab.metrics.figures import spread
from trimtab.nouns import Contract, Interval, State
from trimtab.train.fit import choose


def check_beneficial(ground: Ground) -> Found:
    """Compare the champion's recipe with and without the columns whose importance may be nothing."""
    importance = read_account(ground).importance
    if not importance:
        return Found(State.CANNOT_TELL, "the champion has no account of its columns", "run `trimtab train`")
    doubtful = [one.column for one in importance if not one.loss.low > 0.0]
    numbers: dict[str, float | int | str] = {"columns": len(importance), "doubtful": len(doubtful)}
    evidence = (f"trimtab card {ground.champion[1].name}",)
    if not doubtful:
        return Found(State.PASS, f"each of {len(importance)} columns is worth something", "", evidence, numbers)
    if len(doubtful) == len(importance):
        return Found(State.FAIL, "no column is shown to be worth anything", "find columns that say more", (), numbers)
    worse = measure_without(ground, doubtful)
    numbers |= {"worse": worse.value, "low": worse.low, "rows": worse.rows}
    said = (
        f"{len(doubtful)} of {len(importance)} columns are not certain to help; without all of them a row loses "
        f"{spread(worse)} more"
    )
    if worse.low > 0.0:
        missing = f"together they help, one by one nobody knows: {', '.join(doubtful[:5])}"
        return Found(State.PASS, said, missing, evidence, numbers)
    return Found(State.FAIL, said, f'they may go (role = "ignore"): {", ".join(doubtful)}', evidence, numbers)


def measure_without(ground: Ground, columns: list[str]) -> Interval:
    """Return how much more a row loses that neither fit had seen, where the recipe does without some columns."""
    recipe, contract, rows = ground.champion[1].recipe, ground.wheel.contract, ground.newest.rows
    project, labels = judged(ground), labels_of(rows["_label"], contract)
    losses = []
    for one in (_ignore(contract, columns), contract):
        choice = choose(rows, one, project, recipe=recipe, tell=lambda _: None)
        truth = labels[choice.held]
        truth = truth.astype(int) if contract.target.task == "multiclass" else truth
        losses.append(row_losses(contract.target.task, truth, choice.held_answers)[1])
    return paired_difference(*losses)


def _ignore(contract: Contract, names: list[str]) -> Contract:
    columns = [replace(one, role="ignore") if one.name in names else one for one in contract.columns]
    return replace(contract, columns=tuple(columns))


CHECK = Check("data.2", "the champion's recipe without doubtful columns", check_beneficial)
