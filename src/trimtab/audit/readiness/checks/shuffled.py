"""infra.4: a model fitted on shuffled labels is proposed on a copy, and must be refused."""

from dataclasses import replace

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import MOST_ROWS, Ground, Tell
from trimtab.loop.challenge import find_standing, on_newest, propose_shuffled
from trimtab.loop.known import AsOf, load_labelled, resolve
from trimtab.loop.newcomer import fit_newcomer
from trimtab.loop.stand import promote
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision, State

BY = "drill"
OLDER = 0.7
"""Share of the labels, the oldest, that the stand-in of a champion has seen."""


def check_shuffled(ground: Ground) -> Found:
    """Propose the model to what answers; where no rows are left to compare on, to its recipe on older rows."""
    with ground.fresh() as wheel:
        decision, against = propose(wheel, ground.tell)
        before = ground.champion[1].name
    said = f"{against}: {decision.reasons[1] if len(decision.reasons) > 1 else decision.reasons[0]}"
    verdict = decision.verdict
    numbers = {"rows": verdict.rows if verdict else 0, "action": decision.action}
    gates = [f"gate {one.name} {one.state}: {one.reasons[0]}" for one in verdict.gates] if verdict else []
    evidence = (f"Version {before}", *gates)
    if decision.action == "refuse":
        return Found(State.PASS, said, "", evidence, numbers)
    if decision.action == "promote":
        missing = "a useless model was let in: lower [gates] margin, declare a [gates] floor, or use the gate paired"
        return Found(State.FAIL, said, missing, evidence, numbers)
    missing = "it was kept out, but not on evidence: there were too few rows that neither had seen"
    return Found(State.CANNOT_TELL, said, missing, evidence, numbers)


def propose(wheel: Wheel, tell: Tell) -> tuple[Decision, str]:
    """Return what was decided about the model, and whom it was compared with."""
    small = on_newest(wheel, MOST_ROWS)
    name = find_standing(small)[1].name
    decision = _propose(small, tell)
    if decision.verdict is None or decision.verdict.rows:
        return decision, f"against {name}"
    _stand_in(small, tell)
    return _propose(small, tell), f"against {name}'s recipe, fitted on the older {OLDER:.0%} of the labels"


def _propose(wheel: Wheel, tell: Tell) -> Decision:
    style = wheel.project.promote.style
    decision = propose_shuffled(wheel, resolve(wheel, None), seed=wheel.project.train.seed, by=BY, tell=tell)
    # The gates judge; a person's proposal is decided by the strict rule, but a wheel that blends lets in what is open.
    open_ = decision.verdict is not None and decision.verdict.state is not State.FAIL
    return replace(decision, action="promote") if style == "blend" and open_ else decision


def _stand_in(wheel: Wheel, tell: Tell) -> None:
    """Let the champion's recipe, fitted on older labels, answer in its place, so that newer rows can judge."""
    champion = find_standing(wheel)[1]
    known = load_labelled(wheel, resolve(wheel, None)).rows["_known_at"]
    moment = known.sort()[int(len(known) * OLDER)]
    older = load_labelled(wheel, AsOf(moment, moment))
    version = fit_newcomer(wheel, older, recipe=champion.recipe, tell=tell).version
    if version.id != champion.id:
        promote(wheel, version.id, by=BY)


CHECK = Check("infra.4", "a model fitted on shuffled labels, proposed on a copy", check_shuffled)
