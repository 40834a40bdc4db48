from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from trimtab.errors import DataError, UsageError
from trimtab.metrics.compare import mean_interval
from trimtab.nouns import Column, Interval, Task
from trimtab.nouns.contract import Order
from trimtab.nouns.project import CostSpec
from trimtab.train.choose import Tried, _enter, _pick, _tell_weights, choose
from trimtab.train.contest import Runner, prepare
from trimtab.train.families.linear import Linear
from trimtab.train.search import Search
from trimtab.train.trials import Notebook


def relabel(world: Any, labels: Any) -> Any:
    return replace(world, frame=world.frame.with_columns(pl.Series("_label", labels)))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_choice_says_what_how_good_and_why(task: Task, make_world: Any) -> None:
    choice = make_world(task).choose()
    assert [tried.name for tried in choice.families] == ["baseline", "linear", "boosting", "ensemble", "forest"]
    assert choice.recipe["family"] == choice.chosen != "baseline"
    assert choice.warnings == ()
    assert any(reason.startswith(f"{choice.chosen} is chosen") for reason in choice.reasons)
    assert all(metric.rows == 90 and metric.low <= metric.value <= metric.high for metric in choice.metrics.values())
    assert 0 < choice.risk.low < choice.risk.value < choice.risk.high < 1
    assert (choice.threshold is None) == (task != "binary")


def test_the_same_rows_give_the_same_choice(make_world: Any) -> None:
    first, second = make_world().choose(), make_world().choose()
    assert first.recipe == second.recipe
    assert first.metrics == second.metrics
    assert first.reasons == second.reasons


def test_labels_by_chance_leave_the_baseline_with_a_warning(make_world: Any) -> None:
    world = make_world(rows=400)
    choice = relabel(world, np.random.default_rng(1).choice(["yes", "no"], 400)).choose()
    assert choice.chosen == "baseline"
    assert choice.warnings == ("no_better_than_baseline",)


def run(name: str, losses: Any) -> Any:
    """A family that finished the contest with these losses on the later parts."""
    rows = np.array(losses)
    tried = Tried(name, {}, {"log_loss": mean_interval(rows)}, 0.0)
    return Runner(tried, rows, rows, rows, rows, later=rows, score=mean_interval(rows))


@pytest.mark.parametrize(("lead", "winner"), [(0.05, "plain"), (0.2, "complex"), (-0.1, "plain")])
def test_a_more_complex_family_must_win_by_more_than_one_standard_error(
    lead: float, winner: str, make_world: Any
) -> None:
    """Over 100 rows whose difference has a standard deviation of 1, one standard error is 0.1."""
    wobble = np.tile([1.0, -1.0], 50) * np.sqrt(99 / 100)
    ground = prepare(*vars(make_world()).values())
    chosen, reasons = _pick([run("plain", 2.0 + lead + wobble), run("complex", np.full(100, 2.0))], ground)
    assert chosen.tried.name == winner
    assert reasons[-1].startswith(f"{winner} is chosen")
    assert ("one standard error is 0.100." in " ".join(reasons)) == (lead > 0)


def test_families_are_compared_on_all_rows_that_they_did_not_learn_from(make_world: Any) -> None:
    """What is best on the newest stretch alone is not chosen for it."""
    lately, steady = run("lately", np.full(100, 2.0)), run("steady", np.full(100, 1.0))
    newest = replace(lately.tried, metrics={"log_loss": Interval(0.1, 0.0, 0.2, 10)})
    chosen, reasons = _pick([replace(lately, tried=newest), steady], prepare(*vars(make_world()).values()))
    assert chosen.tried.name == "steady"
    assert "on all 100 rows later than those it learnt from" in reasons[0]
    runner = _enter(*_finish_linear(make_world()))
    assert isinstance(runner, Runner)
    assert len(runner.later) == runner.score.rows == 240
    assert runner.score.value == pytest.approx(runner.later.mean())


def _finish_linear(world: Any) -> Any:
    ground = prepare(world.frame, world.contract, world.project)
    return Search(ground, {"linear": Linear()}, Notebook(), print).run()[0], ground


def test_an_ensemble_says_what_it_is_made_of(make_world: Any) -> None:
    choice = make_world().with_train(families=("baseline", "linear", "boosting", "ensemble")).choose()
    parts = {one.name: one.params for one in choice.families}
    weights = parts["ensemble"]["weights"]
    assert (parts["ensemble"]["linear"], parts["ensemble"]["boosting"]) == (parts["linear"], parts["boosting"])
    assert sum(weights.values()) == pytest.approx(1.0)
    told = _tell_weights(Runner(choice.families[-1], *(np.empty(0),) * 4, family="ensemble", params=parts["ensemble"]))
    assert told[0].startswith(f"It adds up the raw scores of its parts, {weights['linear']:.3f} of linear and ")
    again = make_world().choose(recipe={"family": "ensemble", "params": parts["ensemble"]})
    assert again.recipe["params"] == parts["ensemble"]


