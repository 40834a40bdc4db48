"""What the next retrain would save, told by the last ones: one that is due by the clock waits while it would not pay.

A newcomer and what answered were asked the same rows that neither had seen, so each judged retrain says what its like
saves on a row, in a world that stays as it is: none of those before the last alarm counts. What counts is the upper end
of the 95 % interval, times as many rows as have been answered since the last fit: the longer it waits the more is at
stake.
"""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from trimtab.metrics.compare import NORMAL_975
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Decision, Evidence, Interval, Judgement, State
from trimtab.nouns.project import RetrainSpec

BY_THE_CLOCK = frozenset({"every", "growth", "schedule", "labels"})
"""Triggers that say that time has passed, and not that something has changed; age is a limit of its own."""
ALARMED = frozenset({"trigger:risk", "trigger:opportunity"})
STYLES = frozenset({"blend", "switch"})
"""By whom newcomers of a retrain are decided about."""
LAST, LEAST = 3, 2
"""Newest judged retrains that are looked at, and how many there must be."""
LONGEST, USUAL = 2.0, 14.0
"""A retrain waits until this many times `[retrain] every` windows have passed since the last fit, at most."""


def list_savings(journal: Sequence[Decision]) -> tuple[Interval, ...]:
    """Return what newcomers would have saved on a row since the last alarm, oldest first.

    An alarm says that the world has changed, so what retrains saved before it says little about the next one.
    """
    found: list[Interval] = []
    for one in journal:
        if one.action == "retrain" and one.by in ALARMED:
            found = []
        elif one.by in STYLES and one.verdict and one.verdict.saving:
            found.append(one.verdict.saving)
    return tuple(found)


def judge_forecast(evidence: Evidence, spec: RetrainSpec) -> Judgement:
    """Return PASS where a retrain would surely save less than it costs, FAIL where it may pay or has waited enough.

    It may pay wherever the mean loss since the last promotion lies above what the hold-out promised. CANNOT_TELL, which
    postpones nothing, where `[cost] per_retrain` is 0 or fewer than two retrains were judged.
    """
    told = [one for one in evidence.savings if one.rows > 1 and np.isfinite([one.value, one.high]).all()][-LAST:]
    if spec.cost <= 0 or len(told) < LEAST:
        why = "a retrain costs nothing" if spec.cost <= 0 else f"{count(len(told), 'retrain')} judged"
        return Judgement("forecast", State.CANNOT_TELL, (f"cannot tell what a retrain would save: {why}",))
    lost = float(np.mean(evidence.losses)) if len(evidence.losses) else float("inf")
    if evidence.reference is None or lost > evidence.reference.high:
        said = "what answers does not keep the promise of its hold-out, so what earlier retrains saved says little"
        return Judgement("forecast", State.FAIL, (said,), {"mean": lost})
    most = ceil(LONGEST * (spec.every or USUAL))
    best = _pool_high(told) * evidence.rows_since_fit
    numbers = {"forecast": best, "per_retrain": spec.cost, "rows": evidence.rows_since_fit, "longest": most}
    said = (
        f"the last {len(told)} retrains would save {figure(best)} at most on {count(evidence.rows_since_fit, 'row')}, "
        f"as many as since the last fit; a retrain costs {figure(spec.cost)}"
    )
    if best >= spec.cost or evidence.windows_since_fit >= most:
        return Judgement("forecast", State.FAIL, (said,), numbers)
    waits = f"it waits, until {most:,} windows after the last fit at most"
    return Judgement("forecast", State.PASS, (said, waits), numbers)


def _pool_high(told: list[Interval]) -> float:
    """Return the upper end of the mean saving over all rows of several comparisons."""
    rows = np.array([one.rows for one in told], dtype=np.float64)
    shares = rows / rows.sum()
    errors = np.array([one.high - one.value for one in told]) / NORMAL_975
    mean = float(shares @ np.array([one.value for one in told]))
    return mean + NORMAL_975 * sqrt(float((shares * errors) @ (shares * errors)))
