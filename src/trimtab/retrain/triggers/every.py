"""Trigger `every`: so many windows have passed since the last fit. A plain period, and a strong baseline."""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from trimtab.metrics.figures import count
from trimtab.nouns import Evidence, Judgement, Project, State
from trimtab.retrain.triggers.base import lacks_news


@dataclass(frozen=True, slots=True)
class Every:
    """Fires `windows` finished windows after the last fit of any cause, admitted or refused.

    Without new labels it stays silent: from the same rows the same model would come out.
    """

    name: ClassVar[str] = "every"
    windows: float = 14.0
    min_labels: int = 100

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from so many windows on, where enough labels came since; PASS below."""
        since = evidence.windows_since_fit
        missing = lacks_news(evidence, self.min_labels) if since >= self.windows else ""
        said = f"{count(since, 'window')} since the last fit; a retrain is due from {ceil(self.windows):,} on{missing}"
        state = State.FAIL if since >= self.windows and not missing else State.PASS
        return Judgement(self.name, state, (said,), {"windows": since, "every": self.windows})


def build(project: Project) -> Every:
    """Return the trigger with `[retrain] every` of the project; a window's least labels are news enough for a fit."""
    return Every(project.retrain.every, project.monitor.min_labels)