def test_an_ensemble_without_one_of_its_parts_is_dropped_with_the_reason(make_world: Any) -> None:
    choice = make_world().with_train(families=("baseline", "linear", "ensemble")).choose()
    assert choice.families[-1].dropped == "it is made of linear and boosting, and there is no fit of boosting"


def test_a_recipe_is_repeated_without_a_search(make_world: Any) -> None:
    world = make_world()
    recipe = {"family": "boosting", "params": {"leaves": 7, "categories": "codes", "trees": 12}}
    choice = world.choose(recipe=recipe)
    assert choice.recipe == recipe
    assert [tried.name for tried in choice.families] == ["boosting"]
    assert "repeated" in choice.reasons[0]


def test_a_family_that_crashes_is_dropped_with_its_reason(make_world: Any) -> None:
    """Only one class in the oldest rows: a line has nothing to tell apart, the others can still answer."""
    labels = ["no"] * 300 + ["yes", "no"] * 100
    told: list[str] = []
    world = relabel(make_world(rows=500), labels)
    choice = choose(world.frame, world.contract, world.project, tell=told.append)
    dropped = {tried.name: tried.dropped for tried in choice.families}
    assert dropped["linear"] == "linear needs two classes in its training part"
    assert choice.chosen in {"baseline", "boosting"}
    assert any("linear: dropped" in line for line in told)


def test_no_family_left_is_an_error_with_every_reason(make_world: Any) -> None:
    world = relabel(make_world(rows=500), ["no"] * 300 + ["yes", "no"] * 100).with_train(families=("linear",))
    with pytest.raises(DataError, match=r"(?s)No family could be fitted.*linear: linear needs two classes"):
        world.choose()


def test_too_few_rows_say_how_many_there_are(make_world: Any) -> None:
    with pytest.raises(DataError, match=r"(?s)150 rows with a label in 'sold'; training needs 200.*min_rows"):
        make_world(rows=150).choose()


def test_a_rare_class_says_how_rare(make_world: Any) -> None:
    with pytest.raises(DataError, match="needs 10 rows; there are no: 391, yes: 9"):
        relabel(make_world(rows=400), ["yes"] * 9 + ["no"] * 391).choose()


def test_a_constant_number_is_not_learnt(make_world: Any) -> None:
    with pytest.raises(DataError, match=r"'price' has one value only, 3"):
        relabel(make_world("regression", rows=400), [3.0] * 400).choose()


def test_rows_without_a_label_are_refused(make_world: Any) -> None:
    with pytest.raises(DataError, match="2 rows with a label in 'sold' that is not one of yes, no"):
        relabel(make_world(rows=400), [None, "perhaps", *(["yes", "no"] * 199)]).choose()


def test_a_text_feature_stops_everything(make_world: Any) -> None:
    world = make_world()
    contract = replace(world.contract, columns=(*world.contract.columns, Column("note", "text")))
    with pytest.raises(DataError, match=r"columns\.note"):
        replace(world, contract=contract).choose()


@pytest.mark.parametrize(("name", "error"), [("estimator", UsageError), ("bosting", UsageError)])
def test_an_unknown_family_is_no_dropped_family(name: str, error: Any, make_world: Any) -> None:
    with pytest.raises(error):
        make_world().with_train(families=("baseline", name)).choose()


def test_missed_positives_that_cost_much_lower_the_threshold(make_world: Any) -> None:
    world = make_world()
    dear = replace(world, project=replace(world.project, cost=CostSpec(1.0, 20.0)))
    recipe = {"family": "linear", "params": {"C": 1.0}}
    assert dear.choose(recipe=recipe).threshold < world.choose(recipe=recipe).threshold


def test_the_metric_of_the_project_decides(make_world: Any) -> None:
    choice = make_world().with_train(metric="roc_auc").choose()
    assert choice.metric == "roc_auc"
    assert choice.metrics["roc_auc"].value > 0.8
    assert "best roc_auc" in choice.reasons[0]


def test_the_gap_is_the_time_a_label_takes(make_world: Any) -> None:
    world = make_world()
    target = replace(world.contract.target, matures_after=timedelta(hours=6))
    choice = replace(world, contract=replace(world.contract, target=target)).choose(
        recipe={"family": "baseline", "params": {}}
    )
    assert choice.rows["train"] < 360


@pytest.mark.parametrize("order", ["file", "none"])
def test_rows_without_a_time_are_carried_too(order: Order, make_world: Any) -> None:
    assert make_world(order=order).choose().chosen != "baseline"


def test_the_scale_of_a_regression_bounds_its_losses(make_world: Any) -> None:
    choice = make_world("regression").choose()
    assert choice.scale > choice.metrics["mae"].value
    assert isinstance(choice.risk, Interval)
