"""The ground on which families compete: the same rows, parts and metric for all, and how one of them is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trimtab import config, metrics, plugins
from trimtab.errors import DataError, Mistake, UsageError
from trimtab.metrics.base import Metric, SmoothMetric
from trimtab.metrics.compare import metric_interval
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, Interval, Project
from trimtab.train.blocks import Form
from trimtab.train.calibrate import Calibration, brier_losses, calibrate
from trimtab.train.choice import Tried
from trimtab.train.columns import refuse_infinite
from trimtab.train.encode import Encoder, check_features
from trimtab.train.families.base import Family, Fitted, Params, Problem, Rows
from trimtab.train.families.estimator import Estimator
from trimtab.train.labels import encode_labels, order_classes
from trimtab.train.split import Parts, cut_rows
from trimtab.train.threshold import weigh_classes

ROWS_OF_A_CLASS = 10


@dataclass(frozen=True, slots=True)
class Ground:
    """What every family competes on. `class_costs` are empty where all mistakes cost the same."""

    frame: Any
    labels: np.ndarray
    parts: Parts
    contract: Contract
    project: Project
    problem: Problem
    metric: Metric
    threads: int
    class_costs: tuple[float, ...] = ()
    _encoded: dict[Form, tuple[Encoder, np.ndarray]] = field(default_factory=dict, repr=False)

    def encode(self, form: Form) -> tuple[Encoder, np.ndarray]:
        """Return the encoder learnt on the train part, and the matrix of all rows; made once for each form."""
        if form == "both" and form not in self._encoded:
            (trees, codes), (line, numbers) = self.encode("codes"), self.encode("one_hot")
            self._encoded[form] = (trees.join(line), np.hstack((codes, numbers)))
        elif form not in self._encoded:
            encoder = Encoder.fit(self.contract, self.frame[self.parts.train], form=form)
            self._encoded[form] = (encoder, encoder.encode_frame(self.frame))
        return self._encoded[form]

    def rows(self, form: Form, places: np.ndarray) -> Rows:
        """Return the matrix and labels of some rows."""
        return self.encode(form)[1][places], self.labels[places]

    def fit(self, family: Family, params: Params, places: np.ndarray, **more: Any) -> Fitted:
        """Return the family fitted on some rows. Same arguments, same model."""
        matrix, labels = self.rows(family.form, places)
        problem, seed = self.problem_of(family), self.project.train.seed
        return family.fit(matrix, labels, problem=problem, params=params, seed=seed, threads=self.threads, **more)

    def problem_of(self, family: Family) -> Problem:
        """Return the problem as a family sees it, with the columns of its matrix that hold codes."""
        encoder = self.encode(family.form)[0]
        return replace(self.problem, categorical=encoder.categorical, codes=encoder.codes)

    def measure(self, labels: np.ndarray, answers: np.ndarray) -> dict[str, Interval]:
        """Return every metric of the task, the contest's first."""
        seed, task = self.project.train.seed, self.problem.task
        wanted = {one.name: one for one in (self.metric, *metrics.for_task(task))}
        return {name: metric_interval(one, labels, answers, seed) for name, one in wanted.items()}


@dataclass(frozen=True, slots=True)
class Runner:
    """A family that finished: its answers on the test part, raw and calibrated, its row losses there, and the map.

    `later` are its row losses, and `score` is the contest's metric, on all rows of the three later parts. `calm` are
    its calibrated answers on the calibration part, which it had not seen either; `family` and `params` are the recipe.
    """

    tried: Tried
    raw: np.ndarray
    answers: np.ndarray
    losses: np.ndarray
    calm: np.ndarray
    family: str = ""
    params: Params = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    brier: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    later: np.ndarray = field(default_factory=lambda: np.empty(0))
    score: Interval = field(default_factory=lambda: Interval(np.nan, np.nan, np.nan, 0))


def prepare(frame: Any, contract: Contract, project: Project) -> Ground:
    """Return the ground for labelled clean rows. Raises DataError where they cannot carry a model."""
    check_features(contract)
    target, spec = contract.target, project.train
    labels = encode_labels(frame.get_column("_label"), target)
    _check_rows(labels, contract, project)
    refuse_infinite(frame, contract)
    parts = cut_rows(
        len(labels),
        spec,
        order=contract.row.order,
        seed=spec.seed,
        events=frame.get_column("_event_at").to_numpy() if contract.row.order == "event_time" else None,
        matures=target.matures_after,
        groups=_find_groups(frame, spec.groups),
    )
    problem = Problem(target.task, len(order_classes(target)))
    metric = plugins.load("metrics", spec.metric)() if spec.metric else metrics.default(target.task)
    costs = weigh_classes(project.cost, target)
    return Ground(frame, labels, parts, contract, project, problem, metric, count_threads(project), costs)


def count_threads(project: Project) -> int:
    """Return the threads of a fit: the project's number, at most the machine's quota; 0 is the quota, if they are calm.

    OpenMP's threads wait by spinning. Beside a busy server two of them took up to twenty times as long as one; told
    to wait passively they did not. That must stand in the environment before their library is loaded, so it is only
    looked up here.
    """
    calm = config.environment("OMP_WAIT_POLICY").lower() == "passive"
    return min(config.cores(), project.train.threads or (config.cores() if calm else 1))


def open_family(name: str, project: Project) -> Family:
    """Return the family of that name; a dotted one is the project's own scikit-learn estimator.

    Raises UsageError for an unknown name.
    """
    if ":" in name:
        return Estimator(name, project.folder)
    if name == "estimator":
        raise UsageError(
            "[train] families: 'estimator' is a kind, not a family.", hint='name what makes yours: "mine.model:build"'
        )
    family: Family = plugins.load("families", name)()
    return family


