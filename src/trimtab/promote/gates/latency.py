"""Gate `latency`: a row is answered quickly enough, and the Version is no larger than a worker can carry."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from trimtab.metrics.figures import figure
from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Latency:
    """Fails where the median answer takes longer than `seconds`, or the files together hold more than `size` bytes.

    0 is no limit.
    """

    name: ClassVar[str] = "latency"
    seconds: float = 0.005
    size: int = 200_000_000

    def judge(self, evidence: Evidence) -> Judgement:
        """Return both measurements; CANNOT_TELL where one with a limit was not taken."""
        taken, held = evidence.latency, evidence.size
        numbers = {"seconds": taken, "size": held, "most_seconds": self.seconds, "most_size": self.size}
        asked = (("time", self.seconds, taken), ("size", self.size, held))
        missing = [what for what, limit, value in asked if limit and value is None]
        if missing:
            said = f"cannot tell: nobody measured its {' and '.join(missing)}"
            return Judgement(self.name, State.CANNOT_TELL, (said,), numbers)
        fails = [bool(self.seconds and taken and taken > self.seconds), bool(self.size and held and held > self.size)]
        state = State.FAIL if any(fails) else State.PASS
        return Judgement(self.name, state, tuple(self._tell(taken, held)) or ("there is no limit",), numbers)

    def _tell(self, taken: float | None, held: int | None) -> Iterator[str]:
        if self.seconds and taken is not None:
            yield f"one row takes {figure(taken * 1000)} ms, at most {figure(self.seconds * 1000)} ms are allowed"
        if self.size and held is not None:
            yield f"its files hold {figure(held / 1e6)} MB, at most {figure(self.size / 1e6)} MB are allowed"


def build(project: Project) -> Latency:
    """Return the gate with `[gates] latency` and `size` of the project."""
    limit: timedelta = project.gates.latency
    return Latency(limit.total_seconds(), project.gates.size)
