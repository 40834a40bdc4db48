"""What a number of the card means, in plain words and on these very rows."""

from collections.abc import Callable
from math import exp

from trimtab.metrics.evaluation import Evaluation
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Interval, Target
from trimtab.train.sheet import name


def explain_metric(metric: str, score: Interval, evaluation: Evaluation, target: Target, unit: str) -> str:
    """Return what a metric's value says about these rows; an empty text for a metric of a stranger's."""
    value = score.value
    mean = ": the mean over the classes" if target.task == "multiclass" else ""
    border = " where 0.5 is the border" if target.task == "binary" else ""
    told: dict[str, Callable[[], str]] = {
        "log_loss": lambda: f"a typical row was given a probability of {figure(exp(-value))} for what then happened",
        "brier": lambda: (
            "mean squared distance of the probabilities from what happened: 0 is perfect, "
            f"{figure(_brier_of_chance(len(evaluation.classes)))} is that of equal probabilities"
        ),
        "roc_auc": lambda: (
            f"of 100 pairs of one {_positive(target)} row and one other, "
            f"{_hundred(value)} stand in the right order{mean}"
        ),
        "average_precision": lambda: (
            "precision from the likeliest row down, averaged; by guessing it would be "
            f"{figure(100 * _share_of_class(evaluation))} of 100{mean}"
        ),
        "accuracy": lambda: f"of 100 rows, the likelier class is right for {_hundred(value)}{border}",
        "expected_calibration_error": lambda: (
            f"stated probabilities are {figure(100 * value)} percentage points from what happened, on average"
        ),
        "rmse": lambda: f"the typical size of an error, large ones counting more: {figure(value)}{unit}",
        "mae": lambda: f"an answer is off by {figure(value)}{unit} on average",
        "interval_coverage": lambda: f"of 100 intervals, {_hundred(value)} held the truth",
    }
    return told[metric]() if metric in told else ""


def explain_decision(figure_name: str, score: Interval, target: Target) -> str:
    """Return what accuracy, precision, recall or F1 of the decisions says about these rows."""
    value, positive = score.value, _positive(target)
    if figure_name == "accuracy":
        return f"of 100 decisions, {_hundred(value)} were right"
    if target.task == "multiclass":
        means = {
            "precision": f"of 100 rows that it gives a class, {_hundred(value)} have it: the mean over the classes",
            "recall": f"of 100 rows of a class, {_hundred(value)} are given it: the mean over the classes",
            "f1": "the harmonic mean of both, averaged over the classes",
        }
        return means[figure_name]
    means = {
        "precision": f"of 100 rows that it calls {positive}, {_hundred(value)} were",
        "recall": f"of 100 rows that were {positive}, it called {_hundred(value)} so",
        "f1": "the harmonic mean of precision and recall",
    }
    return means[figure_name]


def tell_confusion(evaluation: Evaluation) -> str:
    """Return the confusion matrix of two classes as a sentence."""
    (kept, alarms), (missed, caught) = evaluation.confusion
    positive = name(evaluation.classes[1])
    return (
        f"Of {count(evaluation.rows, 'row')} it called {alarms + caught:,} {positive}: {caught:,} rightly and "
        f"{alarms:,} wrongly. Of the {kept + missed:,} that it did not, {missed:,} were {positive} all the same."
    )


def _brier_of_chance(classes: int) -> float:
    """Return the Brier score, halved, of somebody who gives each class the same probability."""
    return (1.0 - 1.0 / classes) / 2.0


def _positive(target: Target) -> str:
    return name(target.positive) if target.task == "binary" else "class's"


def _share_of_class(evaluation: Evaluation) -> float:
    """Return the share of the positive rows; of several classes the mean share."""
    classes = len(evaluation.confusion)
    return sum(evaluation.confusion[1]) / max(evaluation.rows, 1) if classes == 2 else 1.0 / max(classes, 1)


def _hundred(share: float) -> str:
    """Return a share as a number of 100, with a decimal where it would otherwise look whole.

    >>> _hundred(0.43), _hundred(0.996), _hundred(1.0)
    ('43', '99.6', '100')
    """
    whole = 100.0 * share
    return f"{whole:.1f}" if 99.5 <= whole < 100 or 0 < whole < 0.5 else f"{whole:.0f}"
