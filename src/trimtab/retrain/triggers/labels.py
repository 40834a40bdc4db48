"""Trigger `labels`: so many labelled rows are new since the last fit."""

from dataclasses import dataclass
from typing import ClassVar

from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Labels:
    """Fires from `rows` new labelled rows on."""

    name: ClassVar[str] = "labels"
    rows: int = 10_000

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from so many rows on, PASS below."""
        fresh = max(evidence.labelled - evidence.labelled_at_fit, 0)
        said = f"{fresh:,} labelled rows are new since the last fit; a retrain is due from {self.rows:,} on"
        state = State.FAIL if fresh >= self.rows else State.PASS
        return Judgement(self.name, state, (said,), {"fresh": fresh, "rows": self.rows})


def build(project: Project) -> Labels:
    """Return the trigger with `[triggers] labels` of the project."""
    return Labels(project.triggers.labels)
