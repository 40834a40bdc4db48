"""The role of a gate: it looks at evidence about a challenger and says whether it may pass."""

from typing import ClassVar, Protocol

from trimtab.nouns import Evidence, Judgement


class Gate(Protocol):
    """One condition on a challenger. Pure: the same evidence always gives the same judgement; no clock, no I/O."""

    name: ClassVar[str]

    def judge(self, evidence: Evidence) -> Judgement:
        """Return PASS, FAIL or CANNOT_TELL; only PASS of every gate promotes."""
        ...
