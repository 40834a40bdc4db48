"""Why a Decision was made, and what came of it: sentences, reckoned again from the record where it allows that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.loop.known import AsOf
from trimtab.loop.probation import judge_promotion
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Decision, State, Trim
from trimtab.nouns.identity import plain
from trimtab.promote import decide

SHOWN = 6
"""Epochs of a weight that are told."""


@dataclass(frozen=True, slots=True)
class Told:
    """A Decision in sentences, and the same as facts; `again` is None where the record cannot tell."""

    sentences: tuple[str, ...]
    facts: Mapping[str, Any]


def explain_decision(wheel: Wheel, decision: Decision) -> Told:
    """Return why a Decision was made, whether the same follows again from the record, and what has become of it."""
    what = decision.action.replace("_", " ")
    opening = f"Decision {decision.number}, {decision.at:%Y-%m-%d %H:%M} UTC, by {decision.by}: {what}."
    again, checked = _decide_again(wheel, decision)
    chain = wheel.catalog.verify_journal()
    held = "The journal is as it was written." if chain.state is State.PASS else f"{chain.reasons[0]}."
    trims = [trim for epoch in range(1, wheel.catalog.epoch() + 1) if (trim := wheel.catalog.trim(epoch))]
    weights = _weights(trims, decision.version)
    reasons = (f"{reason.rstrip('.')}." for reason in decision.reasons)
    sentences = (opening, *reasons, *checked, *_tell_weights(wheel, decision, trims), held)
    facts = {**plain(decision), "again": again, "weights": weights, "journal": chain.state}
    return Told(sentences, facts)


def _decide_again(wheel: Wheel, decision: Decision) -> tuple[bool | None, Sequence[str]]:
    """Return whether the same Decision follows again from what is on record, and the sentence about it."""
    if decision.verdict is not None and decision.by in {"blend", "switch"}:
        follows = decide(decision.verdict, at=decision.at, as_of=decision.as_of, by=decision.by)
        # Where a person must approve, what passed is only admitted.
        same = follows.action == ("promote" if decision.action == "admit" else decision.action)
        told = f"From its gates follows {'the same again' if same else follows.action}: {follows.reasons[0]}."
        return same, (told,)
    if decision.action == "roll_back" and decision.finding is not None:
        return _judge_again(wheel, decision)
    return None, ()


def _judge_again(wheel: Wheel, decision: Decision) -> tuple[bool | None, Sequence[str]]:
    journal = wheel.catalog.journal()
    promotions = [one for one in journal[: decision.number - 1] if one.action == "promote" and one.epoch]
    if not promotions:
        return None, ()
    at = AsOf(decision.as_of, decision.as_of)
    found = judge_promotion(wheel, promotions[-1], at, until=decision.epoch)
    if found is None:
        return None, ("The answers that it was judged on are kept no more.",)
    same = found.state is State.PASS
    return same, (f"Reckoned again from the answers and outcomes on record: {found.reasons[0]}.",)


def _weights(trims: Sequence[Trim], version: str | None) -> dict[int, float]:
    """Return a Version's weight by epoch, where it had one."""
    found = {trim.epoch: sum(one.weight for one in trim.members if one.version == version) for trim in trims}
    return {epoch: weight for epoch, weight in found.items() if weight > 0.0}


def _tell_weights(wheel: Wheel, decision: Decision, trims: Sequence[Trim]) -> Iterator[str]:
    """Yield with which weight a Version has answered since, or before it left."""
    if decision.version is None or not trims:
        return
    name, weights = wheel.catalog.find_version(decision.version).name, _weights(trims, decision.version)
    if not weights:
        yield f"{name} has never answered."
        return
    if decision.action == "retire":
        before = [figure(weights[epoch]) for epoch in weights if epoch < (decision.epoch or 0)][-SHOWN:]
        yield f"Its weight in the epochs before: {', '.join(before)}."
        return
    if decision.epoch in weights:
        others = _tell_members(wheel, next(trim for trim in trims if trim.epoch == decision.epoch), decision.version)
        yield f"At epoch {decision.epoch} {name} weighed {figure(weights[decision.epoch])}{others}."
    yield _tell_present(name, weights, trims, decision)


def _tell_present(name: str, weights: Mapping[int, float], trims: Sequence[Trim], decision: Decision) -> str:
    present, last = trims[-1], max(weights)
    if last < present.epoch:
        return f"{name} answers no more since epoch {last + 1}."
    moved = sum(epoch > (decision.epoch or 0) for epoch in weights)
    standing = "the champion" if present.champion == decision.version else "not the champion"
    return f"Today, after {count(moved, 'change')} of the Trim, it weighs {figure(weights[last])} and is {standing}."


def _tell_members(wheel: Wheel, trim: Trim, version: str) -> str:
    others = dict.fromkeys(member.version for member in trim.members if member.version != version)
    names = {one: wheel.catalog.find_version(one).name for one in others}
    told = [f"{name} {figure(_weights((trim,), one)[trim.epoch])}" for one, name in names.items()]
    return f", beside {', '.join(told)}" if told else ", alone"