def open_recipe(recipe: Mapping[str, Any], project: Project) -> Family:
    """Return the family of a recipe, which says itself what makes an estimator of the project's own."""
    dotted = recipe["params"].get("build", "") if recipe["family"] == "estimator" else ""
    return open_family(str(dotted or recipe["family"]), project)


def judge(tried: Tried, family: Family, fitted: Fitted, ground: Ground) -> Runner:
    """Return a fitted family calibrated on the calibration part and measured on the test part.

    A map that makes the later test part's Brier score worse does harm where time goes on: it is refused. Raises
    DataError where an answer is not finite.
    """
    part = ground.parts.calibration
    before = fitted.predict(ground.rows(family.form, part)[0])
    check_finite(before)
    calibration, brier = calibrate(
        ground.problem.task, ground.labels[part], before, ordered=ground.contract.row.order != "none"
    )
    bare = Runner(tried, *(np.empty(0),) * 3, calm=before, family=family.name, params=fitted.params, brier=brier)
    if calibration.kind != "identity":
        mapped = replace(bare, calm=calibration.apply(before), calibration=calibration)
        found = measure_on_test(mapped, family, fitted, ground)
        task, truth = ground.problem.task, ground.labels[ground.parts.test]
        if brier_losses(task, truth, found.answers).mean() <= brier_losses(task, truth, found.raw).mean():
            return found
        bare = replace(bare, refused=calibration.kind)
    return measure_on_test(bare, family, fitted, ground)


def measure_on_test(runner: Runner, family: Family, fitted: Fitted, ground: Ground) -> Runner:
    """Return the runner with what this fit, calibrated by the runner's map, answers on the test part."""
    test, truth = ground.rows(family.form, ground.parts.test)
    raw = fitted.predict(test)
    check_finite(raw)
    answers = runner.calibration.apply(raw)
    tried = replace(runner.tried, params=fitted.params, metrics=ground.measure(truth, answers))
    return replace(runner, tried=tried, raw=raw, answers=answers, losses=row_losses(ground, truth, answers))


def measure_later(runner: Runner, family: Family, fitted: Fitted, ground: Ground) -> Runner:
    """Return the runner with what it is compared by: its answers to all rows that this fit did not learn from.

    One stretch alone says more about that stretch than about the families.
    """
    parts = ground.parts
    first = runner.calibration.apply(fitted.predict(ground.rows(family.form, parts.validation)[0]))
    answers = np.concatenate([first, runner.calm, runner.answers])
    truth = ground.labels[np.concatenate([parts.validation, parts.calibration, parts.test])]
    score = metric_interval(ground.metric, truth, answers, ground.project.train.seed)
    return replace(runner, later=row_losses(ground, truth, answers), score=score)


def check_finite(answers: np.ndarray) -> None:
    """Raise DataError where an answer is no finite number."""
    if not np.isfinite(answers).all():
        raise DataError("it gave an answer that is not a finite number")


def row_losses(ground: Ground, labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return what each row adds to the metric that families are compared by, smaller is better.

    It is the project's metric where that can be split into rows, else the task's default.
    """
    metric = compared_by(ground)
    if not isinstance(metric, SmoothMetric):
        return np.zeros(len(labels))
    parts = np.nan_to_num(metric.parts(labels, answers))
    return -parts if metric.bigger_is_better else parts


def compared_by(ground: Ground) -> Metric:
    """Return the metric whose rows are compared."""
    smooth = isinstance(ground.metric, SmoothMetric)
    return ground.metric if smooth else metrics.default(ground.problem.task)


def best_of(scores: list[float], metric: Metric) -> int:
    """Return the place of the best score; the first, plainest candidate where none can be scored."""
    signed = [score if metric.bigger_is_better else -score for score in scores]
    return int(np.argmax(np.nan_to_num(np.array(signed), nan=-np.inf, posinf=-np.inf)))


def _find_groups(frame: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """Return one integer for each combination of values of the columns; None where none are declared."""
    if not names:
        return None
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            "[train] groups names columns that the clean rows do not have.",
            mistakes=[Mistake(f"train.groups.{name}", "is no column of the contract") for name in missing],
            hint='name columns of contract.toml; one that is no feature may have role = "ignore"',
        )
    codes = np.zeros(len(frame), dtype=np.int64)
    for name in names:
        column = frame.get_column(name).rank("dense").fill_null(0).to_numpy().astype(np.int64)
        _, codes = np.unique(codes * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    return codes


def _check_rows(labels: np.ndarray, contract: Contract, project: Project) -> None:
    least, target = project.train.min_rows, contract.target
    if len(labels) < least:
        raise DataError(
            f"{count(len(labels), 'row')} with a label in '{target.column}'; training needs {least:,}.",
            hint="ingest more labelled rows, or lower [train] min_rows in trimtab.toml",
        )
    if target.task == "regression":
        if labels.min() == labels.max():
            raise DataError(f"'{target.column}' has one value only, {labels[0]:g}: there is nothing to learn.")
        return
    counts = dict(zip(order_classes(target), np.bincount(labels, minlength=len(target.classes)).tolist(), strict=True))
    if min(counts.values()) < ROWS_OF_A_CLASS:
        told = ", ".join(f"{name}: {rows:,}" for name, rows in counts.items())
        raise DataError(
            f"Each class of '{target.column}' needs {ROWS_OF_A_CLASS} rows; there are {told}.",
            hint="ingest more rows of the rare class, or take it out of [target] classes in contract.toml",
        )
