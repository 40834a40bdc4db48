"""Gate `floor`: on its hold-out the challenger is good enough at all, whatever answers now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trimtab import metrics
from trimtab.metrics.figures import figure, spread
from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Floor:
    """Fails where a metric is beyond its floor: below it where bigger is better, above it otherwise."""

    name: ClassVar[str] = "floor"
    floors: Mapping[str, float] = field(default_factory=dict)

    def judge(self, evidence: Evidence) -> Judgement:
        """Return each metric beside its floor; CANNOT_TELL where one was not measured and no other fails."""
        if not self.floors:
            return Judgement(self.name, State.PASS, ("no floor is set",))
        states, reasons, numbers = [], [], {}
        for metric, floor in self.floors.items():
            found = evidence.metrics.get(metric)
            if found is None or not found.rows:
                states.append(State.CANNOT_TELL)
                reasons.append(f"{metric} was not measured; its floor is {figure(floor)}")
                continue
            good = found.value >= floor if metrics.get(metric).bigger_is_better else found.value <= floor
            states.append(State.PASS if good else State.FAIL)
            reasons.append(f"{metric} {spread(found)}, {'not ' if not good else ''}within its floor {figure(floor)}")
            numbers[metric] = found.value
        worst = next((one for one in (State.FAIL, State.CANNOT_TELL) if one in states), State.PASS)
        return Judgement(self.name, worst, tuple(reasons), numbers)


def build(project: Project) -> Floor:
    """Return the gate with `[gates] floor` of the project. Raises UsageError for a metric that there is not."""
    for metric in project.gates.floor:
        metrics.get(metric)
    return Floor(project.gates.floor)
