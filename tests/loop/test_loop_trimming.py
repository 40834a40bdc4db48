"""The trim of a turn: outcomes move what answers, once, by what was known; and the world that turns is followed."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from tests.loop.test_loop_tick import answer_and_learn

from trimtab import clock
from trimtab.loop.challenge import answer_both, find_standing
from trimtab.loop.cycle import train
from trimtab.loop.known import count_once, load_answers, load_labelled, resolve
from trimtab.loop.newcomer import fit_newcomer
from trimtab.loop.replay import Line, Replay, replay
from trimtab.loop.stand import promote
from trimtab.loop.state import Wheel
from trimtab.loop.tick import tick
from trimtab.loop.trimming import forget_since, learn_new, open_layer
from trimtab.trim.layer import weigh

MakeWheel = Callable[..., Wheel]
SETTINGS = """
[train]
families = ["linear"]
[monitor]
window = 150
min_rows = 100
min_labels = 100
[triggers]
use = ["every"]
[trim]
versions = 3
recalibrate = true
[promote]
style = "blend"
[gates]
use = ["golden", "not_worse"]
[retrain]
every = "5 windows"
cooldown = "1 windows"
limit = "0s"
"""


def say_nothing(_: str) -> None:
    pass


def test_outcomes_move_the_correction_once_and_as_one_decision(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, turned=True, ago=0.4)
    done = tick(wheel, tell=say_nothing)
    assert [one.action for one in done.decisions] == ["trim"]
    assert "2 batches of outcomes moved the weights" in done.decisions[0].reasons[0]
    trim = wheel.catalog.trim()
    assert trim is not None
    assert trim.epoch == done.epoch == 2
    kept = open_layer(wheel)
    assert kept is not None
    assert kept.layer.batches == 2
    slope, _ = kept.layer.seats["newest"].calibrations[1]
    assert slope < 0.6  # the world has turned: the answers are taken back
    assert tick(wheel, tell=say_nothing).decisions == ()
    assert wheel.catalog.verify_journal().state == "pass"


def test_what_is_forgotten_and_learnt_anew_counts_once(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, turned=True, ago=0.4)
    tick(wheel, tell=say_nothing)
    kept, at = open_layer(wheel), resolve(wheel, None)
    assert kept is not None
    begun = forget_since(replace(kept, quiet=3), kept.before[1][0])
    assert (begun.mark, begun.before, begun.quiet, begun.layer.batches) == (kept.before[0][0], (), 1, 0)
    again, batches = learn_new(wheel, begun, count_once(load_answers(wheel, at)), at)
    assert batches == 2
    assert (again.mark, again.last, again.before) == (kept.mark, kept.last, kept.before)
    assert weigh(again.layer) == pytest.approx(weigh(kept.layer))


def test_what_is_unfinished_or_comes_later_is_not_learnt_from(make_wheel: MakeWheel) -> None:
    """Corrupt the future: the Trim of an earlier moment stays as it was."""
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))
    train(wheel, tell=say_nothing)
    time.sleep(3.1)
    earlier = clock.now() - timedelta(seconds=1.5)  # far from both, whatever a busy machine does
    answer_and_learn(wheel, 200, turned=False, ago=3.0)
    answer_and_learn(wheel, 400, turned=True, ago=0.5)
    tick(wheel, as_of=earlier, tell=say_nothing)
    kept = open_layer(wheel)
    assert kept is not None
    assert kept.layer.batches == 1
    assert kept.mark <= earlier
    assert kept.layer.seats["newest"].calibrations[1][0] > 0.9
    tick(wheel, tell=say_nothing)
    later = open_layer(wheel)
    assert later is not None
    assert later.layer.batches == 4  # fifty rows were left of the earlier batch


def test_a_version_that_a_person_puts_in_place_answers_as_it_is(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, turned=True, ago=0.4)
    tick(wheel, tell=say_nothing)
    promote(wheel, "v1", by="me")
    kept = open_layer(wheel)
    assert kept is not None
    assert kept.layer.batches == 0
    trim = wheel.catalog.trim()
    assert trim is not None
    assert len(trim.members) == 1


def losses(found: Replay, policy: str) -> float:
    return found.lines[policy].overall["log_loss"]


@pytest.mark.slow
def test_where_the_world_turns_the_layer_follows_with_few_fits(make_wheel: MakeWheel) -> None:
    """As few fits as a plain period, and better than it; the trim costs no fit."""
    wheel = make_wheel(4200, turned_at=2750, settings=SETTINGS)
    found = replay(
        wheel, policies=["governed", "never", "always:recent", "every:5"], batch=150, label_delay=1, tell=say_nothing
    )
    governed = found.lines["governed"]
    assert governed.count("retrain") <= found.lines["every:5"].count("retrain") == 3
    assert governed.count("trim") >= 10
    assert losses(found, "governed") < losses(found, "every:5") - 0.05 < losses(found, "never")
    assert {decision.action for decision in governed.decisions} <= {"promote", "retrain", "trim", "refuse", "retire"}


def test_labels_that_come_later_teach_later(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(2900, turned_at=2300, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))

    def play(delay: int, shuffle: int | None = None) -> Line:
        found = replay(wheel, policies=["governed"], batch=150, label_delay=delay, shuffle=shuffle, tell=say_nothing)
        return found.lines["governed"]

    soon, late = play(1), play(3)
    assert soon.by_batch[0] == late.by_batch[0]
    assert late.count("trim") == soon.count("trim") - 2
    assert play(1, shuffle=4).overall["log_loss"] != soon.overall["log_loss"]


def test_the_moment_of_a_turn_is_what_counts(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, turned=False, ago=900)
    before = resolve(wheel, clock.now() - timedelta(seconds=2000))
    assert wheel.lake.read("predictions").filter(pl.col("_arrived_at") <= before.rows).collect().height == 0
    assert tick(wheel, as_of=before.rows, tell=say_nothing).decisions == ()


def test_a_newcomer_is_compared_with_what_was_answered(make_wheel: MakeWheel) -> None:
    """Not with what the layer says of these rows now, when it has learnt from their labels."""
    wheel = make_wheel(900, turned_at=900, settings=SETTINGS.replace('"5 windows"', '"50 windows"'))
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, turned=True, ago=0.4)
    tick(wheel, tell=say_nothing)
    trim, champion = find_standing(wheel)
    at = resolve(wheel, None)
    newcomer = fit_newcomer(wheel, load_labelled(wheel, at), recipe=champion.recipe, tell=say_nothing)
    paired = answer_both(wheel, newcomer, champion, newcomer.rows["_label"])
    logged = {row["id"]: row["probability"] for row in load_answers(wheel, at).iter_rows(named=True)}
    answered = paired.rows["_id"].is_in(list(logged)).to_numpy()
    assert answered.sum() > 100
    assert paired.champion[answered].tolist() == [logged[one] for one in paired.rows["_id"].to_list() if one in logged]
    now = wheel.answer(trim, paired.rows)
    assert abs(now - paired.champion)[answered].mean() > 0.05
    assert (now == paired.champion)[~answered].all()
