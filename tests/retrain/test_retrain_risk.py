"""The risk trigger: silent while the hold-out's promise holds, loud when it is broken, mute where it cannot know."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.metrics.betting import STEPS
from trimtab.nouns import Evidence, Interval, Judgement, State
from trimtab.retrain.triggers.risk import LARGEST_BET, Risk, follow

HOLD_OUT = Interval(0.15, 0.14, 0.16, 900)  # limit .16 + .015 = .175
LOSSES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def judge(losses: np.ndarray, size: int = 50, reference: Interval | None = HOLD_OUT, **settings: float) -> Judgement:
    whole = len(losses) // size
    evidence = Evidence(losses=losses.tolist(), batches=(size,) * whole, reference=reference)
    return replace(Risk(), **settings).judge(evidence)  # type: ignore[arg-type]


def stream(mean: float, rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(2 * mean, 2 * (1 - mean), rows)


@given(LOSSES, st.integers(1, 9), st.floats(0.01, 0.9))
@settings(deadline=None, max_examples=100)
def test_the_path_is_what_the_recursion_says(losses: list[float], size: int, limit: float) -> None:
    """M <- E (M + 1) for each bet, averaged: in plain products, without logarithms."""
    sizes = [len(losses[begin : begin + size]) for begin in range(0, len(losses), size)]
    path = follow(np.array(losses), sizes, limit)
    assert path == pytest.approx(np.log(recurse(losses, size, limit)), abs=1e-8)


def recurse(losses: list[float], size: int, limit: float) -> list[float]:
    bets = [LARGEST_BET * step / limit for step in STEPS]
    wealth, path = [0.0] * len(bets), []
    for begin in range(0, len(losses), size):
        batch = losses[begin : begin + size]
        wealth = [
            math.prod(1 + bet * (loss - limit) for loss in batch) * (held + 1)
            for bet, held in zip(bets, wealth, strict=True)
        ]
        path.append(sum(wealth) / len(bets))
    return path


def test_silent_where_the_promise_holds() -> None:
    found = judge(stream(0.15, 5000))
    assert found.state is State.PASS
    assert "limit 0.175" in found.reasons[0]


def test_loud_soon_after_a_clear_rise() -> None:
    """From .15 to .25 with batches of 50: the alarm comes within eight batches, and the sentence says since when."""
    found = judge(np.concatenate([stream(0.15, 2000), stream(0.25, 400, seed=1)]))
    assert found.state is State.FAIL
    assert found.evidence["M"] >= found.evidence["A"]  # type: ignore[operator]
    assert any("above the alarm since batch 4" in reason for reason in found.reasons)


def test_the_alarm_is_at_exactly_the_promised_evidence() -> None:
    losses = stream(0.18, 500)
    evidence = float(judge(losses).evidence["M"])  # type: ignore[arg-type]
    states = [judge(losses, arl=evidence * factor).state for factor in (0.999, 1.001)]
    assert states == [State.FAIL, State.PASS]


def test_good_years_do_not_hide_a_rise() -> None:
    """A fresh unit joins before each batch, so 100,000 good losses before the change cost no delay."""
    rise = stream(0.3, 500, seed=2)
    long = judge(np.concatenate([stream(0.05, 100_000), rise]))
    assert (long.state, judge(rise).state) == (State.FAIL, State.FAIL)


def test_the_evidence_holds_all_numbers() -> None:
    found = judge(stream(0.15, 500))
    assert set(found.evidence) == {"m", "A", "M", "batches", "mean_loss", "labels"}
    assert (found.evidence["batches"], found.evidence["labels"], found.evidence["A"]) == (10, 500, 1000.0)
    assert found.evidence["m"] == pytest.approx(0.175)


@given(LOSSES, st.integers(0, 59), st.floats(0, 1))
@settings(deadline=None, max_examples=100)
def test_a_worse_loss_never_lowers_the_evidence(losses: list[float], place: int, worse: float) -> None:
    values = np.array(losses)
    place %= len(values)
    raised = values.copy()
    raised[place] = max(worse, values[place])
    before, after = (judge(given, size=1, min_labels=1).evidence["M"] for given in (values, raised))
    assert after >= before * (1 - 1e-9)  # type: ignore[operator]


def test_an_unfinished_batch_is_not_looked_at() -> None:
    whole = stream(0.15, 500)
    with_rest = np.concatenate([whole, np.ones(49)])
    assert judge(with_rest) == judge(whole)


def test_what_waits_for_its_batch_is_told() -> None:
    """Somebody who has just sent 400 outcomes must not read that there are none."""
    (reason,) = judge(stream(0.1, 400), 500).reasons
    assert reason.startswith("cannot tell: 0 outcomes in finished batches since promotion, 100 are needed")
    assert reason.endswith("; 400 newer ones in a batch that is not finished")


def test_the_mean_of_a_passed_alarm_is_told() -> None:
    found = judge(np.concatenate([stream(0.4, 200), np.zeros(3000)]))
    assert found.state is State.PASS
    assert "an earlier alarm has passed" in found.reasons[1]


def test_a_flood_of_evidence_stays_a_number() -> None:
    found = judge(np.ones(50_000))
    assert found.state is State.FAIL
    assert math.isfinite(found.evidence["M"])  # type: ignore[arg-type]
    assert "since batch 1" in found.reasons[1]


@pytest.mark.parametrize(
    ("losses", "reference", "reason"),
    [
        (stream(0.15, 500), None, "no hold-out risk"),
        (stream(0.15, 500), Interval(0.1, math.nan, math.nan, 1), "no hold-out risk"),
        (np.array([]), HOLD_OUT, "0 outcomes in finished batches since promotion, 100 are needed"),
        (stream(0.9, 99), HOLD_OUT, "50 outcomes"),
        (np.append(stream(0.15, 499), math.nan), HOLD_OUT, "1 of 500 losses are not between 0 and 1"),
        (np.append(stream(0.15, 498), [-0.1, 1.1]), HOLD_OUT, "2 of 500 losses"),
        (stream(0.15, 500), Interval(0.95, 0.9, 0.99, 9), "no rise could be seen"),
    ],
)
def test_it_says_when_it_cannot_tell(losses: np.ndarray, reference: Interval | None, reason: str) -> None:
    found = judge(losses, reference=reference)
    assert found.state is State.CANNOT_TELL
    assert reason in found.reasons[0]


def test_a_champion_without_any_loss_still_has_a_limit() -> None:
    perfect = Interval(0.0, 0.0, 0.0, 900)
    found = judge(np.zeros(500), reference=perfect, tolerance_absolute=0.0, tolerance_relative=0.0)
    assert found.state is State.PASS
    assert judge(np.full(500, 0.01), reference=perfect, tolerance_absolute=0.0).state is State.FAIL
