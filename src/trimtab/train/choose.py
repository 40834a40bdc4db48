"""Which family and which settings: the simplest whose answers are within one standard error of the best ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trimtab import clock, config, metrics, plugins
from trimtab.errors import DataError, Mistake, NotBuiltYet, TrimtabError
from trimtab.metrics.base import Metric, RowMetric
from trimtab.metrics.compare import mean_interval, metric_interval, paired_difference, standard_error
from trimtab.metrics.figures import count, figure, spread
from trimtab.nouns import Contract, Interval, Project
from trimtab.train.encode import Encoder, check_features
from trimtab.train.families.base import Family, Params, Problem, Rows
from trimtab.train.labels import encode_labels, order_classes
from trimtab.train.split import Parts, cut_rows
from trimtab.train.threshold import choose_threshold

ROWS_OF_A_CLASS = 10
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """One family in the contest: its best settings, its metrics on the test part, or why it was dropped."""

    name: str
    params: Params
    metrics: Mapping[str, Interval]
    seconds: float
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and on which evidence; `recipe` (family and params) makes the fit repeatable.

    `metrics` and `risk` (mean bounded loss) are measured on the test part; `scale` turns an absolute error of a
    regression into a bounded loss. `rows` are the sizes of the parts. `held` are the places of the test part's rows in
    the frame and `held_answers` what the judged fit, which has not seen them, answers there.
    """

    recipe: Mapping[str, Any]
    families: tuple[Tried, ...]
    chosen: str
    reasons: tuple[str, ...]
    metrics: Mapping[str, Interval]
    threshold: float | None
    risk: Interval
    scale: float
    warnings: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""
    held: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False, compare=False)
    held_answers: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every family competes on."""

    frame: Any
    labels: np.ndarray
    parts: Parts
    contract: Contract
    project: Project
    problem: Problem
    metric: Metric
    threads: int


@dataclass(frozen=True, slots=True)
class _Runner:
    """A family that finished, with its answers and its row losses on the test part."""

    tried: Tried
    test: np.ndarray
    calibration: np.ndarray
    losses: np.ndarray


def choose(
    frame: Any, contract: Contract, project: Project, *, recipe: Mapping[str, Any] | None = None, tell: Tell
) -> Choice:
    """Return the best recipe for labelled clean rows in time order, and how good it is on rows it never saw.

    With a `recipe` only that family with those settings runs, on all rows but the test part, whose share is then
    `[gates] holdout` and which also sets the threshold. The baseline always runs, to be compared with. Raises DataError
    where the rows cannot carry a model: too few, one class, a text column as feature, every family failed.
    """
    spec = project.train if recipe is None else replace(project.train, test=project.gates.holdout)
    ground = _prepare(frame, contract, replace(project, train=spec))
    names = (str(recipe["family"]),) if recipe else project.train.families
    found: list[_Runner | Tried] = []
    for name in dict.fromkeys(names):
        found.append(_run_family(name, ground, recipe["params"] if recipe else None))
        tell(_describe(found[-1], ground.metric))
    runners = [one for one in found if isinstance(one, _Runner)]
    if not runners:
        dropped = [Mistake(one.name, one.dropped) for one in found if isinstance(one, Tried)]
        raise DataError("No family could be fitted.", mistakes=dropped)
    chosen, reasons = _pick(runners, ground) if recipe is None else (runners[0], (_repeat(runners[0], ground.metric),))
    families = tuple(one.tried if isinstance(one, _Runner) else one for one in found)
    return _conclude(chosen, reasons, families, ground)


def _prepare(frame: Any, contract: Contract, project: Project) -> _Ground:
    check_features(contract)
    target, spec = contract.target, project.train
    labels = encode_labels(frame.get_column("_label"), target)
    _check_rows(labels, contract, project)
    parts = cut_rows(
        len(labels),
        spec,
        order=contract.row.order,
        seed=spec.seed,
        events=frame.get_column("_event_at").to_numpy() if contract.row.order == "event_time" else None,
        matures=target.matures_after,
    )
    problem = Problem(target.task, len(order_classes(target)))
    metric = plugins.load("metrics", spec.metric)() if spec.metric else metrics.default(target.task)
    return _Ground(frame, labels, parts, contract, project, problem, metric, count_threads(project))


def count_threads(project: Project) -> int:
    """Return the threads of a fit: the project's number, at most the machine's quota; 0 is the quota, if they are calm.

    OpenMP's threads wait by spinning. Beside a busy server two of them took up to twenty times as long as one; told
    to wait passively they did not. That must stand in the environment before their library is loaded, so it is only
    looked up here.
    """
    calm = config.environment("OMP_WAIT_POLICY").lower() == "passive"
    return min(config.cores(), project.train.threads or (config.cores() if calm else 1))


def _check_rows(labels: np.ndarray, contract: Contract, project: Project) -> None:
    least, target = project.train.min_rows, contract.target
    if len(labels) < least:
        raise DataError(
            f"{len(labels)} rows have a label in '{target.column}'; training needs {least}.",
            hint="ingest more labelled rows, or lower [train] min_rows in trimtab.toml",
        )
    if target.task == "regression":
        if labels.min() == labels.max():
            raise DataError(f"'{target.column}' has one value only, {labels[0]:g}: there is nothing to learn.")
        return
    counts = dict(zip(order_classes(target), np.bincount(labels, minlength=len(target.classes)).tolist(), strict=True))
    if min(counts.values()) < ROWS_OF_A_CLASS:
        told = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise DataError(
            f"Each class of '{target.column}' needs {ROWS_OF_A_CLASS} rows; there are {told}.",
            hint="ingest more rows of the rare class, or take it out of [target] classes in contract.toml",
        )


def open_family(name: str) -> Family:
    """Return the family of that name. A dotted name could not be opened again from a Version, so it is refused."""
    if ":" in name:
        raise NotBuiltYet(
            f"The family '{name}' is named by its place in code, which is not built yet.",
            hint="offer it as an entry point of the group trimtab.families, and write its name",
        )
    family: Family = plugins.load("families", name)()
    return family


def _run_family(name: str, ground: _Ground, params: Params | None) -> "_Runner | Tried":
    family, start = open_family(name), clock.monotonic_ns()
    try:
        runner = _compete(family, ground, params)
    except Exception as error:  # noqa: BLE001 - a family is a plug-in: whatever it raises drops it, with the reason
        return Tried(name, params or {}, {}, _seconds_since(start), _say(error))
    return replace(runner, tried=replace(runner.tried, seconds=_seconds_since(start)))


def _say(error: Exception) -> str:
    return error.message if isinstance(error, TrimtabError) else f"{type(error).__name__}: {error}"


def _compete(family: Family, ground: _Ground, params: Params | None) -> _Runner:
    """Return a family's best candidate, chosen on the validation part, with its answers on the later parts."""
    parts, labels = ground.parts, ground.labels
    encoder = Encoder.fit(ground.contract, ground.frame[parts.train], form=family.form)
    matrix = encoder.encode_frame(ground.frame)
    problem = replace(ground.problem, categorical=encoder.categorical)
    later: Rows = (matrix[parts.validation], labels[parts.validation])
    settings = (params,) if params is not None else family.candidates(problem, len(parts.train))
    # A recipe that is repeated has nothing to stop or to choose, so it learns from all rows but those that judge it.
    learnt = (
        parts.train if params is None else np.sort(np.concatenate([parts.train, parts.validation, parts.calibration]))
    )
    fits = [
        family.fit(
            matrix[learnt],
            labels[learnt],
            problem=problem,
            params=one,
            seed=ground.project.train.seed,
            threads=ground.threads,
            valid=later if params is None else None,
        )
        for one in settings
    ]
    best = fits[_best_of([ground.metric.score(later[1], fit.predict(later[0])) for fit in fits], ground.metric)]
    test = best.predict(matrix[parts.test])
    calibration = best.predict(matrix[parts.calibration]) if params is None else test
    if not (np.isfinite(test).all() and np.isfinite(calibration).all()):
        raise DataError("it gave an answer that is not a finite number")
    truth = labels[parts.test]
    measured = {ground.metric.name: metric_interval(ground.metric, truth, test, ground.project.train.seed)}
    return _Runner(Tried(family.name, best.params, measured, 0.0), test, calibration, _row_losses(ground, truth, test))


