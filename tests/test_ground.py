from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest

from trimtab import clock
from trimtab.errors import ConfigError, Mistake, UsageError
from trimtab.nouns import Member, State, Trim, canonical
from trimtab.nouns.verdict import Judgement, Verdict


def test_identifiers_sort_by_time_and_tell_it() -> None:
    ids = []
    for _ in range(50):
        clock.sleep(1e-6)
        ids.append(clock.uuid7())
    assert ids == sorted(set(ids))
    assert all(UUID(one).version == 7 and UUID(one).variant == RFC_4122 for one in ids)
    made = clock.made_at(ids[0])
    assert made is not None
    assert abs(made - clock.now()) < timedelta(seconds=5)
    assert clock.made_at("no identifier") is None
    assert clock.made_at("6f1e58a4-8a05-4b6e-9c5c-0a6d4c8e7f11") is None


def test_a_naive_time_is_refused_with_the_way_out() -> None:
    assert clock.parse("2026-01-31T12:00:00+02:00") == datetime(2026, 1, 31, 10, tzinfo=UTC)
    with pytest.raises(UsageError, match="add Z for UTC"):
        clock.parse("2026-01-31T12:00:00")


def test_an_error_tells_all_mistakes_and_what_next() -> None:
    error = ConfigError("two wrong.", mistakes=[Mistake("a.b", "x"), Mistake("c", "y")], hint="mend")
    assert str(error).splitlines() == ["two wrong.", "  a.b: x", "  c: y", "Next: mend"]
    assert error.exit_code == 2


def test_canonical_text_has_one_form() -> None:
    assert canonical({"b": datetime(2026, 1, 1, tzinfo=UTC), "a": [1.0]}) == canonical(
        {"a": (1.0,), "b": datetime(2026, 1, 1, tzinfo=UTC)}
    )


def test_the_champion_has_the_greatest_weight_and_ties_go_to_the_newest() -> None:
    assert Trim(1, (Member("old", 0.5), Member("new", 0.5))).champion == "new"
    assert Trim(1, (Member("old", 0.6), Member("new", 0.4))).champion == "old"


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ([State.PASS, State.PASS], State.PASS),
        ([State.PASS, State.CANNOT_TELL], State.CANNOT_TELL),
        ([State.CANNOT_TELL, State.FAIL], State.FAIL),
        ([], State.CANNOT_TELL),
    ],
)
def test_a_verdict_is_as_strict_as_its_gates(states: list[State], whole: State) -> None:
    gates = tuple(Judgement(f"g{number}", state, ()) for number, state in enumerate(states))
    assert Verdict("b", "a", 10, {}, gates).state == whole
