"""Realised performance by slice: the slice that broke fails, by its own promise, and nothing fails for being small."""

import numpy as np
import pytest

from trimtab.monitor import Reference, Scored
from trimtab.monitor.slices import Part, judge_slices, realised_slices
from trimtab.nouns import Interval, State

ROWS = 1000
PROMISE = Reference(Interval(0.10, 0.08, 0.12, 300), {"log_loss": Interval(0.33, 0.31, 0.35, 300)})  # limit .13


def scored(broken: np.ndarray | None = None, seed: int = 0) -> Scored:
    """Answers with a mean Brier loss of .053; those of broken rows are the opposite."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, ROWS)
    answers = 0.6 * labels + 0.4 * chance.random(ROWS)
    turned = np.zeros(ROWS, dtype=bool) if broken is None else broken
    return Scored("binary", np.where(turned, 1 - answers, answers), labels, np.ones(ROWS, dtype=bool))


def parts(count: int = 10) -> list[Part]:
    return [Part(f"carrier {one}", PROMISE, np.arange(ROWS) % count == one) for one in range(count)]


def test_the_slice_that_broke_fails_and_the_others_pass() -> None:
    found = realised_slices(scored(parts()[3].rows), parts())
    states = {one.name: one.judgement.state for one in found}
    assert states.pop("carrier 3") is State.FAIL
    assert set(states.values()) == {State.PASS}
    told = judge_slices(found, ("carrier",))
    assert told.state is State.FAIL
    assert told.reasons[0] == "1 of 10 slices surely worse than promised"
    assert told.reasons[1].startswith("carrier 3: mean loss 0.6")
    assert told.reasons[1].endswith("over 100 outcomes; hold-out 0.100, limit 0.130")


def test_each_slice_tells_its_metric_beside_what_was_promised() -> None:
    given = scored()
    one = realised_slices(given, parts())[2]
    rows = parts()[2].rows
    expected = -np.log(np.where(given.labels == 1, given.answers, 1 - given.answers)[rows]).mean()
    assert one.metrics["log_loss"].value == pytest.approx(expected)
    assert (one.predictions, one.outcomes, one.risk.rows) == (100, 100, 100)
    assert one.baseline.metrics["log_loss"].value == 0.33


def test_calm_windows_of_many_slices_hardly_ever_fail() -> None:
    """Twenty slices exactly at their limit, 400 windows: at most one in forty fails, by intervals for all together."""
    chance, fails = np.random.default_rng(5), 0
    for _ in range(400):
        answers = 0.5 * np.ones(ROWS) + chance.normal(0, 0.05, ROWS)
        given = Scored("binary", answers, chance.integers(0, 2, ROWS), np.ones(ROWS, dtype=bool))
        limit = 0.25 + 0.05**2  # what such answers cost on average
        at = Reference(Interval(limit - 0.03, 0.0, limit - 0.025, 300), {}, 0.0, 0.025 / (limit - 0.03))
        judged = [Part(str(one), at, np.arange(ROWS) % 20 == one) for one in range(20)]
        fails += judge_slices(realised_slices(given, judged), ("carrier",)).state is State.FAIL
    assert fails <= 400 / 40 + 3 * np.sqrt(10)


def test_a_slice_that_vanishes_or_is_small_is_named_and_fails_nothing() -> None:
    gone = Part("carrier OO", PROMISE, np.zeros(ROWS, dtype=bool))
    small = Part("carrier HA", PROMISE, np.arange(ROWS) < 29)
    given = scored(small.rows)
    told = judge_slices(realised_slices(given, [gone, small, *parts(4)]), ("carrier",))
    assert told.state is State.PASS
    assert told.reasons[1:] == ("no answers any more: carrier OO", "too few outcomes to tell of carrier HA")
    assert told.evidence == {"slices": 4, "worse": 0, "gone": 1}
    alone = judge_slices(realised_slices(given, [gone, small]), ("carrier",))
    assert alone.state is State.CANNOT_TELL
    assert alone.reasons[0] == "cannot tell: no slice by carrier has 30 outcomes"


def test_answers_without_an_outcome_are_counted_and_not_measured() -> None:
    given = scored(np.arange(ROWS) >= 500)
    known = Scored("binary", given.answers, given.labels, np.arange(ROWS) < 500)
    (one, *_) = realised_slices(known, parts())
    assert (one.predictions, one.outcomes, one.judgement.state) == (100, 50, State.PASS)


def test_without_a_promise_it_says_when_there_will_be_one() -> None:
    told = judge_slices((), ("carrier", "origin"))
    assert told.state is State.CANNOT_TELL
    assert told.reasons == ("cannot tell: nothing was promised of a slice by carrier, origin; the next fit does",)
