"""The checks that need a server, on one that answers for a copy of the project; each with its negative control."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from trimtab.audit.readiness.checks import canary, invalid, numerics, rollback
from trimtab.audit.readiness.ground import Ground, open_ground
from trimtab.audit.readiness.spoil import Spoiled, spoil_row
from trimtab.loop.state import Wheel
from trimtab.nouns import Column, Decision, State, Trim
from trimtab.nouns.verdict import Verdict
from trimtab.serve.child import Server

from .conftest import FIRST, say_nothing

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Stand:
    """A served copy of the project, and the ground that it was copied from."""

    ground: Ground
    wheel: Wheel
    server: Server


@pytest.fixture(scope="module")
def stand(project: Any) -> Iterator[Stand]:
    with open_ground(project, say_nothing) as ground, ground.served() as (wheel, server):
        yield Stand(ground, wheel, server)


def test_an_invalid_batch_is_refused_and_counted(stand: Stand) -> None:
    valid = stand.ground.rows[0]
    found = invalid.replay(stand.server, valid, spoil_row(stand.ground.wheel.contract, valid))
    assert found.state is State.PASS, found
    assert found.numbers["sent"] == found.numbers["counted"] == 17


def test_a_row_that_no_rule_refuses_is_missed(stand: Stand) -> None:
    """What a rule should refuse and the server takes makes the drill fail."""
    valid = stand.ground.rows[0]
    taken = Spoiled("b", "above a range that nobody declared", {**valid, "b": 99.0})
    found = invalid.replay(stand.server, valid, [taken])
    assert (found.state, found.numbers["counted"]) == (State.FAIL, 0)
    assert "'b' above a range that nobody declared" in found.missing


def test_odd_numbers_never_end_in_a_failure(stand: Stand) -> None:
    numeric = [column for column in stand.wheel.contract.features if column.type == "number"]
    found = numerics.ask_odd(stand.server, stand.ground.rows[0], numeric)
    assert (found.state, found.numbers["sent"]) == (State.PASS, 24), found


class NanService:
    """Answers everything, with a number that is none."""

    def post_text(self, path: str, text: str) -> tuple[int, dict[str, Any]]:
        assert (path, "__here__" in text) == ("/predict", False)
        return 200, {"prediction": "yes", "probability": math.nan}

    def hang_up(self) -> None:
        """Do nothing."""


class FailingService(NanService):
    """Falls over a huge number, as a model behind a plain parser does."""

    def post_text(self, path: str, text: str) -> tuple[int, dict[str, Any]]:
        return (500, {}) if "1e400" in text else (422, {})


@pytest.mark.parametrize(("service", "wrong"), [(NanService(), 10), (FailingService(), 2)])
def test_a_service_that_fails_or_answers_nan_is_found(service: NanService, wrong: int) -> None:
    found = numerics.ask_odd(service, {"a": 1.0}, [Column("a", "number")])
    assert (found.state, found.numbers["wrong"]) == (State.FAIL, wrong)


def test_a_rollback_gives_the_answers_of_the_fit_again_bit_for_bit(stand: Stand) -> None:
    previous = stand.wheel.catalog.find_version("previous").id
    rows = rollback.golden_rows(stand.wheel, previous, stand.ground.rows[0])
    found = rollback.roll_back(stand.wheel, stand.server, rows)
    assert (found.state, found.numbers["golden"], found.numbers["same"]) == (State.PASS, 20, 20), found


def test_one_bit_in_an_answer_makes_the_rollback_fail(stand: Stand) -> None:
    previous = stand.wheel.catalog.find_version("previous").id
    rows = rollback.golden_rows(stand.wheel, previous, stand.ground.rows[0])
    row, wanted = rows[3]
    bent = wanted[:-2] + str((int(wanted[-2]) + 1) % 10) + "}" if '"probability":' in wanted else ""
    found = rollback.roll_back(stand.wheel, stand.server, [*rows[:3], (row, bent), *rows[4:]])
    assert (found.state, found.numbers["same"]) == (State.FAIL, 19)


def test_a_damaged_newcomer_never_answers(stand: Stand) -> None:
    trim = stand.wheel.catalog.trim()
    asked, wrong, troubled = canary.endure(stand.wheel, stand.server, stand.ground.rows[0], canary.BROKEN)
    restore(stand.wheel, trim)
    assert (asked > 5, wrong, troubled) == (True, 0, True)


def test_a_newcomer_that_loads_would_answer_without_gates(stand: Stand) -> None:
    """The negative control: the drill sees it when somebody else answers."""
    trim = stand.wheel.catalog.trim()
    assert trim is not None
    other = next(one.id for one in stand.wheel.catalog.versions() if one.id != trim.champion)
    _, wrong, troubled = canary.endure(stand.wheel, stand.server, stand.ground.rows[0], other)
    restore(stand.wheel, trim)
    assert (wrong > 0, troubled) == (True, False)


def restore(wheel: Wheel, trim: Trim | None) -> None:
    assert trim is not None
    back = Decision("promote", "test", ("back",), FIRST, FIRST)
    wheel.catalog.decide(back, replace(trim, epoch=wheel.catalog.epoch() + 1))


def test_only_a_newcomer_that_was_compared_counts_as_tried() -> None:
    verdict = Verdict("v2", "v1", 300, {}, ())
    by_hand = Decision("promote", "person:me", ("by hand",), FIRST, FIRST)
    by_rule = Decision("promote", "switch", ("compared",), FIRST, FIRST, verdict=verdict, number=4)
    assert canary.find_compared([by_hand]) is None
    assert canary.find_compared([by_rule, by_hand]) == ("Decision 4: v2 was compared on 300 rows that neither had seen")
