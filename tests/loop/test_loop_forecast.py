"""Where a retrain has its price, one that would not pay waits; and what the clock does not ask for is not held back."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl
from tests.loop.test_loop_trimming import SETTINGS

from trimtab.loop.replay import Event, replay
from trimtab.loop.savings import cost_decisions
from trimtab.loop.state import Wheel
from trimtab.nouns.project import CostSpec

MakeWheel = Callable[..., Wheel]
QUICK = SETTINGS.replace('"5 windows"', '"2 windows"')


def say_nothing(_: str) -> None:
    pass


def play(wheel: Wheel, cost: float) -> tuple[list[int], list[Event]]:
    """Return after which batches was retrained, and the waits, where a retrain costs so much."""
    project = replace(wheel.project, retrain=replace(wheel.project.retrain, cost=cost))
    wheel = replace(wheel, project=project)
    events = replay(wheel, policies=["governed"], batch=150, label_delay=1, tell=say_nothing).lines["governed"].events
    return [one.batch for one in events if one.action == "retrain"], [one for one in events if one.action == "wait"]


def test_what_would_not_pay_waits_for_twice_the_period_at_most(make_wheel: MakeWheel) -> None:
    """The world stands still; a retrain is due after every other batch, and two must have been judged."""
    retrains, waits = play(make_wheel(3200, turned_at=3200, settings=QUICK), 1000.0)
    assert retrains == [1, 3, 7]
    assert [one.batch for one in waits] == [5]
    first, second, third = waits[0].reasons
    assert first == "every asks for a retrain, which must wait"
    assert second.startswith("the last 2 retrains would save ")
    assert third == "it waits, until 4 windows after the last fit at most"


def test_decisions_have_their_price(make_wheel: MakeWheel) -> None:
    contract = make_wheel(300, turned_at=300).contract
    told, decided = pl.Series(["yes", "no", "yes", "no"]), pl.Series(["yes", "yes", "no", "no"])
    spec = CostSpec(false_positive=1.0, false_negative=5.0)
    assert cost_decisions(contract, spec, told, decided).tolist() == [0.0, 1.0, 5.0, 0.0]
