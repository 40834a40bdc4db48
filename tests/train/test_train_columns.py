"""Columns that hold nothing, too much, or the answer; rows that belong together; costs that decide."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import ConfigError, DataError
from trimtab.nouns.contract import Order
from trimtab.nouns.project import CostSpec, TrainSpec
from trimtab.train.artefact import open_version
from trimtab.train.fit import fit
from trimtab.train.split import NAMES, cut_rows
from trimtab.train.threshold import choose_threshold, draw_costs, mistake_costs, weigh_classes

PLAIN: dict[str, Any] = {"family": "linear", "params": {"C": 1.0}}


def with_column(world: Any, name: str, values: Any) -> Any:
    return replace(world, frame=world.frame.with_columns(pl.Series(name, values, strict=False)))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_column_that_tells_the_answer_is_named_with_its_number(task: Any, make_world: Any) -> None:
    world = make_world(task)
    label = world.frame["_label"]
    told = label.rank("dense").cast(float) if task != "regression" else label * 2.0 + 1.0
    warnings = with_column(world, "size (cm)", told).choose(recipe=PLAIN).warnings
    (leak,) = (one for one in warnings if one.startswith("leak:"))
    name, score = leak.removeprefix("leak:").rsplit(":", 1)
    assert name == "size (cm)"
    assert 0.9 < float(score) <= 1.0
    assert not [one for one in world.choose(recipe=PLAIN).warnings if one.startswith("leak:")]


def test_empty_and_constant_columns_are_named(make_world: Any) -> None:
    world = with_column(make_world(), "size (cm)", pl.Series([None] * 600, dtype=pl.Float64))
    world = with_column(world, "rooms", [3] * 600)
    assert set(world.choose(recipe=PLAIN).warnings) >= {"empty:size (cm)", "constant:rooms"}


def test_infinite_numbers_are_refused_by_column_without_their_rows(make_world: Any) -> None:
    with pytest.raises(DataError, match=r"(?s)must be finite.*columns\.size \(cm\): 2 values"):
        with_column(make_world(), "size (cm)", [float("inf"), float("-inf"), *[1.0] * 598]).choose(recipe=PLAIN)


@settings(max_examples=40)
@given(data=st.data(), order=st.sampled_from(["event_time", "file", "none"]))
def test_rows_of_a_group_never_stand_in_two_parts(data: Any, order: Order) -> None:
    groups = np.array(data.draw(st.lists(st.integers(0, 30), min_size=120, max_size=300)))
    events = np.arange(len(groups)).astype("datetime64[h]").astype("datetime64[us]")
    try:
        parts = cut_rows(
            len(groups), TrainSpec(), order=order, seed=3, events=events, matures=timedelta(0), groups=groups
        )
    except DataError:
        return  # a few large groups can leave a part without rows
    held = [set(groups[getattr(parts, name)].tolist()) for name in NAMES]
    assert sum(map(len, held)) == len(set.union(*held))
    places = np.concatenate([getattr(parts, name) for name in NAMES])
    assert len(set(places.tolist())) == len(places)


def test_groups_that_follow_each_other_keep_all_rows_and_their_order() -> None:
    groups = np.repeat(np.arange(40), 10)
    parts = cut_rows(400, TrainSpec(), order="file", seed=1, matures=timedelta(0), groups=groups)
    assert sum(parts.sizes.values()) == 400
    assert parts.train.max() < parts.validation.min() <= parts.validation.max() < parts.test.min()
    assert parts.warnings == ()


def test_a_group_that_is_no_column_is_refused(make_world: Any) -> None:
    with pytest.raises(DataError, match=r"train\.groups\.customer: is no column"):
        make_world().with_train(groups=("customer",)).choose(recipe=PLAIN)


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.booleans(), st.integers(0, 1000).map(lambda one: one / 1000)), min_size=4, max_size=60
    ).filter(lambda rows: any(yes for yes, _ in rows)),
    share=st.floats(0.05, 1.0),
)
def test_a_target_recall_is_reached_by_the_highest_threshold_that_can(
    rows: list[tuple[bool, float]], share: float
) -> None:
    labels, answers = (np.array(one) for one in zip(*rows, strict=True))
    labels = labels.astype(int)
    found = choose_threshold(labels, answers, CostSpec(target={"recall": share}))
    assert (answers[labels == 1] >= found).mean() >= share
    higher = answers[answers >= found]
    if len(higher) and (answers > higher.min()).any():
        above = float(answers[answers > higher.min()].min())
        assert (answers[labels == 1] >= above).mean() < share or above <= found


def test_a_target_precision_is_reached_with_the_greatest_recall() -> None:
    labels, answers = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    assert 0.2 < choose_threshold(labels, answers, CostSpec(target={"precision": 0.75})) <= 0.3
    assert 0.4 < choose_threshold(labels, answers, CostSpec(target={"precision": 0.99})) <= 0.6


def test_the_cost_curve_is_per_thousand_rows() -> None:
    labels, answers, cost = np.array([0, 1, 1, 0]), np.array([0.2, 0.7, 0.4, 0.9]), CostSpec(1.0, 5.0)
    curve = draw_costs(labels, answers, cost)
    assert [curve[0].threshold, curve[-1].threshold, len(curve)] == [0.0, 1.0, 101]
    assert curve[50].cost == mistake_costs(labels, answers, np.array([0.5]), cost)[0] * 250


def test_a_dear_class_is_decided_for_earlier(make_world: Any, tmp_path: Any) -> None:
    """The answer of the least expected cost: at 30 %, a class that costs five times as much is the better bet."""
    world = make_world("multiclass")
    world = replace(world, project=replace(world.project, cost=CostSpec(by_class={"top": 5.0})))
    choice = world.choose(recipe=PLAIN)
    assert choice.class_costs == (1.0, 1.0, 5.0)
    fit(world.frame, world.contract, world.project, choice, tmp_path / "v")
    package = open_version(tmp_path / "v")
    assert package.decide([0.6, 0.2, 0.2]) == "top"
    assert package.compile_output()([0.7, 0.2, 0.1])["prediction"] == "low"


def test_costs_that_do_not_fit_the_target_are_told_at_once(make_world: Any) -> None:
    target = make_world("multiclass").contract.target
    with pytest.raises(ConfigError) as caught:
        weigh_classes(CostSpec(target={"recall": 0.9}, by_class={"tip": 2.0}), target)
    assert [mistake.where for mistake in caught.value.mistakes] == ["cost.by_class.tip", "cost.target"]
