"""The risk trigger by slice: what goes wrong in one is seen soon, what is calm stays calm; without slices no change."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.retrain.test_retrain_risk import HOLD_OUT, recurse, stream

from trimtab.metrics.betting import risk_limit
from trimtab.metrics.compare import mean_interval
from trimtab.metrics.slices import LEAST_ROWS
from trimtab.nouns import Evidence, Interval, Judgement, PromisedSlice, State
from trimtab.retrain.triggers.risk import Risk, _average, _Track, follow
from trimtab.train.promise import bound_risk

PROMISED = Interval(0.15, 0.12, 0.18, 300)  # limit .18 + .015 = .195
BATCH = 100


def judge(losses: np.ndarray, slices: dict[str, np.ndarray], *, size: int = BATCH, arl: float = 2000.0) -> Judgement:
    """Judge losses of which each slice holds the rows where its mask is true."""
    sizes = (size,) * (len(losses) // size)
    given = Evidence(losses=losses.tolist(), batches=sizes, reference=HOLD_OUT, promised=promise(slices))
    return Risk(arl=arl, min_labels=1).judge(given)


def promise(slices: dict[str, np.ndarray]) -> list[PromisedSlice]:
    return [PromisedSlice(name, PROMISED, np.flatnonzero(rows).tolist()) for name, rows in slices.items()]


def trace(losses: np.ndarray, slices: Sequence[PromisedSlice], reference: Interval, size: int) -> np.ndarray:
    """Return M after each batch: what the trigger would have said at the time."""
    risk, sizes = Risk(), (size,) * (len(losses) // size)
    limit = risk_limit(reference, risk.tolerance_absolute, risk.tolerance_relative)
    whole = _Track("", reference, limit, losses, follow(losses, sizes, limit))
    return np.exp(_average(whole, [risk._track(one, losses, sizes) for one in slices]))


def part(rows: int, slices: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Split rows by chance into so many slices of equal share."""
    codes = np.random.default_rng(seed).integers(0, slices, rows)
    return {f"carrier {one}": codes == one for one in range(slices)}


def go_wrong(losses: np.ndarray, rows: np.ndarray, begin: int, rise: float) -> np.ndarray:
    """Return the losses with those of one slice raised from a row on."""
    return np.where(rows & (np.arange(len(losses)) >= begin), np.minimum(losses + rise, 1.0), losses)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2)), min_size=70, max_size=120), st.integers(5, 40))
@settings(deadline=None, max_examples=50)
def test_the_evidence_is_half_that_of_all_rows_and_half_the_mean_of_the_slices(
    rows: list[tuple[float, int]], size: int
) -> None:
    """In plain products; a batch without a row of the slice is left out of its recursion."""
    rows = rows[: len(rows) // size * size]
    losses, codes = np.array([loss for loss, _ in rows]), np.array([code for _, code in rows])
    slices = {str(code): codes == code for code in (0, 1)}
    found = float(judge(losses, slices, size=size).evidence["M"])  # type: ignore[arg-type]
    parts = [recurse_slice(losses, codes == code, size) for code in (0, 1)]
    assert found == pytest.approx(recurse(losses.tolist(), size, 0.175)[-1] / 2 + sum(parts) / 4, rel=1e-6)


def recurse_slice(losses: np.ndarray, rows: np.ndarray, size: int) -> float:
    if rows.sum() < LEAST_ROWS:
        return 0.0
    held = [0.0] * 5
    bets = [0.5 * step / 0.195 for step in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)]
    for begin in range(0, len(losses), size):
        batch = losses[begin : begin + size][rows[begin : begin + size]]
        if len(batch):
            held = [
                math.prod(1 + bet * (loss - 0.195) for loss in batch) * (one + 1)
                for bet, one in zip(bets, held, strict=True)
            ]
    return sum(held) / 5


