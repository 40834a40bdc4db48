"""Trigger `every`: so many windows have passed since the last fit. A plain period, and a strong baseline."""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from trimtab.metrics.figures import count
from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Every:
    """Fires `windows` finished windows after the last fit of any cause, admitted or refused."""

    name: ClassVar[str] = "every"
    windows: float = 12.0

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from so many windows on, PASS below."""
        since = evidence.windows_since_fit
        said = f"{count(since, 'window')} since the last fit; a retrain is due from {ceil(self.windows):,} on"
        state = State.FAIL if since >= self.windows else State.PASS
        return Judgement(self.name, state, (said,), {"windows": since, "every": self.windows})


def build(project: Project) -> Every:
    """Return the trigger with `[retrain] every` of the project."""
    return Every(project.retrain.every)
