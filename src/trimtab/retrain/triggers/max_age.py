"""Trigger `max_age`: what answers was fitted too long ago."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from trimtab.nouns import Evidence, Judgement, Project, State
from trimtab.retrain.triggers.base import lacks_news


@dataclass(frozen=True, slots=True)
class MaxAge:
    """Fires `limit` after the last fit, where enough labelled rows came since."""

    name: ClassVar[str] = "max_age"
    limit: timedelta = timedelta(days=90)
    min_labels: int = 100

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from the limit on; CANNOT_TELL without a clock (positions) or without a last fit."""
        if evidence.now is None or evidence.fitted_at is None:
            return Judgement(self.name, State.CANNOT_TELL, ("cannot tell: the record has no times",))
        age = evidence.now - evidence.fitted_at
        said = f"the last fit is {_days(age)} old; a retrain is due from {_days(self.limit)} on"
        missing = lacks_news(evidence, self.min_labels) if age >= self.limit else ""
        state = State.FAIL if age >= self.limit and not missing else State.PASS
        return Judgement(self.name, state, (said + missing,), {"days": age / timedelta(days=1)})


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):,.1f} days"


def build(project: Project) -> MaxAge:
    """Return the trigger with `[triggers] max_age` of the project."""
    return MaxAge(project.triggers.max_age, project.monitor.min_labels)
