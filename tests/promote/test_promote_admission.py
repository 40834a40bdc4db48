"""What a newcomer must be before it may answer: alike, quick, good enough, and worse for no protected part."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from trimtab.errors import UsageError
from trimtab.nouns import Evidence, Interval, PairedSlice, Project, State
from trimtab.nouns.project import GateSpec, SliceSpec
from trimtab.promote import open_gates
from trimtab.promote.gates.floor import Floor
from trimtab.promote.gates.latency import Latency
from trimtab.promote.gates.not_worse import NotWorse
from trimtab.promote.gates.parity import Parity
from trimtab.promote.gates.slices import Slices


@pytest.mark.parametrize(
    ("distance", "state"),
    [(0.0, State.PASS), (1e-7, State.PASS), (1e-5, State.FAIL), (float("nan"), State.FAIL), (None, State.CANNOT_TELL)],
)
def test_parity(distance: float | None, state: State) -> None:
    assert Parity().judge(Evidence(parity=distance)).state is state


@pytest.mark.parametrize(
    ("latency", "size", "state"),
    [
        (0.004, 10, State.PASS),
        (0.006, 10, State.FAIL),
        (0.004, 10**9, State.FAIL),
        (None, 10, State.CANNOT_TELL),
    ],
)
def test_latency_and_size(latency: float | None, size: int, state: State) -> None:
    found = Latency().judge(Evidence(latency=latency, size=size))
    assert found.state is state
    assert latency is None or found.reasons[0] == f"one row takes {latency * 1000:g} ms, at most 5 ms are allowed"


def test_without_limits_nothing_is_asked() -> None:
    assert Latency(0.0, 0).judge(Evidence()).state is State.PASS


def test_a_floor_is_below_or_above_as_the_metric_has_it() -> None:
    found = {"log_loss": Interval(0.5, 0.4, 0.6, 100), "roc_auc": Interval(0.7, 0.6, 0.8, 100)}
    evidence = Evidence(metrics=found)
    assert Floor().judge(evidence).state is State.PASS
    assert Floor({"log_loss": 0.55, "roc_auc": 0.65}).judge(evidence).state is State.PASS
    worse = Floor({"log_loss": 0.45, "roc_auc": 0.65}).judge(evidence)
    assert worse.state is State.FAIL
    assert worse.reasons[0] == "log_loss 0.500 [0.400, 0.600], not within its floor 0.450"
    assert Floor({"roc_auc": 0.75}).judge(evidence).state is State.FAIL
    assert Floor({"brier": 0.2}).judge(evidence).state is State.CANNOT_TELL


def part(name: str, rows: int, worse: float, seed: int = 1) -> PairedSlice:
    losses = np.random.default_rng(seed).beta(2, 6, rows)
    after = losses + worse + np.random.default_rng(seed + 1).normal(0, 0.05, rows)
    return PairedSlice(name, losses.tolist(), after.tolist())


def test_no_protected_slice_may_get_surely_worse() -> None:
    gate = Slices(("origin",))
    assert (
        gate.judge(Evidence(slices=[part("origin EWR", 300, -0.01), part("origin JFK", 300, 0.0)])).state is State.PASS
    )
    found = gate.judge(Evidence(slices=[part("origin EWR", 300, -0.05), part("origin JFK", 300, 0.03)]))
    assert found.state is State.FAIL
    assert found.reasons[0].startswith("origin JFK gets worse: mean loss 0.2")
    assert Slices().judge(Evidence()).state is State.PASS


def test_a_slice_that_has_vanished_is_named_and_not_judged() -> None:
    gate = Slices(("origin",))
    found = gate.judge(Evidence(slices=[part("origin EWR", 300, 0.0), part("origin LGA", 3, 0.5)]))
    assert (found.state, found.reasons[-1]) == (State.PASS, "too few rows to judge origin LGA")
    assert gate.judge(Evidence(slices=[part("origin LGA", 3, 0.5)])).state is State.CANNOT_TELL
    assert gate.judge(Evidence()).state is State.CANNOT_TELL


def test_chance_refuses_few_equal_newcomers() -> None:
    """Ten slices at once, nothing worse: five percent of all newcomers would be allowed."""
    gate = Slices(("origin",))
    refused = sum(
        gate.judge(Evidence(slices=[part(f"s{one}", 100, 0.0, seed=50 * seed + one) for one in range(10)])).state
        is State.FAIL
        for seed in range(100)
    )
    assert refused <= 12


def test_gates_take_their_settings_from_the_project() -> None:
    spec = GateSpec(("latency", "floor", "slices"), floor={"brier": 0.2}, latency=timedelta(milliseconds=9), size=0)
    made = open_gates(Project("p", Path(), Path(), Path(), gates=spec, slices=SliceSpec(protected=("a",))))
    assert made == (Latency(0.009, 0), Floor({"brier": 0.2}), Slices(("a",)))
    with pytest.raises(UsageError, match=r"no metric 'brir'; did you mean 'brier'"):
        open_gates(Project("p", Path(), Path(), Path(), gates=GateSpec(("floor",), floor={"brir": 0.2})))


def test_a_newcomer_that_answers_no_number_is_refused() -> None:
    losses = np.random.default_rng(1).beta(2, 6, 100)
    odd = np.where(np.arange(100) == 7, np.nan, losses)
    found = NotWorse().judge(Evidence(champion_losses=losses.tolist(), challenger_losses=odd.tolist()))
    assert (found.state, found.reasons) == (State.FAIL, ("an answer is no finite number",))


def test_who_knows_nothing_is_kept_out_where_a_good_model_saves_little() -> None:
    """Flights: .190 against .200 of the base rate. Five percent of the loss would let in a model of shuffled labels."""
    chance = np.random.default_rng(3)
    champion = chance.beta(2, 8.5, 5000)
    useless, base = champion + chance.normal(0.008, 0.05, 5000), champion + chance.normal(0.010, 0.05, 5000)
    good = champion + chance.normal(0.002, 0.05, 5000)
    known = Evidence(champion_losses=champion.tolist(), base_losses=base.tolist())
    gate = NotWorse()
    assert gate.judge(replace(known, challenger_losses=good.tolist())).state is State.PASS
    assert gate.judge(replace(known, challenger_losses=useless.tolist())).state is State.FAIL
    without = replace(known, challenger_losses=useless.tolist(), base_losses=())
    assert gate.judge(without).state is State.PASS
    lost = replace(known, challenger_losses=useless.tolist(), base_losses=(champion - 0.01).tolist())
    assert gate.judge(lost).state is State.PASS
