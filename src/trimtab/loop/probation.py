"""Was the promotion right? Where one Version answers, what it replaced is asked in shadow for some windows more.

Outcomes after the promotion are rows that neither Version was fitted on. Where they show that the old one answers
better, at the evidence that a promotion needs, it answers again.
"""

from dataclasses import replace

import polars as pl

from trimtab import clock
from trimtab.loop.known import AsOf, count_once, features_of, labels_of, load_answers, logged_answers, moments_of
from trimtab.loop.state import Wheel
from trimtab.metrics import bounded_losses
from trimtab.monitor.windows import label_batches
from trimtab.nouns import Decision, Evidence, Finding, Judgement, State
from trimtab.promote.gates.paired import Paired


def watch_promotion(wheel: Wheel, at: AsOf) -> tuple[Decision, ...]:
    """Return the Decision to put back what the last promotion replaced, carried out; nothing without evidence."""
    promotion, now = find_promotion(wheel), wheel.catalog.trim()
    if promotion is None or now is None:
        return ()
    found = judge_promotion(wheel, promotion, at)
    old = wheel.catalog.trim((promotion.epoch or 0) - 1)
    if found is None or old is None or found.state is not State.PASS:
        return ()
    names = [wheel.catalog.find_version(trim.champion).name for trim in (old, now)]
    opening = f"{names[0]} answers again in place of {names[1]}, that decision {promotion.number} had promoted"
    decision = Decision(
        action="roll_back",
        by="switch",
        reasons=(opening, f"{names[0]} is {found.reasons[0]}"),
        at=clock.now(),
        as_of=at.rows,
        version=old.champion,
        finding=Finding("probation", found, now.champion, at.rows),
    )
    return (wheel.catalog.decide(decision, replace(old, epoch=now.epoch + 1)),)


def find_promotion(wheel: Wheel) -> Decision | None:
    """Return the promotion that made what answers now, where style `switch` decided it and it replaced something."""
    if wheel.project.promote.style != "switch":
        return None
    made = [one for one in wheel.catalog.journal() if one.epoch and one.by != "layer"]
    last = made[-1] if made else None
    return last if last and len(made) > 1 and last.action == "promote" and last.by == "switch" else None


def judge_promotion(wheel: Wheel, promotion: Decision, at: AsOf, until: int | None = None) -> Judgement | None:
    """Return whether what a promotion replaced is better, on the outcomes of the first windows after it.

    PASS means that it is shown. None without whole windows. `until` is the epoch at which it answered no more.
    """
    epoch, contract, monitor = promotion.epoch or 0, wheel.contract, wheel.project.monitor
    mine = pl.col("fallback").eq("") & pl.col("epoch").ge(epoch)
    mine &= pl.lit(until is None) | pl.col("epoch").lt(until or 0)
    answers = count_once(load_answers(wheel, at).filter(mine)).filter(pl.col("value").is_not_null())
    labelled = answers.sort("_known_at", "id")
    sizes = label_batches(moments_of(labelled["_known_at"]), monitor.window, monitor.min_labels, at.rows)
    seen = labelled.head(sum(sizes[: wheel.project.promote.windows]))
    old = wheel.catalog.trim(epoch - 1)
    if not seen.height or old is None or promotion.version is None:
        return None
    labels, scale = labels_of(seen["value"], contract), wheel.package(promotion.version).scale
    served, shadow = (
        bounded_losses(contract.target.task, labels, said, scale).tolist()
        for said in (logged_answers(contract, seen), wheel.answer(old, features_of(seen, contract)))
    )
    return Paired(wheel.project.promote.evidence).judge(Evidence(champion_losses=served, challenger_losses=shadow))
