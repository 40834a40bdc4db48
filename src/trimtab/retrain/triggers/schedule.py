"""Trigger `schedule`: a moment of a calendar has come since the last fit, written as cron writes it, in UTC."""

from dataclasses import dataclass
from typing import ClassVar

from trimtab.config.schedule import Schedule, read_schedule
from trimtab.nouns import Evidence, Judgement, Project, State
from trimtab.retrain.triggers.base import lacks_news


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Fires where the newest moment of the schedule lies after the last fit, and enough labelled rows came since."""

    name: ClassVar[str] = "schedule"
    schedule: Schedule
    text: str
    min_labels: int = 100

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL from that moment on; CANNOT_TELL without a clock (positions) or without a last fit."""
        if evidence.now is None or evidence.fitted_at is None:
            return Judgement(self.name, State.CANNOT_TELL, ("cannot tell: the record has no times",))
        newest = self.schedule.last(evidence.now)
        if newest is None or newest <= evidence.fitted_at:
            said = f"no moment of '{self.text}' has come since the last fit at {evidence.fitted_at:%Y-%m-%d %H:%M} UTC"
            return Judgement(self.name, State.PASS, (said,), {"schedule": self.text})
        missing = lacks_news(evidence, self.min_labels)
        said = f"a retrain is due by '{self.text}' since {newest:%Y-%m-%d %H:%M} UTC{missing}"
        return Judgement(self.name, State.PASS if missing else State.FAIL, (said,), {"schedule": self.text})


def build(project: Project) -> Scheduled:
    """Return the trigger with `[triggers] schedule` of the project."""
    text = project.triggers.schedule
    return Scheduled(read_schedule(text), text, project.monitor.min_labels)
