"""Trigger `growth`: so many labelled rows have come since the last fit that a refit on all of them should pay."""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Growth:
    """Fires where the labelled rows have grown to `factor` times those of the last fit, admitted or refused.

    A learning curve flattens like a power of the rows, so steps by a factor, not by a count, are worth about the same.
    """

    name: ClassVar[str] = "growth"
    factor: float = 1.5

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from `factor` times the rows on, PASS below, CANNOT_TELL where the last fit's are unknown."""
        now, before = evidence.labelled, evidence.labelled_at_fit
        if before <= 0:
            return Judgement(self.name, State.CANNOT_TELL, ("cannot tell: no labelled rows of a last fit are known",))
        share = now / before
        said = (
            f"{now:,} labelled rows against {before:,} at the last fit; "
            f"a retrain is due from {ceil(before * self.factor):,} on"
        )
        state = State.FAIL if share >= self.factor else State.PASS
        numbers = {"labelled": now, "labelled_at_fit": before, "share": share, "factor": self.factor}
        return Judgement(self.name, state, (said,), numbers)


def build(project: Project) -> Growth:
    """Return the trigger with `[triggers] growth` of the project."""
    return Growth(project.triggers.growth)
