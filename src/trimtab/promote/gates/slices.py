"""Gate `slices`: no protected part of the rows gets worse answers than it has now, beyond chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from trimtab.metrics.compare import standard_error
from trimtab.metrics.figures import figure
from trimtab.nouns import Evidence, Judgement, PairedSlice, Project, State

MIN_ROWS = 30
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Slices:
    """Fails where a slice's mean loss is surely higher than now: one-sided, all slices together at five percent.

    Slices with fewer than 30 rows are named and not judged; with no other one it cannot tell.
    """

    name: ClassVar[str] = "slices"
    protected: tuple[str, ...] = ()

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the slices that get worse; PASS where none is protected."""
        if not self.protected:
            return Judgement(self.name, State.PASS, ("no slice is protected",))
        judged = [one for one in evidence.slices if len(one.champion_losses) >= MIN_ROWS]
        small = [one.name for one in evidence.slices if len(one.champion_losses) < MIN_ROWS]
        if not judged:
            said = f"cannot tell: no slice by {', '.join(self.protected)} has {MIN_ROWS} rows that neither had seen"
            return Judgement(self.name, State.CANNOT_TELL, (said,), {"slices": 0})
        worse = [said for one in judged if (said := _tell_worse(one, LEVEL / len(judged)))]
        rest = (f"too few rows to judge {', '.join(small)}",) if small else ()
        told = tuple(worse) or (f"none of {len(judged):,} slices gets surely worse",)
        state = State.FAIL if worse else State.PASS
        return Judgement(self.name, state, (*told, *rest), {"slices": len(judged), "worse": len(worse)})


def _tell_worse(one: PairedSlice, level: float) -> str:
    before, after = (_mean(losses) for losses in (one.champion_losses, one.challenger_losses))
    worse = np.subtract(one.challenger_losses, one.champion_losses)
    sure = NormalDist().inv_cdf(1.0 - level) * standard_error(worse)
    if not np.isfinite(after) or worse.mean() > max(sure, 0.0):
        return f"{one.name} gets worse: mean loss {figure(after)} on {len(worse):,} rows against {figure(before)} now"
    return ""


def _mean(losses: Sequence[float]) -> float:
    return float(np.mean(losses))


def build(project: Project) -> Slices:
    """Return the gate with `[slices] protected` of the project."""
    return Slices(project.slices.protected)