@pytest.mark.parametrize("seed", range(5))
def test_without_slices_every_bit_is_as_it_was(seed: int) -> None:
    losses = stream(0.17, 3000, seed)
    found = judge(losses, {})
    assert found.evidence["M"] == float(np.exp(follow(losses, (BATCH,) * 30, 0.175)[-1]))
    assert set(found.evidence) == {"m", "A", "M", "batches", "mean_loss", "labels"}
    assert "slice" not in " ".join(found.reasons)


def test_a_slice_that_goes_wrong_is_seen_though_all_rows_hide_it() -> None:
    """A tenth of the rows loses .25 more: the mean of all rises by .025, which the limit of all rows allows."""
    begin, delays = 20, {"with": [], "without": []}  # type: tuple[int, dict[str, list[int]]]
    for seed in range(20):
        losses, slices = stream(0.13, 60 * BATCH, seed), part(60 * BATCH, 10, seed)
        wrong = go_wrong(losses, slices["carrier 3"], begin * BATCH, 0.25)
        for name, known in (("with", slices), ("without", {})):
            path = trace(wrong, promise(known), HOLD_OUT, BATCH)
            found = np.flatnonzero(path >= 2000.0)
            delays[name].append(int(found[0]) + 1 - begin if found.size else 99)
    sys.stdout.write(f"one slice of ten: found after {np.median(delays['with']):.0f} batches of 100 (median)\n")
    assert 0 < np.median(delays["with"]) <= 6
    assert set(delays["without"]) == {99}


def test_the_reason_names_the_slice_that_carries_the_alarm() -> None:
    losses, slices = stream(0.13, 4000), part(4000, 10)
    found = judge(go_wrong(losses, slices["carrier 3"], 2000, 0.3), slices)
    assert found.state is State.FAIL
    assert "averaged with that of 10 slices" in found.reasons[0]
    assert found.reasons[1].startswith("carrier 3 carries the alarm: mean loss 0.2")
    assert "hold-out 0.150, limit 0.195" in found.reasons[1]
    own = (found.evidence["slice"], found.evidence["slice_labels"], found.evidence["slices"])
    assert own == ("carrier 3", int(slices["carrier 3"].sum()), 10)
    assert found.reasons[2].startswith("above the alarm since batch 2")


def test_where_all_rows_go_wrong_no_slice_is_named() -> None:
    found = judge(np.concatenate([stream(0.15, 1000), stream(0.25, 500, 1)]), part(1500, 10))
    assert found.state is State.FAIL
    assert "slice" not in found.evidence
    assert "carries" not in " ".join(found.reasons)


def test_a_slice_that_vanishes_keeps_its_evidence_and_gains_none() -> None:
    """No unit joins while it is away, so that silence alone never reaches A."""
    losses = stream(0.15, 400 * BATCH)
    there = {"carrier 0": np.arange(len(losses)) < 2 * BATCH}
    short, long = judge(losses[: 2 * BATCH], there, arl=150.0), judge(losses, there, arl=150.0)
    assert short.state is long.state is State.PASS
    never = {"carrier 0": np.zeros(len(losses), dtype=bool)}
    assert judge(losses, never, arl=150.0).evidence["M"] == pytest.approx(float(judge(losses, {}).evidence["M"]) / 2)  # type: ignore[arg-type]


