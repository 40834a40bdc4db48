"""model.2, the part that a check sees: Versions that were better before they answered were better when they did."""

import numpy as np
import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.known import count_once, labels_of, load_answers, logged_answers, resolve
from trimtab.metrics import bounded_losses
from trimtab.metrics.figures import figure
from trimtab.nouns import State

LEAST = 5
LEAST_ANSWERS = 100


def check_online(ground: Ground) -> Found:
    """Correlate, over the Versions that answered, the risk on their hold-out with the one that was realised."""
    wheel = ground.wheel
    known = count_once(load_answers(wheel, resolve(wheel, None))).filter(
        pl.col("value").is_not_null() & (pl.col("fallback") == "")
    )
    pairs = []
    for (version,), own in known.group_by("version", maintain_order=True):
        if own.height >= LEAST_ANSWERS:
            package = wheel.package(str(version))
            labels = labels_of(own["value"], wheel.contract)
            losses = bounded_losses(package.task, labels, logged_answers(wheel.contract, own), package.scale)
            pairs.append((package.risk.value, float(losses.mean())))
    if len(pairs) < LEAST:
        said = f"{len(pairs)} Versions have {LEAST_ANSWERS} answers with their outcome, {LEAST} are needed"
        return Found(State.CANNOT_TELL, said, "more Versions have to answer", (), {"versions": len(pairs)})
    ranks = np.argsort(np.argsort(np.array(pairs), axis=0), axis=0).astype(np.float64)
    correlation = float(np.corrcoef(ranks[:, 0], ranks[:, 1])[0, 1])
    said = f"over {len(pairs)} Versions the rank correlation of promised and realised risk is {figure(correlation)}"
    numbers = {"versions": len(pairs), "correlation": correlation}
    if correlation > 0.0:
        return Found(State.PASS, said, "", ("trimtab versions",), numbers)
    return Found(State.FAIL, said, "the hold-out does not tell how a Version will do: look at its split", (), numbers)


CHECK = Check("model.2", "promised against realised risk", check_online)
