"""The search: within its budget, told to a ledger, resumed from it, and no slave of one stretch of time."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from trimtab.nouns import Interval
from trimtab.train import search as search_module
from trimtab.train.contest import open_family, prepare
from trimtab.train.families.bags import average_trees
from trimtab.train.families.base import Params, Problem, Span
from trimtab.train.families.boosting import DEFAULTS, Boosting, Trees
from trimtab.train.propose import Proposer
from trimtab.train.search import AGAIN, Search
from trimtab.train.trials import Notebook, Trial

FAST = ("baseline", "linear", "boosting")


def search(world: Any, book: Notebook, told: list[str] | None = None) -> Any:
    ground = prepare(world.frame, world.contract, world.project)
    families = {name: open_family(name, world.project) for name in world.project.train.families}
    return Search(ground, families, book, (told if told is not None else []).append).run()


def test_a_search_stays_in_its_budget_and_tells_every_trial(make_world: Any) -> None:
    world, book = make_world().with_train(families=FAST), Notebook()
    search(world, book)  # what is imported now is not imported on the budget
    world, book = world.with_train(budget=timedelta(seconds=2)), Notebook()
    start = time.monotonic()
    finalists = search(world, book)
    assert time.monotonic() - start < 4  # the last fit and the last comparison may still end
    assert [one.name for one in finalists] == list(FAST)
    assert sum(one.trials for one in finalists) == len(book.trials) >= len(FAST)
    assert book.finished
    assert all(trial.score for trial in book.trials if trial.state == "complete")


def test_a_search_that_is_over_is_not_repeated(make_world: Any) -> None:
    """The same rows and settings give the same choice, whatever the clock did."""
    world, book = make_world().with_train(budget=timedelta(seconds=2), families=FAST), Notebook()
    first = world.choose(ledger=book)
    kept = len(book.trials)
    book.trials[:] = [replace(trial, seconds=0.001) for trial in book.trials]  # as if there were time left
    again = world.choose(ledger=book)
    assert len(book.trials) == kept
    assert (again.recipe, again.metrics, again.threshold) == (first.recipe, first.metrics, first.threshold)


def test_a_search_that_was_cut_off_goes_on_where_it_stopped(make_world: Any) -> None:
    world = make_world().with_train(budget=timedelta(0), families=FAST)
    whole = Notebook()
    search(world, whole)
    book = Notebook(whole.trials[:4])
    search(world, book)
    assert [(one.family, one.params) for one in book.trials] == [(one.family, one.params) for one in whole.trials]


def test_what_an_ensemble_had_to_fit_again_is_not_fitted_once_more(make_world: Any) -> None:
    """Here the fits of its parts were lost with the process that made them."""
    world = make_world().with_train(budget=timedelta(0), families=FAST)
    whole = Notebook()
    search(world, whole)
    found = {one.name: one for one in search(world.with_train(families=(*FAST, "ensemble")), Notebook(whole.trials))}
    assert found["linear"].fitted is found["ensemble"].fitted.linear
    assert found["boosting"].fitted is found["ensemble"].fitted.boosting


def test_seconds_that_were_spent_before_count(make_world: Any) -> None:
    spent = Trial("baseline", {}, "complete", 100.0, Interval(0.7, 0.6, 0.8, 90), {})
    book = Notebook([spent])
    finalists = search(make_world().with_train(budget=timedelta(seconds=50), families=FAST), book)
    assert [one.reason for one in finalists if one.best is None] == [
        "the budget of 50 seconds was spent before its turn"
    ] * 2


def test_a_family_not_tried_yet_has_a_little_of_what_is_kept_back(make_world: Any) -> None:
    """A slow first family leaves a short budget to what follows a search; the simple ones still have their turn."""
    world, book = make_world().with_train(budget=timedelta(seconds=60), families=("linear",)), Notebook()
    ground = prepare(world.frame, world.contract, world.project)
    slow = Trial("boosting", {}, "complete", 50.0, Interval(0.7, 0.6, 0.8, 90), {})
    families = {name: open_family(name, world.project) for name in ("linear", "boosting")}
    search_ = Search(ground, families, Notebook([slow]), book.trials.append)
    assert search_._reserve() > search_.left()  # a third of the budget is kept back
    linear, _ = search_.run()
    assert linear.best is not None


def test_a_budget_of_nothing_tries_the_plain_settings_only(make_world: Any) -> None:
    book = Notebook()
    search(make_world().with_train(families=FAST), book)
    assert len(book.trials) == 1 + 4 + 6


def test_of_many_trials_the_one_that_holds_later_too_is_taken(make_world: Any) -> None:
    """A setting that shines on the validation part by chance alone loses against one that is good on both stretches."""
    world = make_world().with_train(families=("linear",))
    whole = Notebook()
    search(world, whole)
    lucky = Trial("linear", {"C": 1e-9}, "complete", 0.1, Interval(0.01, 0.0, 0.02, 90), {"C": 1e-9})
    book = Notebook([*whole.trials, lucky], finished=True)
    (finalist,) = search(world, book)
    assert finalist.best is not None
    assert finalist.best.params != lucky.params


def test_a_long_fit_stops_at_its_limit_and_can_be_repeated(make_world: Any) -> None:
    ground = prepare(*vars(make_world()).values())
    forest: Any = open_family("forest", ground.project)
    stopped = ground.fit(forest, {}, ground.parts.train, watch=lambda done, _score: done > 0.15)
    assert stopped.params["trees"] == 30
    again = ground.fit(forest, stopped.params, ground.parts.train)
    asked = ground.rows("codes", ground.parts.test)[0]
    assert stopped.predict(asked).tobytes() == again.predict(asked).tobytes()


def test_proposals_lie_in_the_space_and_bad_fits_are_given_up() -> None:
    proposer = Proposer({"a": Span(1, 9, whole=True), "b": ("x", "y")}, seed=1, bigger_is_better=False)
    proposer.remember({"a": 3, "b": "x", "other": 1}, 0.5)
    pruned = 0
    for turn in range(20):
        proposal = proposer.ask()
        assert 1 <= proposal.params["a"] <= 9
        assert proposal.params["b"] in {"x", "y"}
        try:
            for step in range(10):
                proposal.prune(float(step), 1.0 if turn < 12 else 2.0)
        except Exception as error:  # noqa: BLE001 - Optuna's own class is the search's affair
            pruned += type(error).__name__ == "TrialPruned"
            proposer.tell(proposal, None, pruned=True)
        else:
            proposer.tell(proposal, 1.0, pruned=False)
    assert pruned == 8


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3), ("regression", 0)])
def test_averaged_trees_answer_with_the_mean_of_the_raw_scores(task: Any, classes: int) -> None:
    chance = np.random.default_rng(0)
    X = chance.normal(size=(500, 5))
    X[chance.random(X.shape) < 0.05] = np.nan
    y: Any = np.digitize(np.nan_to_num(X[:, 0]), [0.0] if classes == 2 else [-0.5, 0.5]) if classes else X[:, 1] * 9
    params: Params = {"leaves": 5, "trees": 12, "row_share": 0.7, "column_share": 0.7}
    y = np.nan_to_num(y)

    def fit(seed: int, **more: Any) -> Trees:
        return Boosting().fit(X, y, problem=Problem(task, classes), params={**params, **more}, seed=seed, threads=1)

    single = [fit(7), fit(8), fit(9)]
    merged = fit(7, members=[params] * 3)
    assert merged.text == average_trees([one.text for one in single])
    mean = np.mean([one.booster.predict(X, 1) for one in single], axis=0)
    np.testing.assert_allclose(merged.booster.predict(X, 1), mean, rtol=1e-12, atol=1e-12)


def test_a_search_answers_with_the_average_of_its_best_settings(
    make_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever single setting was luckiest on the validation part: the average of several is what is packaged."""
    monkeypatch.setattr(search_module, "PATIENCE", 0)  # the plain settings are enough, and time is ample
    world, book = make_world().with_train(families=("boosting",), budget=timedelta(hours=1)), Notebook()
    (finalist,) = search(world, book)
    assert finalist.best is book.trials[-1]
    members = finalist.best.fitted["members"]
    assert 2 < len(members) <= AGAIN + 2
    assert dict(members[-1]) == DEFAULTS
    tried = [dict(trial.fitted) for trial in book.trials[:-1]]
    assert all(dict(member) in tried for member in members[:-1])


