"""The same question, the same answer."""

import math

from trimtab.audit.probe import About
from trimtab.audit.questions import closeness
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

ROUNDING = 1e-9


class SameAnswer:
    """One valid request many times, half of them on connections of their own. Ids, moments and durations may differ.

    WARN up to a difference of 1e-9, FAIL beyond.
    """

    about = About(
        id="behaviour.deterministic",
        number=23,
        category=Category.BEHAVIOUR,
        severity=Severity.MUST,
        weight=4,
        title="The same request gets the same answer",
        why="Two answers to one question mean chance in the model, or workers that serve different models.",
        mend="Fix seeds, call `model.eval()`, and load one and the same file in each worker before it takes requests.",
    )

    def run(self, service: Service) -> Result:
        """Compare all answers with the first."""
        largest, other = 0.0, service.first
        for turn in range(service.budget.repeats):
            reply = service.post(service.seed, fresh=turn % 2 == 0)
            if not reply.accepted:
                return Result(State.FAIL, f"request {turn + 1} of the same was answered {reply.told}", reply.exchange)
            distance = closeness(service.stable(reply), service.stable(service.first))
            if distance > largest:
                largest, other = distance, reply
        said = f"{service.budget.repeats} times the same request"
        found = {"largest_difference": largest if math.isfinite(largest) else None}
        if largest == 0:
            return Result(State.PASS, f"{said}, one answer", numbers=found)
        if largest <= ROUNDING:
            return Result(State.WARN, f"{said}: answers differ by {largest:.1e}", other.exchange, found)
        what = f"by up to {largest:g}" if math.isfinite(largest) else "in more than numbers"
        return Result(State.FAIL, f"{said}: answers differ {what}", other.exchange, found)