def test_few_outcomes_of_a_slice_do_not_count() -> None:
    losses = stream(0.1, 500)
    rows = np.arange(500) % (500 // LEAST_ROWS) == 0
    wrong = np.where(rows, 1.0, losses)
    short = rows & (rows.cumsum() < LEAST_ROWS)
    assert judge(wrong, {"tiny": rows}).state is State.FAIL
    assert judge(wrong, {"tiny": short}).state is State.PASS


@pytest.mark.parametrize("risk", [Interval(0.2, math.nan, math.nan, 1), Interval(0.9, 0.8, 0.99, 40)])
def test_a_promise_that_nothing_could_break_takes_no_weight(risk: Interval) -> None:
    losses, rows = stream(0.2, 1000), list(range(0, 1000, 10))
    mute = [PromisedSlice("mute", risk, rows)]
    given = Evidence(losses=losses.tolist(), batches=(BATCH,) * 10, reference=HOLD_OUT)
    with_mute = Evidence(losses=losses.tolist(), batches=(BATCH,) * 10, reference=HOLD_OUT, promised=mute)
    assert Risk().judge(with_mute) == Risk().judge(given)


def test_rows_of_an_unfinished_batch_are_not_looked_at() -> None:
    losses, slices = stream(0.15, 1000), part(1099, 4)
    rest = np.concatenate([losses, np.ones(99)])
    assert judge(rest, slices) == judge(losses, {name: rows[:1000] for name, rows in slices.items()})


def count_alarms(losses: np.ndarray, slices: Sequence[PromisedSlice], reference: Interval, size: int) -> int:
    """Return how often M reaches 50, beginning anew after each alarm."""
    alarms, begin = 0, 0
    while begin < len(losses):
        rest = [
            replace(one, rows=[row - begin for row in one.rows[int(np.searchsorted(one.rows, begin)) :]])
            for one in slices
        ]
        hits = np.flatnonzero(trace(losses[begin:], rest, reference, size) >= 50.0)
        if not hits.size:
            break
        alarms, begin = alarms + 1, begin + (int(hits[0]) + 1) * size
    return alarms


@pytest.mark.parametrize("slices", [3, 20])
def test_false_alarms_are_rarer_than_promised_at_the_limits_themselves(slices: int) -> None:
    """The worst case of the promise: all or nothing, all rows and every slice exactly at their limits, A = 50."""
    batches, size = 1000, 60
    losses = (np.random.default_rng(11).random(batches * size) < 0.195).astype(float)
    whole = Interval(0.18, 0.17, 0.177, 900)  # limit .177 + .018 = .195
    alarms = count_alarms(losses, promise(part(batches * size, slices)), whole, size)
    sys.stdout.write(f"{slices} slices at their limits: {alarms} false alarms in {batches} batches, 20 promised\n")
    assert alarms <= 20 + 3 * math.sqrt(20)


def test_the_simulation_itself_can_fail() -> None:
    """Control: one slice of three a quarter above its limit alarms more often than promised."""
    batches, size, slices = 1000, 60, part(60_000, 3)
    level = np.where(slices["carrier 0"], 0.195 * 1.25, 0.195 * 0.875)
    losses = (np.random.default_rng(11).random(batches * size) < level).astype(float)
    assert count_alarms(losses, promise(slices), Interval(0.18, 0.17, 0.177, 900), size) > 33


def alarms_within(seed: int, bound: Callable[[np.ndarray, int], Interval]) -> bool:
    """Return whether a calm world alarms in 100 windows after a hold-out of 500 rows: ten slices, rare labels."""
    chance = np.random.default_rng(seed)
    codes = chance.integers(0, 10, 50_500)
    answers = chance.beta(0.18, 5.82, len(codes))
    losses = (answers - (chance.random(len(codes)) < answers)) ** 2
    held, later, slices = slice(0, 500), slice(500, None), []
    for code in range(10):
        promised = bound(losses[held][codes[held] == code], 10)
        slices.append(PromisedSlice(str(code), promised, np.flatnonzero(codes[later] == code).tolist()))
    return bool(trace(losses[later], slices, mean_interval(losses[held]), 500).max() >= 2000.0)


def test_calm_worlds_keep_the_budget_from_their_hold_outs_on() -> None:
    """20 worlds of 100 windows at A = 2000: one alarm is promised at most. By Student's own ends most would alarm."""
    careful = sum(alarms_within(seed, bound_risk) for seed in range(20))
    plain = sum(alarms_within(seed, mean_interval) for seed in range(20))
    sys.stdout.write(f"calm worlds that alarm within 100 windows: {careful} of 20; by Student's own ends {plain}\n")
    assert careful <= 1
    assert plain > 10
