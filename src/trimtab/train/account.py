"""The account of a Version: what was measured on rows that it had not seen, and under which settings.

account.json holds it, so that the card can be written from the files of a Version, and every number in it made again.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import numpy as np

from trimtab.errors import VersionError
from trimtab.metrics.compare import metric_interval
from trimtab.metrics.evaluation import (
    Evaluation,
    Later,
    Wrong,
    count_cost,
    decide,
    draw_calibration,
    measure,
    row_losses,
    tell_decisions,
)
from trimtab.metrics.figures import figure
from trimtab.metrics.importance import Importance, measure_importance
from trimtab.metrics.slices import find_slices, measure_slices
from trimtab.nouns import Contract, Interval, Project
from trimtab.nouns.project import CostSpec, SliceSpec, TrainSpec
from trimtab.train.choice import Choice
from trimtab.train.contest import Ground, open_recipe, prepare
from trimtab.train.families.base import Fitted
from trimtab.train.labels import order_classes
from trimtab.train.promise import part_columns

FORMAT = 1
STRETCHES = 6
LEAST_ROWS = 50
MISTAKES = 5


def take_account(
    frame: Any, contract: Contract, project: Project, choice: Choice, *, snapshot: str = ""
) -> dict[str, Any]:
    """Return account.json as plain values: the Evaluation, the rows it speaks of, and the settings behind it.

    `frame` are the labelled rows that were chosen on, `snapshot` names the Snapshot they come from. One more fit of the
    recipe on the train part tells the importance of columns and how the recipe ages. No chance, no clock.
    """
    events = frame.get_column("_event_at").drop_nulls()
    ends = [_moment(events.min()), _moment(events.max())] if len(events) else ["", ""]
    return {
        "format": FORMAT,
        "name": project.name,
        "question": project.question,
        "snapshot": {"fingerprint": snapshot, "rows": len(frame), "since": ends[0], "until": ends[1]},
        "contract": contract.id,
        "repeated": choice.repeated,
        "settings": _describe_settings(project),
        "evaluation": evaluate(frame, contract, project, choice).to_plain(),
    }


def evaluate(frame: Any, contract: Contract, project: Project, choice: Choice) -> Evaluation:
    """Return all that the test part says about a choice; `frame` are the rows that were chosen on."""
    ground = prepare(frame, contract, judged_by(project, choice))
    task, labels, answers = contract.target.task, ground.labels[choice.held], choice.held_answers
    seed, held = project.train.seed, frame[choice.held]
    name, losses = row_losses(task, labels, answers)
    decided = labels if task == "regression" else decide(task, answers, choice.threshold, choice.class_costs)
    classes = order_classes(contract.target)
    confusion, decisions = tell_decisions(labels, decided, len(classes)) if classes else ((), {})

    def measure_part(rows: np.ndarray) -> dict[str, Interval]:
        own = tell_decisions(labels[rows], decided[rows], len(classes))[1] if classes else {}
        plain = measure(task, labels[rows], answers[rows], seed=seed, reach=choice.interval_quantile)
        return {**plain, **own}

    partings = part_columns(held, contract, [column.name for column in contract.features])
    found = find_slices(partings, losses, measure_part, seed=seed)
    importance, later = _refit(ground, choice)
    return Evaluation(
        rows=len(labels),
        classes=classes,
        metrics=measure(task, labels, answers, seed=seed, reach=choice.interval_quantile),
        decisions=decisions,
        confusion=confusion,
        calibration=draw_calibration(labels, answers) if classes else (),
        cost=count_cost(labels, decided, _cost_table(project.cost, choice)) if classes else None,
        loss=name,
        slices=measure_slices(part_columns(held, contract, project.slices.by), losses, measure_part),
        worst=found.slices,
        candidates=found.candidates,
        importance=importance,
        aging=choice.metric if later else "",
        later=later,
        wrong=_tell_wrong(choice.held, contract, (labels, answers, decided, losses)),
    )


def judged_by(project: Project, choice: Choice) -> Project:
    """Return the project with the split that a choice was judged by: a repeated recipe keeps `[gates] holdout` back."""
    return replace(project, train=replace(project.train, test=project.gates.holdout)) if choice.repeated else project


def read_settings(plain: Mapping[str, Any], project: Project) -> Project:
    """Return the project with the settings of an account in place of its present ones.

    Raises VersionError where another trimtab wrote settings that this one does not know.
    """
    try:
        settings = plain["settings"]
        return replace(
            project,
            name=plain["name"],
            question=plain["question"],
            train=TrainSpec(**_freeze(settings["train"]), threads=project.train.threads),
            cost=CostSpec(**_freeze(settings["cost"])),
            slices=SliceSpec(**_freeze(settings["slices"])),
            gates=replace(project.gates, holdout=float(settings["holdout"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VersionError(f"account.json is not as this trimtab writes it: {error}", hint="train again") from error


def _describe_settings(project: Project) -> dict[str, Any]:
    # Threads and the budget of the search change nothing that is fitted by a recipe: they name no Version.
    train = {name: one for name, one in asdict(project.train).items() if name not in {"threads", "budget"}}
    parts = {"train": train, "cost": asdict(project.cost), "slices": asdict(project.slices)}
    plain: dict[str, Any] = _thaw({**parts, "holdout": project.gates.holdout})
    return plain


def _thaw(value: Any) -> Any:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, Mapping):
        return {name: _thaw(one) for name, one in value.items()}
    return [_thaw(one) for one in value] if isinstance(value, tuple) else value


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"seconds"}:
            return timedelta(seconds=value["seconds"])
        return {name: _freeze(one) for name, one in value.items()}
    return tuple(_freeze(one) for one in value) if isinstance(value, list) else value


def _cost_table(cost: CostSpec, choice: Choice) -> list[list[float]]:
    """Return what it costs to decide a class (second) for a row of a class (first); nothing where a target decides."""
    if choice.threshold is not None:
        return [] if cost.target else [[0.0, cost.false_positive], [cost.false_negative, 0.0]]
    width = len(choice.class_costs)
    return [[0.0 if one == other else choice.class_costs[one] for other in range(width)] for one in range(width)]


# --- one more fit: columns and age ------------------------------------------------------------------------------------


def _refit(ground: Ground, choice: Choice) -> tuple[tuple[Importance, ...], tuple[Later, ...]]:
    """Return importances and later stretches, both of the recipe as fitted on the train part."""
    family = open_recipe(choice.recipe, ground.project)
    encoder, matrix = ground.encode(family.form)
    fitted = ground.fit(family, choice.recipe["params"], ground.parts.train)
    task = ground.problem.task
    columns: dict[str, list[int]] = {}
    for slot, column in enumerate(one.column for one in encoder.blocks for _ in one.names):
        columns.setdefault(column, []).append(slot)
    importance = measure_importance(
        fitted.predict,
        lambda labels, answers: row_losses(task, labels, answers)[1],
        (matrix[choice.held], ground.labels[choice.held]),
        columns,
        seed=ground.project.train.seed,
    )
    return importance, _score_later(ground, fitted, matrix)


def _score_later(ground: Ground, fitted: Fitted, matrix: np.ndarray) -> tuple[Later, ...]:
    if ground.contract.row.order == "none":
        return ()
    parts, seed = ground.parts, ground.project.train.seed
    after = np.sort(np.concatenate([parts.validation, parts.calibration, parts.test]))
    after = after[after > parts.train.max()]
    many = min(STRETCHES, len(after) // LEAST_ROWS)
    base, found = _answer_base(ground), []
    for places in np.array_split(after, many) if many > 1 else ():
        labels = ground.labels[places]
        score = metric_interval(ground.metric, labels, fitted.predict(matrix[places]), seed)
        plain = metric_interval(ground.metric, labels, np.repeat(base, len(places), axis=0), seed)
        found.append(Later(_place(ground, places[0]), _place(ground, places[-1]), score, plain))
    return tuple(found)


def _answer_base(ground: Ground) -> np.ndarray:
    """Return what somebody answers who looks at no column, as one row of answers."""
    labels = ground.labels[ground.parts.train]
    if ground.problem.task != "multiclass":
        return np.array([labels.mean()])
    return np.bincount(labels, minlength=ground.problem.classes)[None, :] / len(labels)


def _place(ground: Ground, row: int) -> str:
    if ground.contract.row.order == "event_time":
        return _moment(ground.frame.get_column("_event_at")[int(row)])
    return f"row {row + 1:,}"


# --- concrete mistakes ------------------------------------------------------------------------------------------------


def _tell_wrong(held: np.ndarray, contract: Contract, judged: tuple[np.ndarray, ...]) -> tuple[Wrong, ...]:
    """Return the places of the rows that lost most, wrongly decided ones first."""
    labels, answers, decided, losses = judged
    order = np.lexsort(
        (np.arange(len(losses)), -losses, decided == labels if contract.target.task != "regression" else losses * 0)
    )
    classes, found = order_classes(contract.target), []
    for place in map(int, order[:MISTAKES]):
        if losses[place] <= 0.0 or (classes and decided[place] == labels[place]):
            continue
        said, true = _tell_answer(answers[place], decided[place], classes), _tell_label(labels[place], classes)
        found.append(Wrong(int(held[place]), said, true, float(losses[place])))
    return tuple(found)


def _tell_answer(answer: Any, decided: Any, classes: tuple[str, ...]) -> str:
    if not classes:
        return figure(float(answer))
    if np.ndim(answer):
        return f"{classes[int(decided)]} ({float(answer[int(decided)]):.3f})"
    return f"{classes[int(decided)]} (probability of {classes[1]} {float(answer):.3f})"


def _tell_label(label: Any, classes: tuple[str, ...]) -> str:
    return classes[int(label)] if classes else figure(float(label))


def _moment(value: Any) -> str:
    return "" if value is None else str(value.isoformat()).replace("+00:00", "Z")
