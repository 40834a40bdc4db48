"""Gate `parity`: the stored Version answers a row alone as it does among many, on unseen categories and nulls too.

That it answers as the model that was fitted is checked before it is stored: otherwise there would be no Version.
"""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from trimtab.metrics.figures import figure
from trimtab.nouns import Evidence, Judgement, Project, State

PARITY = 1e-6
"""How far the two may be apart: on a probability, or as a share of the largest answer."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Passes where `evidence.parity`, the largest distance between the two, is within the limit."""

    name: ClassVar[str] = "parity"
    limit: float = PARITY

    def judge(self, evidence: Evidence) -> Judgement:
        """Return how far the two are apart; CANNOT_TELL where nobody measured."""
        distance = evidence.parity
        if distance is None:
            said = "cannot tell: nobody asked it for rows alone and among many"
            return Judgement(self.name, State.CANNOT_TELL, (said,))
        apart = isfinite(distance) and distance <= self.limit
        told = figure(distance) if distance == 0.0 or distance >= 0.001 else f"{distance:.1g}"
        said = f"a row alone and among many is answered {told} apart at most, allowed is {self.limit:g}"
        state = State.PASS if apart else State.FAIL
        return Judgement(self.name, state, (said,), {"distance": distance, "limit": self.limit})


def build(_project: Project) -> Parity:
    """Return the gate; its limit is that of the packaged model beside the fitted one."""
    return Parity()
