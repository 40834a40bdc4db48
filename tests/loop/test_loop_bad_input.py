"""Bad input that comes from a family, or hardly at all: what answers stays as it is, and the journal says why."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.loop.conftest import SETTINGS
from tests.loop.test_loop_governor import CALM, assert_answers_are_numbers, learn_more
from tests.loop.test_loop_limit import crown_odd, install_family
from tests.loop.test_loop_tick import answer_and_learn

from trimtab import clock
from trimtab.loop.cycle import train
from trimtab.loop.known import AsOf, resolve
from trimtab.loop.state import Wheel
from trimtab.loop.tick import govern, measure, retrain_now, tick
from trimtab.nouns import State

MakeWheel = Callable[..., Wheel]
BREAKS = """
        line = super().fit(*args, **kwargs)
        line.estimator.coef_[:] = float("nan")
        return line
"""


def say_nothing(_: str) -> None:
    pass


def test_a_challenger_that_answers_nan_never_answers(
    make_wheel: MakeWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fit looks like any other, but every answer is NaN."""
    install_family(tmp_path / "site", BREAKS)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "odd_family", raising=False)
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    odd = crown_odd(wheel)
    _, kept = retrain_now(wheel, by="marta", tell=say_nothing)
    assert (kept.action, kept.version) == ("keep", odd.id)
    said = (
        "the retrain could not be done, the champion goes on answering: it gave an answer that is not a finite number"
    )
    assert kept.reasons == (said,)
    assert len(wheel.catalog.versions()) == 2


def test_a_window_with_one_row_is_none_yet(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    learn_more(wheel, 1)
    turned = tick(wheel, tell=say_nothing)
    assert (turned.decisions, turned.windows) == ((), ())
    (told,) = measure(wheel, resolve(wheel, None)).watched.findings
    assert (told.subject, told.judgement.state) == ("performance", State.CANNOT_TELL)
    assert_answers_are_numbers(wheel)


def test_a_clock_that_was_ahead_stops_the_layer_until_it_is_reached(make_wheel: MakeWheel) -> None:
    """An hour ahead for one turn. Answers of the right time are served and train; the layer learns no moment twice."""
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    ahead = clock.now() + timedelta(hours=1)
    answer_and_learn(wheel, 300, ago=-3500)
    assert tick(wheel, tell=say_nothing).decisions == ()  # that moment has not come
    assert [one.action for one in govern(wheel, AsOf(ahead, ahead), tell=say_nothing)[1]] == ["trim"]
    learn_more(wheel)
    assert tick(wheel, tell=say_nothing).decisions == ()
    assert measure(wheel, resolve(wheel, None)).known.rows.height == 900
    assert_answers_are_numbers(wheel)
    answer_and_learn(wheel, 300, ago=-3700)
    ahead += timedelta(minutes=5)
    assert [one.action for one in govern(wheel, AsOf(ahead, ahead), tell=say_nothing)[1]] == ["trim"]
