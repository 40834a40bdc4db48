"""The role of a trigger: it looks at evidence and says whether a retrain is due."""

from typing import ClassVar, Protocol

from trimtab.metrics.figures import count
from trimtab.nouns import Evidence, Judgement

SHARED_BY = 2
"""Alarms that share one budget of false alarms, risk and opportunity: each gets A times their number."""


class Trigger(Protocol):
    """One reason to retrain. Pure: the same evidence always gives the same judgement; no clock, no I/O."""

    name: ClassVar[str]

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL where the difference is beyond its limit (the trigger fires), PASS where not, or CANNOT_TELL.

        Reasons are sentences with the numbers in them; the same numbers stand in the judgement's `evidence`.
        """
        ...


def lacks_news(evidence: Evidence, least: int) -> str:
    """Return that fewer labelled rows than `least` came since the last fit, or ""."""
    fresh = max(evidence.labelled - evidence.labelled_at_fit, 0)
    return f", but only {count(fresh, 'labelled row')} came since, {least:,} are needed" if fresh < least else ""
