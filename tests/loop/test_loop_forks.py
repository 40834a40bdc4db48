"""Forks of a replay: the same policy without one promotion, so they learn what it learns, when it learns."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from tests.loop.conftest import say_nothing
from tests.loop.test_loop_trimming import SETTINGS as BLEND
from tests.loop.test_loop_watch import make_faulty

from trimtab import clock
from trimtab.loop.forks import Standing, Watch
from trimtab.loop.known import AsOf
from trimtab.loop.replay import Line, replay
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision
from trimtab.retrain.policy import ENDS
from trimtab.testing.faults import Fault

MakeWheel = Callable[..., Wheel]
OFTEN = BLEND.replace('use = ["golden", "not_worse"]', 'use = ["golden"]')


class Counted(Watch):
    """Keeps after every turn how many batches the policy has learnt from, and each of its open forks."""

    turns: list[tuple[int, list[int]]]

    def turn(self, before: Standing, decided: Sequence[Decision], at: AsOf) -> None:
        super().turn(before, decided, at)
        own = self.stand().kept
        assert own is not None
        forks = [fork.kept.layer.batches for fork in self.forks if fork.is_open and fork.kept is not None]
        self.turns.append((own.layer.batches, forks))


def play(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> tuple[Line, list[tuple[int, list[int]]]]:
    """Replay as governed, and return what was counted at every turn."""
    Counted.turns = []
    monkeypatch.setattr("trimtab.loop.replay.Watch", Counted)
    line = replay(wheel, policies=["governed"], batch=100, label_delay=1, tell=say_nothing).lines["governed"]
    return line, Counted.turns


def test_a_fork_misses_no_batch_where_two_promotions_are_near(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy learns first and lets a newcomer in then; so do its forks of earlier promotions."""
    wheel = make_wheel(2800, turned_at=2300, settings=OFTEN.replace('"5 windows"', '"2 windows"'))
    line, turns = play(wheel, monkeypatch)
    assert line.count("promote") >= 2
    assert any(len(forks) > 1 for _, forks in turns)
    assert all(fork == own for own, forks in turns for fork in forks)


def test_a_fork_learns_nothing_while_a_fault_holds_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_faulty(tmp_path, Fault("unit_change", 2600, column="a", strength=600.0), settings=OFTEN)
    line, turns = play(wheel, monkeypatch)
    assert any(one.action == "wait" and one.by == "diagnosis" for one in line.events)
    held = [forks for (before, _), (own, forks) in pairwise(turns) if own == before and forks]
    assert held
    assert all(fork == own for own, forks in turns for fork in forks)


class Interrupted(Watch):
    """As if a crash had cut a retrain short when the fault was found; keeps what each turn after that decided."""

    later: list[list[str]]
    found = False

    def turn(self, before: Standing, decided: Sequence[Decision], at: AsOf) -> None:
        super().turn(before, decided, at)
        if self.found:
            self.later.append([one.action for one in decided])
        elif any(one.action == "wait" and one.by == "diagnosis" for one in decided):
            self.found = True
            self._turned.catalog.decide(Decision("retrain", "person:test", ("cut short",), clock.now(), at.rows))


def test_a_held_turn_finishes_what_a_crash_left_and_does_not_trim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_faulty(tmp_path, Fault("unit_change", 2600, column="a", strength=600.0), settings=OFTEN)
    Interrupted.later = []
    monkeypatch.setattr("trimtab.loop.replay.Watch", Interrupted)
    replay(wheel, policies=["governed"], batch=100, label_delay=1, tell=say_nothing)
    assert len(Interrupted.later[0]) == 1
    assert Interrupted.later[0][0] in ENDS
    assert Interrupted.later[1] == []
