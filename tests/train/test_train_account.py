"""The account and the card: what they say is what the files say, for every task, whatever the user's text holds."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from trimtab.errors import VersionError
from trimtab.metrics.figures import spread
from trimtab.nouns import Task
from trimtab.nouns.project import CostSpec, SliceSpec
from trimtab.train.account import evaluate, judged_by, read_settings, take_account
from trimtab.train.card import read_facts, render_card
from trimtab.train.card_mistakes import tell_mistakes
from trimtab.train.fit import describe
from trimtab.train.sheet import Table

NAUGHTY = "Is it <script>alert(1)</script> [x](javascript:1) | `` `a` \n# late?\x00"


def tell(world: Any, recipe: dict[str, Any] | None = None) -> tuple[Any, dict[str, str]]:
    choice = world.choose(recipe=recipe)
    return choice, describe(choice, world.contract, world.project, world.frame, snapshot="abc123")


@pytest.fixture
def texts(make_world: Callable[..., Any]) -> dict[str, str]:
    world = make_world("binary").with_train(families=("baseline", "linear"))
    slices, cost = SliceSpec(("new",)), CostSpec(1.0, 4.0)
    return tell(replace(world, project=replace(world.project, slices=slices, cost=cost)))[1]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_has_a_whole_card(task: Task, make_world: Callable[..., Any]) -> None:
    choice, texts = tell(make_world(task), {"family": "linear", "params": {"C": 1.0}})
    facts = read_facts(texts)
    card = texts["card.md"]
    for section in (
        "What it learnt from",
        "How good it is",
        "Which columns it relies on",
        "When it goes stale",
        "Limits",
    ):
        assert f"## {section}" in card
    for name, one in facts.evaluation.metrics.items():
        assert f"| {name} | {spread(one)} |" in card
    assert facts.evaluation.rows == len(choice.held)
    assert "snapshot" in card.lower()
    assert "`abc123`" in card


def test_the_account_measures_what_was_chosen_on(make_world: Callable[..., Any]) -> None:
    world = make_world("binary")
    choice = world.choose(recipe={"family": "linear", "params": {"C": 1.0}})
    found = evaluate(world.frame, world.contract, world.project, choice)
    truth = (world.frame["_label"] == "yes").to_numpy()[choice.held]
    (kept, alarms), (missed, caught) = found.confusion
    decided = choice.held_answers >= choice.threshold
    assert (caught, alarms) == (int((decided & truth).sum()), int((decided & ~truth).sum()))
    assert kept + alarms + missed + caught == len(truth)
    assert found.metrics["log_loss"] == choice.metrics["log_loss"]
    assert found.importance[0].column in {"size (cm)", "carrier"}


def test_mistakes_are_wrong_rows_the_surest_first(texts: dict[str, str]) -> None:
    wrong = read_facts(texts).evaluation.wrong
    assert len(wrong) == 5
    assert all(one.said.split(" ")[0] != one.true for one in wrong)
    losses = [one.loss for one in wrong]
    assert losses == sorted(losses, reverse=True)


def test_what_a_mistake_holds_is_shown_from_the_rows_and_kept_in_no_file(
    texts: dict[str, str], make_world: Callable[..., Any]
) -> None:
    frame = make_world("binary").frame
    first = read_facts(texts).evaluation.wrong[0]
    held = frame.row(first.row, named=True)
    when = held["_event_at"].isoformat().replace("+00:00", "Z")
    (line,) = (line for line in render_card(texts, frame).splitlines() if when in line)
    assert line.startswith(f"| {first.row + 1} | {first.said} | {first.true} |")
    assert f"`{held['rooms']}`" in line
    assert held["_label"] == first.true
    assert not any(when in text for text in texts.values())


def test_a_card_is_made_of_its_files_alone_and_says_the_same_each_time(texts: dict[str, str]) -> None:
    files = {name: text.encode() for name, text in texts.items() if name != "card.md"}
    assert render_card(files) == texts["card.md"] == render_card(texts)


def test_declared_slices_and_costs_stand_on_the_card(texts: dict[str, str]) -> None:
    card = texts["card.md"]
    assert "| `new` is `false` |" in card
    assert "a false `yes` costs 1 and a missed one 4" in card
    assert re.search(r"mistakes cost [\d,.]+ \[", card)


def test_front_matter_is_what_a_model_hub_reads(texts: dict[str, str]) -> None:
    front = texts["card.md"].split("---\n")[1]
    stated = float(f"{read_facts(texts).evaluation.metrics['roc_auc'].value:.4g}")
    assert 'pipeline_tag: "tabular-classification"' in front
    assert re.search(r"model-index:\n  - name: .houses.\n    results:\n      - task:\n", front)
    assert f'value: {stated}\n            name: "roc_auc"' in front


def test_no_text_of_the_user_becomes_markup(make_world: Callable[..., Any]) -> None:
    world = make_world("binary")
    target = replace(world.contract.target, meaning=NAUGHTY)
    named = replace(
        world, project=replace(world.project, question=NAUGHTY), contract=replace(world.contract, target=target)
    )
    card = tell(named, {"family": "baseline", "params": {}})[1]["card.md"]
    assert "<script" not in card
    assert "\x00" not in card
    assert "](javascript" not in card.replace("\\](", "")
    assert len(re.findall(r"^# ", card, re.MULTILINE)) == 1


def test_personal_columns_are_never_shown(make_world: Callable[..., Any]) -> None:
    """A column is shown where it is the worst slice; the same one, personal, is nowhere."""
    world = make_world("binary", 3000)
    noise = np.random.default_rng(2).random(3000) < 0.5
    carrier, label = world.frame["carrier"].to_list(), world.frame["_label"].to_list()
    labels = ["no" if one == "B" and flip else old for one, old, flip in zip(carrier, label, noise, strict=True)]
    world = replace(world, frame=world.frame.with_columns(pl.Series("_label", labels)))
    project = replace(world.project, slices=SliceSpec(("carrier",)))
    columns = tuple(replace(one, pii=one.name == "carrier") for one in world.contract.columns)
    choice = world.choose(recipe={"family": "linear", "params": {"C": 1.0}})
    facts, found = read_facts(describe(choice, world.contract, project, world.frame), world.frame), []
    for contract in (world.contract, replace(world.contract, columns=columns)):
        seen = evaluate(world.frame, contract, project, choice)
        worst = any("carrier" in one.where for one in seen.worst)
        table = list(tell_mistakes(replace(facts, contract=contract, evaluation=seen)))[1]
        found.append((bool(seen.slices), worst, isinstance(table, Table) and "carrier" in str(table.header)))
    assert found == [(True, True, True), (False, False, False)]


def test_settings_come_back_as_they_were(make_world: Callable[..., Any]) -> None:
    world = make_world("binary").with_train(groups=("rooms",), seed=11)
    choice = world.choose(recipe={"family": "baseline", "params": {}})
    account = json.loads(json.dumps(take_account(world.frame, world.contract, world.project, choice)))
    other = replace(world.project, cost=CostSpec(3.0, 9.0), question="", train=replace(world.project.train, seed=1))
    again = read_settings(account, other)
    assert replace(again.train, budget=world.project.train.budget) == world.project.train
    assert (again.cost, again.question, again.gates) == (world.project.cost, "Will it sell?", world.project.gates)
    assert judged_by(again, choice).train.test == world.project.gates.holdout
    with pytest.raises(VersionError, match=r"account\.json"):
        read_settings({**account, "settings": {**account["settings"], "train": {"unheard_of": 1}}}, other)


def test_a_recipe_that_ages_is_seen_to_age(make_world: Callable[..., Any]) -> None:
    world = make_world("binary", 1200)
    turned = np.array(world.frame["_label"].to_list())
    late = np.arange(1200) > 960
    turned[late] = np.where(turned[late] == "yes", "no", "yes")
    frame = world.frame.with_columns(world.frame["_label"].scatter(np.flatnonzero(late), turned[late].tolist()))
    _, texts = tell(replace(world, frame=frame), {"family": "linear", "params": {"C": 1.0}})
    later = read_facts(texts).evaluation.later
    assert later[-1].score.low > later[0].score.high
    assert "It was worse than at first from stretch" in texts["card.md"]


def test_rows_without_order_have_no_age(make_world: Callable[..., Any]) -> None:
    _, texts = tell(make_world("binary", 600, "none"), {"family": "baseline", "params": {}})
    assert read_facts(texts).evaluation.later == ()
    assert "the rows have no order" in texts["card.md"]


def test_a_version_of_an_older_trimtab_is_refused_in_words(texts: dict[str, str]) -> None:
    with pytest.raises(VersionError, match="made by an older trimtab"):
        read_facts({name: text for name, text in texts.items() if name != "account.json"})
