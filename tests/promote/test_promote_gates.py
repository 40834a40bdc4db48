"""Gates pass on evidence, fail on evidence, and say so when there is none. Figures are printed with `pytest -s`."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import UsageError
from trimtab.nouns import Evidence, Judgement, Project, State
from trimtab.nouns.project import GateSpec, PromoteSpec
from trimtab.promote import judge, open_gates
from trimtab.promote.gates.golden import Golden
from trimtab.promote.gates.paired import BETS, Paired

LOSSES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=30, max_size=80)


def pair(champion: np.ndarray, challenger: np.ndarray, asked: float = 20.0) -> Judgement:
    return Paired(asked).judge(Evidence(champion_losses=champion.tolist(), challenger_losses=challenger.tolist()))


def draw(rows: int, gain: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a champion and of a challenger that is better by `gain` on average, row by row related."""
    chance = np.random.default_rng(seed)
    hard = chance.beta(2, 6, rows)
    return np.clip(hard + gain + chance.normal(0, 0.05, rows), 0, 1), np.clip(hard + chance.normal(0, 0.05, rows), 0, 1)


def test_a_better_challenger_passes_with_its_numbers() -> None:
    found = pair(*draw(612, gain=0.03))
    assert found.state is State.PASS
    assert "better on 612 rows that neither model had seen: mean loss" in found.reasons[0]
    assert found.reasons[0].endswith("(asked: 20)")
    assert found.evidence["difference"] == pytest.approx(0.03, abs=0.01)


def test_a_worse_challenger_fails() -> None:
    champion, challenger = draw(612, gain=0.03)
    found = pair(challenger, champion)
    assert found.state is State.FAIL
    assert found.reasons[0].startswith("worse on 612 rows")


def test_equal_models_cannot_be_told_apart() -> None:
    assert pair(*draw(612)).state is State.CANNOT_TELL


@given(LOSSES)
@settings(deadline=None, max_examples=100)
def test_the_evidence_is_the_mean_product_of_the_bets(rows: list[tuple[float, float]]) -> None:
    gains = [champion - challenger for champion, challenger in rows]
    expected = sum(math.prod(1 + bet * gain for gain in gains) for bet in BETS) / len(BETS)
    champion, challenger = np.array(rows).T
    assert pair(champion, challenger).evidence["e_better"] == pytest.approx(expected, rel=1e-9)


@given(LOSSES)
@settings(deadline=None, max_examples=100)
def test_changing_places_turns_the_judgement_round(rows: list[tuple[float, float]]) -> None:
    champion, challenger = np.array(rows).T
    mirror = {State.PASS: State.FAIL, State.FAIL: State.PASS, State.CANNOT_TELL: State.CANNOT_TELL}
    assert pair(challenger, champion, 3.0).state is mirror[pair(champion, challenger, 3.0).state]


def test_no_better_challenger_passes_more_often_than_promised_although_it_is_looked_at_after_every_row() -> None:
    """Equal models, evidence 20 asked for: at most 1 of 20 may ever reach it, at whatever row one stops."""
    chance, runs, rows = np.random.default_rng(9), 1000, 500
    gains = chance.choice([-0.6, 0.2, 0.2, 0.2], size=(runs, rows))
    wealth = np.mean([np.exp(np.cumsum(np.log1p(bet * gains), axis=1)) for bet in BETS], axis=0)
    passed = int((wealth.max(axis=1) >= 20).sum())
    sys.stdout.write(f"paired: {passed} of {runs} equal challengers ever reach 20, at most {runs // 20} expected\n")
    assert 0 < passed <= runs / 20 + 3 * math.sqrt(runs / 20)
    # The gate's own arithmetic is the last column of that picture.
    assert pair(np.maximum(gains[0], 0), np.maximum(-gains[0], 0)).evidence["e_better"] == pytest.approx(wealth[0, -1])


def test_how_many_rows_a_difference_needs() -> None:
    for gain, at_most in ((0.02, 400), (0.05, 150)):
        needed = [next(n for n in range(30, 900, 10) if passes(n, gain, seed)) for seed in range(20)]
        sys.stdout.write(f"paired: a gain of {gain} passes after {np.median(needed):.0f} rows (median)\n")
        assert np.median(needed) <= at_most


def passes(rows: int, gain: float, seed: int) -> bool:
    champion, challenger = draw(900, gain, seed)
    return pair(champion[:rows], challenger[:rows]).state is State.PASS


@pytest.mark.parametrize(
    ("champion", "challenger", "reason"),
    [
        ([], [], "0 rows that neither model had seen, 30 are needed"),
        ([1.0] * 29, [0.0] * 29, "29 rows"),
        ([1.0] * 40, [0.0] * 41, "40 losses of the champion do not pair with 41 of the challenger"),
        ([0.5] * 40, [*[0.5] * 39, math.nan], "1 losses are not between 0 and 1"),
        ([1.5] * 40, [0.5] * 40, "40 losses are not between 0 and 1"),
    ],
)
def test_it_says_when_it_cannot_tell(champion: list[float], challenger: list[float], reason: str) -> None:
    found = Paired().judge(Evidence(champion_losses=champion, challenger_losses=challenger))
    assert found.state is State.CANNOT_TELL
    assert reason in found.reasons[0]


@pytest.mark.parametrize(
    ("came", "state", "reason"),
    [
        ("", State.PASS, "bit for bit"),
        (None, State.CANNOT_TELL, "were not asked"),
        ("row 3: 0.2 instead of 0.3", State.FAIL, "not answered: row 3: 0.2 instead of 0.3"),
    ],
)
def test_golden(came: str | None, state: State, reason: str) -> None:
    found = Golden().judge(Evidence(golden=came))
    assert found.state is state
    assert reason in found.reasons[0]


def project(*gates: str) -> Project:
    return Project("flights", Path(), Path(), Path(), gates=GateSpec(use=gates, evidence=50.0))


def test_where_one_version_answers_it_has_to_be_better() -> None:
    switch = replace(project("golden"), promote=PromoteSpec(style="switch"))
    assert [gate.name for gate in open_gates(switch)] == ["golden", "paired"]


def test_gates_take_their_settings_from_the_project() -> None:
    assert open_gates(project("golden", "paired")) == (Golden(), Paired(50.0))


def test_each_gate_says_its_part() -> None:
    found = judge(project("golden", "paired"), Evidence(golden=""))
    assert [(one.name, one.state) for one in found] == [("golden", State.PASS), ("paired", State.CANNOT_TELL)]


def test_names_are_refused_before_anything_is_judged() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'paired'\?"):
        judge(project("pared"), Evidence())
