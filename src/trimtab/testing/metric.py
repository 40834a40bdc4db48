"""Whether a Metric keeps what the role asks: a number with one direction, the same for the same rows.

The rules, by the name of their judgement:

    describes    it has a name of lower-case letters, a direction, and tasks that it works with
    scores       good answers give a finite number, and the same number again; the rows given are left as they were
    direction    better answers score better, and perfect ones best of all
    order        the order of the rows does not count
    undefined    no rows give NaN, without an error or a warning
    parts        what each row moves, where the metric says so, is finite and has the score as its mean
    losses       the loss of each row, where it says so, is smaller for a better answer
"""

import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import get_args

import numpy as np

from trimtab.metrics.base import Answers, Labels, Metric, RowMetric, SmoothMetric
from trimtab.nouns import Judgement, Task
from trimtab.nouns.verdict import State

ROWS = 400
CLASSES = 3
Reasons = Iterator[str]


def check_metric(metric: Metric) -> tuple[Judgement, ...]:
    """Return a Judgement for each rule and each task that the metric works with; `require` makes a test of them."""
    found = [_judge("describes", partial(_check_words, metric))]
    tasks = [task for task in get_args(Task) if task in getattr(metric, "works_with", ())]
    for task in tasks:
        found += [_judge(f"{name}:{task}", partial(rule, metric, task)) for name, rule in _RULES]
    return tuple(found)


def _judge(name: str, rule: Callable[[], Iterable[str]]) -> Judgement:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            against = tuple(rule())
    except Exception as error:  # noqa: BLE001 - whatever a stranger's metric raises is its judgement
        against = (f"raised {type(error).__name__}: {error}",)
    return Judgement(name, State.FAIL if against else State.PASS, against or ("kept",))


def _check_words(metric: Metric) -> Reasons:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", str(getattr(metric, "name", ""))):
        yield "name must be lower-case letters, digits and underscores"
    if not isinstance(getattr(metric, "bigger_is_better", None), bool):
        yield "bigger_is_better must be True or False"
    works: frozenset[Task] = getattr(metric, "works_with", frozenset())
    if not works or not set(works) <= set(get_args(Task)):
        yield f"works_with must hold some of {', '.join(get_args(Task))}"


def _draw(task: Task, skill: float) -> tuple[Labels, Answers]:
    """Return labels, and answers that are the nearer to them the higher the skill, from 0 to 1."""
    chance = np.random.default_rng(17)
    if task == "regression":
        labels = chance.normal(10.0, 4.0, ROWS)
        return labels, labels + (1.0 - skill) * chance.normal(0.0, 4.0, ROWS)
    classes = 2 if task == "binary" else CLASSES
    truth = chance.integers(0, classes, ROWS)
    # As sure when it guesses as when it knows: the less it knows, the less its probabilities are true, too.
    said = np.where(chance.random(ROWS) < skill, truth, chance.integers(0, classes, ROWS))
    doubt = chance.uniform(0.05, 0.2, ROWS)[:, None] if skill < 1.0 else 0.0
    answers = (1.0 - doubt) * np.eye(classes)[said] + doubt / classes
    return truth, answers[:, 1] if task == "binary" else answers


def _check_scores(metric: Metric, task: Task) -> Reasons:
    labels, answers = _draw(task, 0.5)
    kept = labels.copy(), answers.copy()
    first, second = metric.score(labels, answers), metric.score(labels, answers)
    if not math.isfinite(first):
        yield f"good answers scored {first}"
    if first != second:
        yield "the same rows scored differently the second time"
    if not (np.array_equal(kept[0], labels) and np.array_equal(kept[1], answers)):
        yield "it changed the rows that it was given"


def _check_direction(metric: Metric, task: Task) -> Reasons:
    scores = [metric.score(*_draw(task, skill)) for skill in (0.1, 0.6, 1.0)]
    signed = [score if metric.bigger_is_better else -score for score in scores]
    if not signed[0] < signed[1] <= signed[2]:
        yield f"poor, good and perfect answers scored {', '.join(f'{score:.4g}' for score in scores)}"


def _check_order(metric: Metric, task: Task) -> Reasons:
    labels, answers = _draw(task, 0.5)
    mixed = np.random.default_rng(5).permutation(ROWS)
    plain, turned = metric.score(labels, answers), metric.score(labels[mixed], answers[mixed])
    if not math.isclose(plain, turned, rel_tol=1e-9, abs_tol=1e-12):
        yield f"the same rows in another order scored {turned:.6g} after {plain:.6g}"


def _check_undefined(metric: Metric, task: Task) -> Reasons:
    labels, answers = _draw(task, 0.5)
    found = metric.score(labels[:0], answers[:0])
    if not math.isnan(found):
        yield f"no rows scored {found}"


def _check_parts(metric: Metric, task: Task) -> Reasons:
    if not isinstance(metric, SmoothMetric):
        return
    labels, answers = _draw(task, 0.5)
    parts = np.asarray(metric.parts(labels, answers))
    if parts.shape != (ROWS,) or not np.isfinite(parts).all():
        yield f"parts must be one finite number a row, not shape {parts.shape}"
    elif not math.isclose(parts.mean(), metric.score(labels, answers), rel_tol=1e-9, abs_tol=1e-12):
        yield "the parts' mean is not the score"


def _check_losses(metric: Metric, task: Task) -> Reasons:
    if not isinstance(metric, RowMetric):
        return
    poor, perfect = (metric.losses(*_draw(task, skill)) for skill in (0.1, 1.0))
    if not np.mean(perfect) < np.mean(poor):
        yield "a perfect answer does not lose less than a poor one"


_RULES: tuple[tuple[str, Callable[[Metric, Task], Reasons]], ...] = (
    ("scores", _check_scores),
    ("direction", _check_direction),
    ("order", _check_order),
    ("undefined", _check_undefined),
    ("parts", _check_parts),
    ("losses", _check_losses),
)
