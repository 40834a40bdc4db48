"""The role of a trigger: it looks at evidence and says whether a retrain is due."""

from typing import ClassVar, Protocol

from trimtab.nouns import Evidence, Judgement


class Trigger(Protocol):
    """One reason to retrain. Pure: the same evidence always gives the same judgement; no clock, no I/O."""

    name: ClassVar[str]

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL where the difference is beyond its limit (the trigger fires), PASS where not, or CANNOT_TELL.

        Reasons are sentences with the numbers in them; the same numbers stand in the judgement's `evidence`.
        """
        ...
