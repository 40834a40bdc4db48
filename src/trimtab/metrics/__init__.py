"""Rulers: how good answers are, with intervals, and what is comparable between tasks.

get, for_task, default      the metrics by name and by task
bounded_losses              one loss per row in [0, 1] for every task: what triggers and gates bet on
compare                     intervals of means, metrics and differences
betting                     e-values: evidence that may be looked at after every row
confusion                   precision, recall, F1 at a threshold; the confusion matrix
slices                      how good the answers are on parts of the rows, and where they are worst
importance                  how much worse they get when a column tells nothing
evaluation                  all of it as one value
"""

import numpy as np

from trimtab.errors import UsageError, nearest
from trimtab.metrics.accuracy import Accuracy
from trimtab.metrics.average_precision import AveragePrecision
from trimtab.metrics.base import Answers, Labels, Losses, Metric, RowMetric, SmoothMetric, align
from trimtab.metrics.brier import Brier
from trimtab.metrics.confusion import f1, precision, recall
from trimtab.metrics.log_loss import LogLoss
from trimtab.metrics.mae import MeanAbsoluteError
from trimtab.metrics.rmse import RootMeanSquaredError
from trimtab.metrics.roc_auc import RocAuc
from trimtab.nouns import Task

# The first one that works with a task is the task's default.
BUILT_IN: tuple[Metric, ...] = (
    LogLoss(),
    Brier(),
    RocAuc(),
    AveragePrecision(),
    Accuracy(),
    RootMeanSquaredError(),
    MeanAbsoluteError(),
)

__all__ = [
    "BUILT_IN",
    "Metric",
    "RowMetric",
    "SmoothMetric",
    "bounded_losses",
    "default",
    "f1",
    "for_task",
    "get",
    "precision",
    "recall",
]


def get(name: str) -> Metric:
    """Return the built-in metric of that name; UsageError names the nearest one."""
    by_name = {metric.name: metric for metric in BUILT_IN}
    if name not in by_name:
        raise UsageError(
            f"There is no metric '{name}'{nearest(name, by_name)}", hint=f"choose one of {', '.join(by_name)}"
        )
    return by_name[name]


def for_task(task: Task) -> tuple[Metric, ...]:
    """Return the metrics that work with the task, its default first."""
    return tuple(metric for metric in BUILT_IN if task in metric.works_with)


def default(task: Task) -> Metric:
    """Return the metric that families compete by unless the project names another one."""
    return for_task(task)[0]


def bounded_losses(task: Task, labels: Labels, answers: Answers, scale: float) -> Losses:
    """Return one loss per row in [0, 1], comparable over time: Brier for classes, min(|error| / scale, 1) for numbers.

    `scale` is in the target's unit and fixed when a Version is made; classes ignore it.
    """
    if task != "regression":
        return Brier().losses(labels, answers)
    if not scale > 0.0:
        raise ValueError(f"the scale of a regression loss must be above 0, got {scale}")
    rows, values = align(labels, answers)
    return np.minimum(np.abs(values - rows) / scale, 1.0)
