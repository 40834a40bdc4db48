"""Which family and which settings: the simplest whose answers are within one standard error of the best ones.

Families are compared on all rows that they did not learn from, and measured on the newest of them, the test part.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from trimtab import clock, metrics
from trimtab.errors import DataError, Mistake
from trimtab.metrics.base import Metric
from trimtab.metrics.compare import mean_interval, paired_difference, standard_error
from trimtab.metrics.figures import count, figure, list_settings, spread
from trimtab.nouns import Contract, Interval, Project
from trimtab.train.calibrate import conformal_quantile
from trimtab.train.choice import Choice, Tried
from trimtab.train.columns import warn_of_columns, warn_of_leaks
from trimtab.train.contest import (
    Ground,
    Runner,
    best_of,
    compared_by,
    judge,
    measure_later,
    measure_on_test,
    open_family,
    open_recipe,
    prepare,
)
from trimtab.train.families.base import Family
from trimtab.train.families.ensemble import WEIGHTS
from trimtab.train.leakage import report_leakage
from trimtab.train.search import Finalist, Search, seconds_since
from trimtab.train.threshold import choose_threshold, draw_costs
from trimtab.train.trials import Ledger, Notebook

__all__ = ["Choice", "Ledger", "Tried", "choose"]

Tell = Callable[[str], None]


def choose(
    frame: Any,
    contract: Contract,
    project: Project,
    *,
    recipe: Mapping[str, Any] | None = None,
    ledger: Ledger | None = None,
    tell: Tell,
) -> Choice:
    """Return the best recipe for labelled clean rows in time order, and how good it is on rows it never saw.

    With a `recipe` only that family with those settings runs, on all rows but the test part, whose share is then
    `[gates] holdout`. The baseline always runs, to be compared with. `ledger` keeps the trials of the search. Raises
    DataError where the rows cannot carry a model: too few, one class, a text column as feature, every family failed.
    """
    spec = project.train if recipe is None else replace(project.train, test=project.gates.holdout)
    ground = prepare(frame, contract, replace(project, train=spec))
    if recipe is not None:
        runner = _repeat(recipe, ground)
        tell(_describe(runner, ground.metric))
        return replace(
            _conclude(runner, (_tell_repeat(runner, ground.metric),), (runner.tried,), ground), repeated=True
        )
    families = {name: open_family(name, project) for name in dict.fromkeys(project.train.families)}
    found: list[Runner | Tried] = []
    for finalist in Search(ground, families, ledger or Notebook(), tell).run():
        found.append(_enter(finalist, ground))
        tell(_describe(found[-1], ground.metric))
    runners = [one for one in found if isinstance(one, Runner)]
    if not runners:
        dropped = [Mistake(one.name, one.dropped) for one in found if isinstance(one, Tried)]
        raise DataError("No family could be fitted.", mistakes=dropped)
    chosen, reasons = _pick(runners, ground)
    reasons = (*reasons, *_tell_weights(chosen))
    tried = tuple(one.tried if isinstance(one, Runner) else one for one in found)
    leakage = None
    if chosen.family != "baseline":
        leakage = report_leakage(chosen, families[chosen.tried.name], ground)
    return replace(_conclude(chosen, reasons, tried, ground), leakage=leakage)


def _enter(finalist: Finalist, ground: Ground) -> "Runner | Tried":
    """Return a family's best trial judged on the later parts, or why it is dropped."""
    best = finalist.best
    if best is None:
        return Tried(finalist.name, {}, {}, finalist.seconds, finalist.reason, finalist.trials)
    tried = Tried(finalist.name, best.fitted, {}, finalist.seconds, trials=finalist.trials)
    try:
        fitted = finalist.fitted or ground.fit(finalist.family, best.fitted, ground.parts.train)
        return measure_later(judge(tried, finalist.family, fitted, ground), finalist.family, fitted, ground)
    except Exception as error:  # noqa: BLE001 - a family is a plug-in: whatever it raises drops it, with the reason
        return replace(tried, dropped=getattr(error, "message", f"{type(error).__name__}: {error}"))


def _repeat(recipe: Mapping[str, Any], ground: Ground) -> Runner:
    """Return a recipe judged without a search: calibrated as fitted before the calibration part, judged with it.

    It has nothing to stop or to choose, so what is judged learns from all rows but the test part; the map is that of
    a fit that had not seen the rows of its calibration.
    """
    start, family, params = clock.monotonic_ns(), open_recipe(recipe, ground.project), recipe["params"]
    parts = ground.parts
    before = np.sort(np.concatenate([parts.train, parts.validation]))
    runner = judge(Tried(_name(recipe), params, {}, 0.0), family, ground.fit(family, params, before), ground)
    fitted = ground.fit(family, params, np.sort(np.concatenate([before, parts.calibration])))
    found = measure_on_test(runner, family, fitted, ground)
    return replace(found, tried=replace(found.tried, seconds=seconds_since(start)))


def _name(recipe: Mapping[str, Any]) -> str:
    """Return what a project calls the family of a recipe: an estimator of its own by the dotted name."""
    return str(recipe["params"].get("build", recipe["family"]))


def _pick(runners: list[Runner], ground: Ground) -> tuple[Runner, tuple[str, ...]]:
    """Return the simplest runner within one standard error of the best, with the sentences that say why."""
    metric = ground.metric
    best = runners[best_of([runner.score.value for runner in runners], metric)]
    told = [_introduce(best, metric)]
    for runner in runners[: runners.index(best)]:
        lead, error = _lead(best.later, runner.later)
        told.append(_compare(best.tried.name, runner.tried.name, lead, error, compared_by(ground)))
        if lead.value <= error:
            return runner, (*told, f"{runner.tried.name} is chosen: the simplest within one standard error.")
    return best, (*told, f"{best.tried.name} is chosen.")


