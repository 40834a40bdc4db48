"""Step 4: the record cut into Windows, and how good the answers in each of them were."""

from trimtab.monitor.performance import Reference, Scored, WindowPerformance, realised
from trimtab.monitor.windows import Cut, count_outcomes, cut, is_mature, label_batches

__all__ = [
    "Cut",
    "Reference",
    "Scored",
    "WindowPerformance",
    "count_outcomes",
    "cut",
    "is_mature",
    "label_batches",
    "realised",
]
