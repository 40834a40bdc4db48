"""The first call."""

from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

GOOD, SLOW = 2.0, 30.0


class ColdStart:
    """How long the first valid call of this audit took; only the service knows how long it was idle before.

    PASS below 2 seconds, WARN below 30, FAIL above.
    """

    about = About(
        id="performance.cold_start",
        number=29,
        category=Category.PERFORMANCE,
        severity=Severity.INFORMATIVE,
        weight=0,
        title="The first call does not wait for the model",
        why="A model that is loaded at the first request makes somebody wait; free hosts put idle services to sleep.",
        mend="Load and warm the model in FastAPI's `lifespan`; keep one instance awake where sleep is not acceptable.",
    )

    def run(self, service: Service) -> Result:
        """Judge the first valid reply."""
        return judge_first(service.first.seconds)


def judge_first(seconds: float) -> Result:
    """Judge how long a first call took."""
    state = State.PASS if seconds < GOOD else State.WARN if seconds < SLOW else State.FAIL
    return Result(state, f"the first valid call took {seconds:.2f} s", numbers={"seconds": round(seconds, 3)})
