"""Decisions follow from the judgements alone, and their reasons can be read by a person."""

from datetime import UTC, datetime

import pytest

from trimtab.nouns import Decision, Interval, Judgement, State, Verdict
from trimtab.promote import decide, first

AT = datetime(2026, 3, 2, tzinfo=UTC)
BETTER = "better on 612 rows that neither model had seen: mean loss 0.141 against 0.162; evidence 1,840 (asked: 20)"


def gate(name: str, state: State, reason: str = "a reason") -> Judgement:
    return Judgement(name, state, (reason,))


def rule(*gates: Judgement, **differences: Interval) -> Decision:
    return decide(Verdict("v4", "v3", 612, differences, gates), at=AT, as_of=AT)


def test_a_challenger_that_passed_every_gate_is_promoted() -> None:
    decision = rule(gate("golden", State.PASS), gate("paired", State.PASS, BETTER))
    assert (decision.action, decision.version, decision.by) == ("promote", "v4", "switch")
    assert decision.reasons[0] == "v4 replaces v3: every gate passed"
    assert f"gate paired passed: {BETTER}" in decision.reasons


def test_a_challenger_that_failed_one_gate_is_refused_and_the_failure_stands_first() -> None:
    decision = rule(gate("golden", State.PASS), gate("paired", State.FAIL, "worse on 612 rows"))
    assert (decision.action, decision.version) == ("refuse", "v4")
    assert decision.reasons[1] == "gate paired failed: worse on 612 rows"


def test_without_evidence_the_champion_is_kept() -> None:
    decision = rule(gate("golden", State.PASS), gate("paired", State.CANNOT_TELL, "12 rows, 30 are needed"))
    assert (decision.action, decision.version) == ("keep", "v3")
    assert decision.reasons[:2] == (
        "v3 is kept: it is not shown that v4 is better",
        "gate paired open: 12 rows, 30 are needed",
    )


def test_a_verdict_without_gates_promotes_nobody() -> None:
    assert rule().action == "keep"


def test_a_failure_outweighs_a_doubt() -> None:
    assert rule(gate("golden", State.FAIL), gate("paired", State.CANNOT_TELL)).action == "refuse"


def test_the_verdict_travels_with_the_decision() -> None:
    verdict = Verdict("v4", "v3", 0, {}, (gate("golden", State.PASS),))
    assert decide(verdict, at=AT, as_of=AT, by="marta").verdict is verdict
    assert decide(verdict, at=AT, as_of=AT, by="marta").by == "marta"


def test_differences_are_told_with_their_direction_and_the_risk_of_classes_once() -> None:
    gain = Interval(0.021, 0.0121, 0.0304, 612)
    decision = rule(gate("paired", State.PASS), risk=gain, brier=gain)
    assert decision.reasons[-1] == "v4 against v3 (above 0: v4 is better): brier 0.0210 [0.0121, 0.0304]"
    assert "risk 0.0210" in rule(gate("paired", State.PASS), risk=gain, mae=gain).reasons[-1]


@pytest.mark.parametrize(
    ("state", "action"), [(State.PASS, "promote"), (State.FAIL, "refuse"), (State.CANNOT_TELL, "wait")]
)
def test_the_first_version_needs_its_golden_rows(state: State, action: str) -> None:
    decision = first("v1", gate("golden", state, "row 3 differs"), at=AT, as_of=AT)
    assert (decision.action, decision.version, decision.by) == (action, "v1", "first")
    assert "row 3 differs" in decision.reasons[1]


def test_a_first_version_that_beats_nothing_is_promoted_with_a_warning() -> None:
    decision = first("v1", gate("golden", State.PASS), at=AT, as_of=AT, warnings=["it is odd"])
    assert decision.action == "promote"
    assert decision.reasons[2:] == ("warning: it is odd",)
