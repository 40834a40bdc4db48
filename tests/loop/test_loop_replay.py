from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.loop.test_loop_trimming import SETTINGS as BLEND

from trimtab.errors import DataError, UsageError
from trimtab.loop.replay import replay
from trimtab.loop.state import Wheel

MakeWheel = Callable[..., Wheel]


def say_nothing(_: str) -> None:
    pass


def test_policies_meet_the_same_past_and_differ_in_what_they_do(make_wheel: MakeWheel) -> None:
    """The world turns in the middle: never suffers, always follows, governed follows with fewer retrains."""
    wheel = make_wheel(3600, turned_at=2600)
    before = {table: wheel.lake.version(table) for table in wheel.lake.tables()}
    told: list[str] = []
    found = replay(wheel, batch=200, tell=told.append)
    lines = found.lines
    assert [batch.rows for batch in found.batches] == [200] * 8
    assert [(one.name, one.until) for one in found.batches[:2]] == [("row 2,001", 2200), ("row 2,201", 2400)]
    assert found.batches[-1].until == 3600
    assert told[0] == "3,600 labelled rows, 8 batches from row 2,001 on"
    assert not any("1970" in line for line in told)
    assert len({line.champions[0] for line in lines.values()}) == 1
    assert lines["never"].count("retrain") == 0
    assert set(lines["never"].champions) == {"v1"}
    assert lines["always"].count("retrain") == lines["always"].count("promote") == 8
    assert 0 < lines["governed"].count("retrain") < 8
    assert lines["governed"].count("promote") >= 1
    calm = slice(0, 3)
    assert [one["log_loss"] for one in lines["governed"].by_batch[calm]] == [
        one["log_loss"] for one in lines["never"].by_batch[calm]
    ]
    last = {name: line.by_batch[-1]["log_loss"] for name, line in lines.items()}
    assert last["governed"] < last["never"]
    assert {table: wheel.lake.version(table) for table in wheel.lake.tables()} == before
    assert wheel.catalog.journal() == ()


def test_the_same_replay_twice_is_the_same(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(2600, turned_at=2300)
    first = replay(wheel, policies=["governed"], batch=150, tell=say_nothing)
    again = replay(replace(wheel, fits={}), policies=["governed"], batch=150, tell=say_nothing)
    assert first.lines["governed"].by_batch == again.lines["governed"].by_batch
    assert first.lines["governed"].champions == again.lines["governed"].champions


def test_too_little_history_is_said(make_wheel: MakeWheel) -> None:
    with pytest.raises(DataError, match="needs more than 2,000"):
        replay(make_wheel(600, turned_at=600), tell=say_nothing)


def test_a_file_in_order_has_no_months_and_no_dates(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    for words in ({"batch": "month"}, {"start": datetime(2013, 3, 1, tzinfo=UTC)}):
        with pytest.raises(DataError, match="there are no months and no dates"):
            replay(wheel, **words, tell=say_nothing)


@pytest.mark.parametrize("name", ["evry:5", "every:0", "every:x", "always:now", ""])
def test_an_unknown_policy_is_refused_by_name(make_wheel: MakeWheel, name: str) -> None:
    with pytest.raises(UsageError, match=f"no policy '{name}'"):
        replay(make_wheel(300, turned_at=300), policies=[name], tell=say_nothing)


def test_a_fork_is_the_same_policy_without_the_promotion(make_wheel: MakeWheel) -> None:
    """Where a refit comes every batch, a fork differs on the very next one only: then both are the next refit."""
    wheel = make_wheel(3600, turned_at=2600)
    line = replay(wheel, policies=["always"], batch=200, label_delay=1, tell=say_nothing).lines["always"]
    assert len(line.forks) == 8
    fork = line.forks[2]  # promoted at the end of the third batch, so it answers the fourth
    assert [one.mean() for one in fork.own] == [pytest.approx(one["log_loss"]) for one in line.by_batch[3:8]]
    assert not np.array_equal(fork.own[0], fork.without[0])
    assert np.array_equal(fork.without[0], fork.before[0])
    assert all(np.array_equal(*pair) for pair in zip(fork.own[1:], fork.without[1:], strict=True))
    assert len(line.looked_back) == 3
    assert line.looked_back[0][1].mean() != line.looked_back[0][0].mean()


def test_without_a_promotion_the_layer_learns_on(make_wheel: MakeWheel) -> None:
    """The fork of a blend is no frozen model: it follows a world that turned as the same layer would have.

    The newcomer comes while the world is calm; it turns after that, before the fork has seen its batches.
    """
    settings = BLEND.replace('"5 windows"', '"2 windows"')
    wheel = make_wheel(3500, turned_at=2400, settings=settings)
    line = replay(wheel, policies=["governed"], batch=200, label_delay=1, tell=say_nothing).lines["governed"]
    promoted = next(event for event in line.events if event.action == "promote")
    assert promoted.batch == 1
    fork = line.forks[0]
    own, without, replaced = ([one.mean() for one in way] for way in (fork.own, fork.without, fork.before))
    assert without[0] > 1.2  # the first batch of the turned world meets both as they were
    assert replaced[0] > 1.2
    assert replaced[-1] > 1.2  # what was replaced stands still
    assert without[-1] < 1.0  # the fork corrects itself
    assert without[-1] == pytest.approx(own[-1], abs=0.05)  # as the policy does, whose newcomer knew the same world
    assert "trim" not in {event.action for event in line.events}