def test_more_rows_carry_more_trees() -> None:
    """A number of trees found on a quarter of the rows is doubled; on the same rows the fit is repeated as it was."""
    chance = np.random.default_rng(1)
    X = chance.normal(size=(800, 4))
    problem = Problem("regression", 0)
    params: Params = {"leaves": 4, "trees": 10, "rows": 200}
    few, many = (
        Boosting().fit(X[:rows], X[:rows, 0], problem=problem, params=params, seed=1, threads=1) for rows in (200, 800)
    )
    assert (few.text.count(b"\nTree="), many.text.count(b"\nTree=")) == (10, 20)
    assert many.params == params


def test_a_random_split_that_claims_more_than_time_tells_is_reported(make_world: Any) -> None:
    """Rows come in runs that share a label: whoever mixes them learns the runs by their hour of arrival."""
    world = make_world(rows=1200)
    runs = np.repeat(np.random.default_rng(3).choice(["yes", "no"], 120), 10)
    minute = pl.Series("size (cm)", np.arange(1200, dtype=float))
    world = replace(world, frame=world.frame.with_columns(pl.Series("_label", runs), minute))
    choice = world.with_train(families=("forest",)).choose()
    assert choice.leakage is not None
    assert choice.leakage.claimed.high < choice.leakage.true.low
