"""A source that lies is found out, told of and set aside; what answers is as if it had said nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.loop import poison
from tests.loop.poison import LIAR, lead, make_project

from trimtab import clock
from trimtab.errors import UsageError
from trimtab.loop.cycle import train
from trimtab.loop.doubts import Doubt, believe, leave_out, read_doubts, to_state
from trimtab.loop.known import resolve
from trimtab.loop.state import Wheel
from trimtab.loop.tick import measure
from trimtab.nouns import Decision, State

MakeWheel = Callable[..., Wheel]


def say_nothing(_: str) -> None:
    pass


def test_lies_of_one_source_do_no_harm_and_the_challenger_passes(tmp_path: Path) -> None:
    """A fifth of all labels say no, whatever happened. The second turn is sure, and forgets what the first learnt."""
    folder = make_project(tmp_path, 0)
    clean, poisoned = (lead(folder, 0, attack, 4) for attack in (poison.tell_truth(0.2), poison.deny(0.2)))
    assert clean.doubted == []
    assert poisoned.doubted == [LIAR]
    assert poisoned.passed
    assert poisoned.rise_over(clean) < 0.01
    assert poisoned.losses[0] > 1.005 * clean.losses[0]
    assert poisoned.losses[1:] == pytest.approx(clean.losses[1:], rel=0.002)
    (again,) = [one for one in poisoned.decisions if one.action == "trim" and len(one.reasons) == 2]
    assert again.reasons[1].startswith("what was learnt with labels of a source that is doubted now is forgotten")
    (doubt,) = [one for one in poisoned.decisions if one.action == "doubt"]
    assert doubt.by == "crosscheck"
    assert doubt.reasons[0].startswith("labels of http:liar deviate by 0.")
    assert doubt.reasons[1].endswith("`trimtab outcomes --believe http:liar`")


def test_what_a_liar_taught_is_forgotten_after_a_crash_too(tmp_path: Path) -> None:
    """The turn that began to doubt it came no further: the next one forgets."""
    course = lead(make_project(tmp_path, 0), 0, poison.deny(0.2), 3, crashes=True)
    trims = [len(one.reasons) for one in course.decisions if one.action == "trim"]
    assert course.doubted == [LIAR]
    assert trims == [1, 2]


MOMENT = clock.parse("2026-03-01T00:00:00Z")


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def outcomes(*told: str) -> pl.DataFrame:
    """One Outcome a minute from each of these sources."""
    known = [MOMENT + minutes(place) for place in range(len(told))]
    return pl.DataFrame({"id": range(len(told)), "source": told, "_known_at": known})


@pytest.mark.parametrize(
    ("doubt", "kept"),
    [
        (Doubt("b", "deviates", MOMENT + minutes(2), MOMENT), [0, 1, 3]),
        (Doubt("b", "deviates", MOMENT + minutes(2), MOMENT, until=MOMENT + minutes(4)), [0, 1, 3, 4]),
        (Doubt("b", "deviates", MOMENT, MOMENT, lifted=MOMENT + minutes(1)), [0, 1, 2, 3, 4]),
        (Doubt("b", "deviates", MOMENT, MOMENT + minutes(99)), [0, 1, 2, 3, 4]),
        (Doubt("b", "new", MOMENT, MOMENT), [0, 1, 2, 3]),
    ],
)
def test_what_is_doubted_is_left_out_from_its_moment_on(doubt: Doubt, kept: list[int]) -> None:
    """Of a new source no more labels count than others tell: here two."""
    told = outcomes("a", "b", "b", "a", "b")
    assert leave_out(told, [doubt], MOMENT + minutes(10))["id"].to_list() == kept


def test_a_persons_word_lets_all_labels_count_again(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    before = resolve(wheel, None)
    with pytest.raises(UsageError, match="not in doubt"):
        believe(wheel, "http:k1", by="marta")
    decision = Decision("doubt", "crosscheck", ("it lies",), clock.now(), before.rows)
    wheel.catalog.decide(decision, states=to_state([Doubt("http:k1", "deviates", MOMENT, before.rows)]))
    finding = measure(wheel, resolve(wheel, None)).watched.findings[-1]
    assert (finding.subject, finding.judgement.state) == ("sources", State.FAIL)
    assert finding.judgement.reasons[0].startswith("labels of http:k1 since 2026-03-01 00:00 UTC do not count")
    with pytest.raises(UsageError, match="not in doubt"):
        believe(wheel, "http:k2", by="marta")
    assert believe(wheel, "http:k1", by="marta").by == "person:marta"
    assert measure(wheel, resolve(wheel, None)).watched.findings[-1].subject != "sources"
    (doubt,) = read_doubts(wheel)
    assert doubt.holds_at(before.rows)
    assert not doubt.holds_at(clock.now())


def test_a_new_source_counts_as_far_as_others_tell_until_it_was_compared(tmp_path: Path) -> None:
    """It joins in the second batch with some 80 labels, and 100 must have been compared."""
    course = lead(make_project(tmp_path, 1), 1, poison.join_late, 3)
    opened, ended = (one for one in course.decisions if one.action in {"doubt", "believe"})
    assert opened.reasons[0].startswith(
        "http:liar is a new source of labels: no more of them count than the others tell"
    )
    assert ended.action == "believe"
    assert "of http:liar were compared with others: all of them count from now on" in ended.reasons[0]


def test_a_file_is_the_operators_word_and_not_on_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison, "LIAR", "file")
    course = lead(make_project(tmp_path, 1), 1, poison.join_late, 2)
    assert {one.action for one in course.decisions} == {"promote", "retrain", "trim"}
