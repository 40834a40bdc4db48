"""A challenger and a champion on the same rows: every metric as a paired difference, and what the gates said."""

from collections.abc import Sequence

import numpy as np

from trimtab.metrics import bounded_losses, for_task
from trimtab.metrics.base import Answers, Labels
from trimtab.metrics.compare import metric_improvement, paired_difference
from trimtab.nouns import Interval, Judgement, Task, Verdict

SEED = 7


def compare(  # noqa: PLR0917 - in the order in which a sentence names them
    challenger: str,
    champion: str,
    labels: Labels,
    answers_challenger: Answers,
    answers_champion: Answers,
    task: Task,
    scale: float,
    gates: Sequence[Judgement],
) -> Verdict:
    """Return the Verdict over rows that neither model was fitted on.

    Every difference is signed so that above 0 the challenger is better, whatever the metric's direction; `risk` is the
    bounded loss that triggers and gates bet on, scaled by the champion's `scale`. Labels and answers have the shapes of
    `trimtab.metrics`; ValueError where they do not match. Without rows there are no differences, only the gates.
    """
    rows = len(labels)
    if not rows == len(answers_challenger) == len(answers_champion):
        raise ValueError(f"{rows} labels, {len(answers_challenger)} and {len(answers_champion)} answers are not pairs")
    newer = np.asarray(answers_challenger, dtype=np.float64)
    older = np.asarray(answers_champion, dtype=np.float64)
    differences = measure(np.asarray(labels), newer, older, task, scale) if rows else {}
    return Verdict(challenger, champion, rows, differences, tuple(gates))


def measure(labels: Labels, newer: Answers, older: Answers, task: Task, scale: float) -> dict[str, Interval]:
    """Return by metric how much better `newer` is; metrics that these rows leave undefined (NaN) are left out."""
    risk = paired_difference(bounded_losses(task, labels, older, scale), bounded_losses(task, labels, newer, scale))
    found = {metric.name: metric_improvement(metric, labels, newer, older, SEED) for metric in for_task(task)}
    return {name: interval for name, interval in {"risk": risk, **found}.items() if np.isfinite(interval.value)}
