"""A retrain by the clock waits where the last ones say that it would not pay; never for ever."""

from datetime import UTC, datetime

import pytest

from trimtab.nouns import Decision, Evidence, Interval, State, Verdict
from trimtab.nouns.project import RetrainSpec
from trimtab.retrain.forecast import judge_forecast, list_savings

COSTLY = RetrainSpec(every=10.0, cost=50.0)
SMALL, LARGE = Interval(0.001, -0.004, 0.006, 1000), Interval(0.03, 0.02, 0.04, 1000)


PROMISED = Interval(0.10, 0.09, 0.11, 1000)


def known(*savings: Interval, windows: int = 10, rows: int = 5000, lost: float = 0.1) -> Evidence:
    return Evidence([lost] * 50, (50,), PROMISED, savings=savings, windows_since_fit=windows, rows_since_fit=rows)


@pytest.mark.parametrize(
    ("evidence", "spec", "state"),
    [
        (known(SMALL, SMALL, SMALL), COSTLY, State.PASS),
        (known(LARGE, LARGE, LARGE), COSTLY, State.FAIL),
        (known(LARGE, SMALL, SMALL, SMALL), COSTLY, State.PASS),  # three are looked at
        (known(SMALL, SMALL), COSTLY, State.PASS),
        (known(SMALL), COSTLY, State.CANNOT_TELL),
        (known(SMALL, Interval(0.0, float("nan"), float("nan"), 1)), COSTLY, State.CANNOT_TELL),
        (known(SMALL, SMALL, SMALL), RetrainSpec(every=10.0), State.CANNOT_TELL),  # costs nothing: never postponed
    ],
)
def test_a_retrain_waits_only_where_it_surely_does_not_pay(evidence: Evidence, spec: RetrainSpec, state: State) -> None:
    assert judge_forecast(evidence, spec).state is state


def test_what_was_saved_before_an_alarm_says_nothing_after_it() -> None:
    """Retrains by the clock and their ends: the alarm's own newcomer is the first that counts."""
    verdict = Verdict("v2", "v1", 1000, {}, (), SMALL)

    def journal(*triggers: str) -> list[Decision]:
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        pairs = (
            (
                Decision("retrain", f"trigger:{one}", (), moment, moment),
                Decision("refuse", "blend", (), moment, moment, verdict=verdict),
            )
            for one in triggers
        )
        return [one for pair in pairs for one in pair]

    assert list_savings(journal("every", "growth")) == (SMALL, SMALL)
    assert list_savings(journal("every", "growth", "risk")) == (SMALL,)
    assert list_savings(journal("every", "opportunity", "every")) == (SMALL, SMALL)


def test_where_answers_lose_more_than_promised_it_may_pay() -> None:
    """Then the last retrains, made in better days, say little about the next one."""
    assert judge_forecast(known(SMALL, SMALL, lost=0.109), COSTLY).state is State.PASS
    assert judge_forecast(known(SMALL, SMALL, lost=0.111), COSTLY).state is State.FAIL
    assert judge_forecast(Evidence(savings=(SMALL, SMALL), rows_since_fit=10), COSTLY).state is State.FAIL


def test_it_waits_no_longer_than_twice_the_period() -> None:
    assert judge_forecast(known(SMALL, SMALL, windows=19), COSTLY).state is State.PASS
    assert judge_forecast(known(SMALL, SMALL, windows=20), COSTLY).state is State.FAIL
    assert judge_forecast(known(SMALL, SMALL, windows=27), RetrainSpec(every=0.0, cost=50.0)).state is State.PASS
    assert judge_forecast(known(SMALL, SMALL, windows=28), RetrainSpec(every=0.0, cost=50.0)).state is State.FAIL


def test_the_longer_it_waits_the_more_is_at_stake() -> None:
    """The mean of two upper ends .006 is .001 + .005 / sqrt(2) = .00454: 11,000 rows make it 50."""
    assert judge_forecast(known(SMALL, SMALL, rows=10_900), COSTLY).state is State.PASS
    found = judge_forecast(known(SMALL, SMALL, rows=11_100), COSTLY)
    assert found.state is State.FAIL
    assert found.evidence["forecast"] == pytest.approx(50.3, abs=0.1)


def test_the_reason_has_all_numbers() -> None:
    first, second = judge_forecast(known(SMALL, SMALL), COSTLY).reasons
    assert first == (
        "the last 2 retrains would save 22.7 at most on 5,000 rows, as many as since the last fit; a retrain costs 50"
    )
    assert second == "it waits, until 20 windows after the last fit at most"
