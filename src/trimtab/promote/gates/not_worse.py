"""Gate `not_worse`: on rows that neither had seen, the challenger is not materially worse than what answers now.

Admission is not promotion: who is let in still has to earn its weight from outcomes, and loses it again where it is the
worse one. So this gate asks for no proof of being better; it keeps out what is plainly broken. Where even a good model
saves little against who knows nothing, a share of the loss is no measure of broken: half of what is saved is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trimtab.metrics.compare import paired_difference
from trimtab.metrics.figures import figure, spread
from trimtab.nouns import Evidence, Judgement, Project, State

MIN_ROWS = 30


@dataclass(frozen=True, slots=True)
class NotWorse:
    """Fails where the mean loss is materially above, and the paired interval shows that it is above.

    Material is more than `margin` (a share) of the loss, or half of what the champion saves against the base rate.
    """

    name: ClassVar[str] = "not_worse"
    margin: float = 0.05

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the comparison with rows, mean losses and difference; CANNOT_TELL below 30 rows."""
        champion = np.asarray(evidence.champion_losses, dtype=np.float64)
        challenger = np.asarray(evidence.challenger_losses, dtype=np.float64)
        if len(champion) != len(challenger) or len(champion) < MIN_ROWS:
            said = f"cannot tell: {len(challenger):,} rows that neither had seen, {MIN_ROWS} are needed"
            return Judgement(self.name, State.CANNOT_TELL, (said,), {"rows": len(challenger)})
        if not (np.isfinite(champion).all() and np.isfinite(challenger).all()):
            return Judgement(self.name, State.FAIL, ("an answer is no finite number",), {"rows": len(challenger)})
        worse = paired_difference(challenger, champion)
        limit = float(champion.mean()) * (1.0 + self.margin)
        saved = float(np.mean(evidence.base_losses) - champion.mean()) if len(evidence.base_losses) else 0.0
        if saved > 0.0:
            limit = min(limit, float(champion.mean()) + saved / 2.0)
        fails = float(challenger.mean()) > limit and worse.low > 0.0
        said = (
            f"mean loss {figure(float(challenger.mean()))} on {worse.rows:,} rows that neither had seen, against "
            f"{figure(float(champion.mean()))} of what answers now; above {figure(limit)} would be materially worse; "
            f"difference {spread(worse)}"
        )
        numbers = {"rows": worse.rows, "difference": worse.value, "low": worse.low, "limit": limit}
        return Judgement(self.name, State.FAIL if fails else State.PASS, (said,), numbers)


def build(project: Project) -> NotWorse:
    """Return the gate with `[gates] margin` of the project."""
    return NotWorse(project.gates.margin)