def _best_of(scores: list[float], metric: Metric) -> int:
    """Return the place of the best score; the first, plainest candidate where none can be scored."""
    signed = [score if metric.bigger_is_better else -score for score in scores]
    return int(np.argmax(np.nan_to_num(np.array(signed), nan=-np.inf, posinf=-np.inf)))


def _row_losses(ground: _Ground, labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return the losses that families are compared by: the metric's own where it has them, else the task's."""
    if isinstance(ground.metric, RowMetric):
        return ground.metric.losses(labels, answers)
    if ground.problem.task == "regression":
        squares: np.ndarray = np.square(answers - labels)
        return squares
    default = metrics.default(ground.problem.task)
    return default.losses(labels, answers) if isinstance(default, RowMetric) else np.zeros(len(labels))


def _pick(runners: list[_Runner], ground: _Ground) -> tuple[_Runner, tuple[str, ...]]:
    """Return the simplest runner within one standard error of the best, with the sentences that say why."""
    metric = ground.metric
    best = runners[_best_of([runner.tried.metrics[metric.name].value for runner in runners], metric)]
    told = [_introduce(best, metric)]
    for runner in runners[: runners.index(best)]:
        lead, error = _lead(best, runner)
        told.append(_compare(best.tried.name, runner.tried.name, lead, error, _loss_name(ground).replace("_", " ")))
        if lead.value <= error:
            return runner, (*told, f"{runner.tried.name} is chosen: the simplest within one standard error.")
    return best, (*told, f"{best.tried.name} is chosen.")


def _lead(best: _Runner, other: _Runner) -> tuple[Interval, float]:
    """Return how much more a row of `other` loses than one of `best`, and the standard error of that."""
    return paired_difference(other.losses, best.losses), standard_error(other.losses - best.losses)


def _introduce(best: _Runner, metric: Metric) -> str:
    score = best.tried.metrics[metric.name]
    return f"{best.tried.name} has the best {metric.name} on the test part: {spread(score)}."


def _compare(best: str, simpler: str, lead: Interval, error: float, loss: str) -> str:
    return (
        f"A row of {simpler}, which is simpler than {best}, has {spread(lead)} more {loss} "
        f"over {count(lead.rows, 'row')}; one standard error is {figure(error)}."
    )


def _repeat(runner: _Runner, metric: Metric) -> str:
    score = runner.tried.metrics[metric.name]
    told = f"{metric.name} on the test part is {spread(score)}."
    return f"The recipe of {runner.tried.name} was repeated without a search; its {told}"


def _loss_name(ground: _Ground) -> str:
    if isinstance(ground.metric, RowMetric):
        return ground.metric.name
    return "squared error" if ground.problem.task == "regression" else metrics.default(ground.problem.task).name


def _conclude(chosen: _Runner, reasons: tuple[str, ...], families: tuple[Tried, ...], ground: _Ground) -> Choice:
    truth, seed, task = ground.labels[ground.parts.test], ground.project.train.seed, ground.problem.task
    scale = _scale(truth, chosen.test) if task == "regression" else 1.0
    threshold = None
    if task == "binary":
        part = ground.parts.calibration if chosen.calibration is not chosen.test else ground.parts.test
        threshold = choose_threshold(ground.labels[part], chosen.calibration, ground.project.cost)
    measured = {
        one.name: metric_interval(one, truth, chosen.test, seed) for one in (ground.metric, *metrics.for_task(task))
    }
    return Choice(
        recipe={"family": chosen.tried.name, "params": dict(chosen.tried.params)},
        families=families,
        chosen=chosen.tried.name,
        reasons=reasons,
        metrics=measured,
        threshold=threshold,
        risk=mean_interval(metrics.bounded_losses(task, truth, chosen.test, scale)),
        scale=scale,
        warnings=(*ground.parts.warnings, *_warn_of_baseline(chosen, ground)),
        rows=ground.parts.sizes,
        metric=ground.metric.name,
        held=ground.parts.test,
        held_answers=chosen.test,
    )


def _warn_of_baseline(chosen: _Runner, ground: _Ground) -> tuple[str, ...]:
    """Return the warning where the answers are not better than those of somebody who looks at no column."""
    plain = chosen if chosen.tried.name == "baseline" else _compete(open_family("baseline"), ground, {})
    lead, error = _lead(chosen, plain)
    return ("no_better_than_baseline",) if lead.value <= error else ()


def _scale(labels: np.ndarray, answers: np.ndarray) -> float:
    """Return the error that counts as a whole loss: 1.5 times the 99th percentile of the errors on the test part."""
    errors = np.abs(answers - labels)
    return 1.5 * float(np.quantile(errors, 0.99)) or 1.0


def _describe(found: "_Runner | Tried", metric: Metric) -> str:
    tried = found.tried if isinstance(found, _Runner) else found
    if tried.dropped:
        return f"{tried.name}: dropped after {tried.seconds:.1f} s: {tried.dropped}"
    score = tried.metrics[metric.name]
    settings = ", ".join(f"{name} {value}" for name, value in tried.params.items()) or "no settings"
    return f"{tried.name}: {metric.name} {spread(score)}, {settings}, {tried.seconds:.1f} s"


def _seconds_since(start: int) -> float:
    return (clock.monotonic_ns() - start) / 1e9
