from collections.abc import Callable
from dataclasses import replace

import pytest

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
    found = replay(wheel, batch=200, tell=say_nothing)
    lines = found.lines
    assert [batch.rows for batch in found.batches] == [200] * 8
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


@pytest.mark.parametrize("name", ["evry:5", "every:0", "every:x", "always:now", ""])
def test_an_unknown_policy_is_refused_by_name(make_wheel: MakeWheel, name: str) -> None:
    with pytest.raises(UsageError, match=f"no policy '{name}'"):
        replay(make_wheel(300, turned_at=300), policies=[name], tell=say_nothing)
