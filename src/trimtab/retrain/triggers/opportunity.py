"""Trigger `opportunity`: a small correction of the answers, learnt from the batches before, would have lost less.

What answers need not have become worse for a retrain to pay. For each batch a recalibration is learnt from the six
before it; d is what it saves on a row, less one percent of the mean loss, clipped to +-.45. An e-detector bets that d
is at most 0 on average, given the past:

    E(bet) = product over the batch of 1 + bet d          M <- E (M + 1)          alarm where mean M >= A

While that claim holds, the mean number of batches to a false alarm is at least A, as for `risk`.

Source: Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection (2024).
"""

from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np

from trimtab.metrics.betting import STEPS, from_log, log_growth, log_mean
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Evidence, Judgement, Project, State
from trimtab.retrain.triggers.base import SHARED_BY

CLIP, LARGEST_BET = 0.45, 2.0


@dataclass(frozen=True, slots=True)
class Opportunity:
    """The e-detector; `arl` is A, the least mean number of batches between false alarms."""

    name: ClassVar[str] = "opportunity"
    arl: float = 1000.0
    min_labels: int = 100

    def judge(self, evidence: Evidence) -> Judgement:
        """Return FAIL where the evidence has reached A after the newest batch; CANNOT_TELL below `min_labels`."""
        sizes = tuple(size for size in evidence.gain_batches if size > 0)
        gains = np.clip(np.asarray(evidence.gains, dtype=np.float64), -CLIP, CLIP)
        if not sizes or gains.size < self.min_labels or not np.isfinite(gains).all():
            said = f"cannot tell: {count(len(sizes), 'batch')} with six others before it"
            return Judgement(self.name, State.CANNOT_TELL, (said,), {"A": self.arl, "labels": int(gains.size)})
        wealth = np.full(len(STEPS), -np.inf)
        for growth in log_growth(gains, tuple(LARGEST_BET * step for step in STEPS), sizes):
            wealth = growth + np.logaddexp(wealth, 0.0)
        newest, mean = log_mean(wealth), float(gains.mean())
        state = State.FAIL if newest >= log(self.arl) else State.PASS
        said = (
            f"a correction learnt from the six batches before would have saved {figure(mean)} a row beyond one percent "
            f"over {count(gains.size, 'outcome')}; evidence of that {figure(from_log(newest))}, "
            f"alarm at {figure(self.arl)}"
        )
        return Judgement(self.name, state, (said,), {"A": self.arl, "M": from_log(newest), "mean": mean})


def build(project: Project) -> Opportunity:
    """Return the trigger with the project's budget of false alarms."""
    return Opportunity(SHARED_BY * project.triggers.arl, project.monitor.min_labels)
