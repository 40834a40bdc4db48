"""What a Version promises of each declared slice: measured on the test part, kept in its files, found again in rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from trimtab.metrics import bounded_losses, default
from trimtab.metrics.compare import mean_interval
from trimtab.nouns import Task
from trimtab.nouns.project import SliceSpec
from trimtab.train.account import evaluate
from trimtab.train.artefact import open_version
from trimtab.train.fit import fit
from trimtab.train.labels import encode_labels
from trimtab.train.promise import bound_risk, locate, promise_slices, read_promises

MakeWorld = Callable[..., Any]
LINEAR = {"family": "linear", "params": {"C": 1.0}}
ALL = SliceSpec(("carrier", "size (cm)", "rooms", "new"), ("new", "asked", "day"))


def declare(world: Any, slices: SliceSpec = ALL) -> Any:
    return replace(world, project=replace(world.project, slices=slices))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_each_promise_is_the_mean_of_the_rows_that_it_speaks_of(task: Task, make_world: MakeWorld) -> None:
    """Values, ranges, times and what is missing: the rows found again are those that were measured."""
    world = declare(make_world(task, rows=1500))
    choice = world.choose(recipe=LINEAR)
    promises = promise_slices(world.frame, world.contract, world.project, choice)
    labels = encode_labels(world.frame["_label"], world.contract.target)[choice.held]
    losses = bounded_losses(task, labels, choice.held_answers, choice.scale)
    found = list(locate(promises, world.frame[choice.held], world.contract))
    assert [one for one, _ in found] == list(promises)
    assert {one.column for one in promises} == {*ALL.by, *ALL.protected}
    for promise, rows in found:
        assert promise.risk.rows == rows.sum() >= 30
        assert promise.risk.value == pytest.approx(losses[rows].mean())
        assert promise.risk.low < promise.risk.value < promise.risk.high
        assert promise.score.value == pytest.approx(default(task).score(labels[rows], choice.held_answers[rows]))


def test_slices_are_called_as_on_the_card(make_world: MakeWorld) -> None:
    world = declare(make_world("binary", rows=1500))
    choice = world.choose(recipe=LINEAR)
    told = evaluate(world.frame, world.contract, world.project, choice).slices
    names = {f"{column} {part}" for one in told for column, part in one.where.items()}
    promised = promise_slices(world.frame, world.contract, world.project, choice)
    assert {one.name for one in promised if one.column in ALL.by} == names


def test_a_version_keeps_its_promises(make_world: MakeWorld, tmp_path: Path) -> None:
    """Ranges without an end too, which JSON cannot spell."""
    world = declare(make_world("binary", rows=900))
    choice = world.choose(recipe=LINEAR)
    folder = tmp_path / "version"
    identifier = fit(world.frame, world.contract, world.project, choice, folder)
    promises = promise_slices(world.frame, world.contract, world.project, choice)
    assert open_version(folder, expect=identifier).slices == promises
    assert any(one.between and one.between[0] == -np.inf for one in promises)


def test_without_declared_slices_nothing_is_promised(make_version: Any) -> None:
    """The files, and so the id, are those that a trimtab without promises wrote."""
    folder = make_version("linear")[1]
    assert "slices" not in json.loads((folder / "metrics.json").read_text())
    assert open_version(folder).slices == read_promises(()) == ()


def test_of_many_values_the_commonest_are_promised_and_hidden_ones_never(make_world: MakeWorld) -> None:
    world = make_world("binary", rows=8000)
    place = np.minimum(np.random.default_rng(0).geometric(0.04, len(world.frame)), 90)
    frame = world.frame.with_columns(pl.Series("carrier", [f"c{one}" for one in place]))
    columns = tuple(replace(one, pii=one.name == "new") for one in world.contract.columns)
    contract = replace(world.contract, columns=columns)
    project = declare(world, SliceSpec(("carrier", "new", "unknown"))).project
    promises = promise_slices(frame, contract, project, world.choose(recipe=LINEAR))
    assert {one.column for one in promises} == {"carrier"}
    assert 5 < len(promises) <= 20
    assert "carrier c1" in {one.name for one in promises}


def test_a_small_slice_without_a_great_loss_does_not_promise_that_there_is_none() -> None:
    """Rare labels in 20 slices of 40 rows: all upper ends hold; those of Student alone break in most worlds."""
    chance, truth = np.random.default_rng(0), 0.05 * 0.95
    held = {"careful": 0, "plain": 0}
    for _ in range(200):
        losses = (0.05 - (chance.random((20, 40)) < 0.05)) ** 2
        held["careful"] += all(bound_risk(one, 20).high >= truth for one in losses)
        held["plain"] += all(mean_interval(one, 20).high >= truth for one in losses)
    assert held["careful"] >= 190
    assert held["plain"] < 20