def _lead(best: np.ndarray, other: np.ndarray) -> tuple[Interval, float]:
    """Return how much more a row loses by the `other` answers than by the `best`, and the standard error of that."""
    return paired_difference(other, best), standard_error(other - best)


def _introduce(best: Runner, metric: Metric) -> str:
    told = f"{best.tried.name} has the best {metric.name} on all {count(best.score.rows, 'row')} later than those it "
    return f"{told}learnt from (validation, calibration and test): {spread(best.score)}."


def _compare(best: str, simpler: str, lead: Interval, error: float, metric: Metric) -> str:
    worse = "less" if metric.bigger_is_better else "more"
    return (
        f"{simpler}, which is simpler than {best}, has {spread(lead)} {worse} {metric.name.replace('_', ' ')} on the "
        f"same {count(lead.rows, 'row')}; one standard error is {figure(error)}."
    )


def _tell_repeat(runner: Runner, metric: Metric) -> str:
    score = runner.tried.metrics[metric.name]
    told = f"{metric.name} on the test part is {spread(score)}."
    return f"The recipe of {runner.tried.name} was repeated without a search; its {told}"


def _conclude(chosen: Runner, reasons: tuple[str, ...], families: tuple[Tried, ...], ground: Ground) -> Choice:
    task, project = ground.problem.task, ground.project
    truth, calm = ground.labels[ground.parts.test], ground.labels[ground.parts.calibration]
    scale = _scale(truth, chosen.answers) if task == "regression" else 1.0
    binary, ends = task == "binary", task == "regression" and len(calm) > 0
    return Choice(
        recipe={"family": chosen.family, "params": dict(chosen.params)},
        families=families,
        chosen=chosen.tried.name,
        reasons=(*reasons, *_tell_calibration(chosen)),
        metrics=chosen.tried.metrics,
        threshold=choose_threshold(calm, chosen.calm, project.cost) if binary else None,
        risk=mean_interval(metrics.bounded_losses(task, truth, chosen.answers, scale)),
        scale=scale,
        warnings=(*ground.parts.warnings, *_warn_of_columns(ground), *_warn_of_baseline(chosen, ground)),
        rows=ground.parts.sizes,
        metric=ground.metric.name,
        held=ground.parts.test,
        held_answers=chosen.answers,
        held_raw=chosen.raw,
        calibration={**chosen.calibration.to_plain(), **({"brier": chosen.brier} if chosen.brier else {})},
        cost_curve=draw_costs(calm, chosen.calm, project.cost) if binary else (),
        class_costs=ground.class_costs,
        interval_quantile=conformal_quantile(calm, chosen.calm, project.train.coverage) if ends else None,
        coverage=project.train.coverage,
    )


def _tell_weights(chosen: Runner) -> tuple[str, ...]:
    if chosen.family != "ensemble":
        return ()
    told = " and ".join(f"{figure(weight)} of {name}" for name, weight in chosen.params[WEIGHTS].items())
    return (f"It adds up the raw scores of its parts, {told}: of all tenths the best on validation and calibration.",)


def _tell_calibration(chosen: Runner) -> tuple[str, ...]:
    if not chosen.brier:
        return ()
    told = ", ".join(f"{kind} {figure(score)}" for kind, score in chosen.brier.items())
    refused = f" The {chosen.refused} map was refused: it made the test part's worse." if chosen.refused else ""
    return (f"Calibration is {chosen.calibration.kind}: held-out Brier score on the calibration part {told}.{refused}",)


def _warn_of_columns(ground: Ground) -> tuple[str, ...]:
    encoder, _ = ground.encode("codes")
    learnt, later = ground.rows("codes", ground.parts.train), ground.rows("codes", ground.parts.validation)
    leaks = warn_of_leaks(encoder, learnt, later, ground.problem.classes)
    return (*warn_of_columns(ground.frame, ground.contract), *leaks)


def _warn_of_baseline(chosen: Runner, ground: Ground) -> tuple[str, ...]:
    """Return the warning where the answers are not better than those of somebody who looks at no column."""
    if chosen.family != "baseline":
        family: Family = open_family("baseline", ground.project)
        known = np.sort(np.concatenate([ground.parts.train, ground.parts.validation, ground.parts.calibration]))
        plain = measure_on_test(
            Runner(Tried("baseline", {}, {}, 0.0), *(np.empty(0),) * 4), family, ground.fit(family, {}, known), ground
        )
        lead, error = _lead(chosen.losses, plain.losses)
        if lead.value > error:
            return ()
    return ("no_better_than_baseline",)


def _scale(labels: np.ndarray, answers: np.ndarray) -> float:
    """Return the error that counts as a whole loss: 1.5 times the 99th percentile of the errors on the test part."""
    errors = np.abs(answers - labels)
    return 1.5 * float(np.quantile(errors, 0.99)) or 1.0


def _describe(found: "Runner | Tried", metric: Metric) -> str:
    tried = found.tried if isinstance(found, Runner) else found
    if tried.dropped:
        return f"{tried.name}: dropped after {tried.seconds:.1f} s: {tried.dropped}"
    score = tried.metrics[metric.name]
    settings = list_settings(tried.params) or "no settings"
    effort = f"{count(tried.trials, 'trial')}, {tried.seconds:.1f} s"
    return f"{tried.name}: {metric.name} {spread(score)}, {settings}, {effort}"
