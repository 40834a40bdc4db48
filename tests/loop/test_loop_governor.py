"""Admission, retirement, putting back and a person's word, each with Decision and explanation; and bad input."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.loop.conftest import SETTINGS
from tests.loop.test_loop_tick import answer_and_learn
from tests.loop.test_loop_trimming import SETTINGS as BLEND

from trimtab import clock
from trimtab.errors import DataError
from trimtab.loop import finish as finishing
from trimtab.loop.challenge import propose_shuffled
from trimtab.loop.cycle import train
from trimtab.loop.decided import explain_decision
from trimtab.loop.forward import OUTCOMES, frame_of
from trimtab.loop.known import load_labelled, resolve
from trimtab.loop.probation import find_promotion
from trimtab.loop.report import status
from trimtab.loop.stand import promote
from trimtab.loop.state import Wheel
from trimtab.loop.tick import measure, retrain_now, tick
from trimtab.nouns import Decision, Member, Trim

MakeWheel = Callable[..., Wheel]
CALM = BLEND.replace('"5 windows"', '"50 windows"')


def say_nothing(_: str) -> None:
    pass


def learn_more(wheel: Wheel, rows: int = 300, *, turned: bool = False, ago: float = 0.4) -> None:
    """Answers and outcomes that are newer than all that was fitted."""
    time.sleep(ago + 0.1)
    answer_and_learn(wheel, rows, turned=turned, ago=ago)


def test_a_person_retrains_and_the_gates_let_in(make_wheel: MakeWheel) -> None:
    """An admission, with every gate of the default, and why it answers with this weight."""
    settings = CALM.replace('use = ["golden", "not_worse"]', "") + '[slices]\nprotected = ["a"]\n'
    wheel = make_wheel(600, turned_at=600, settings=settings)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    due, admitted = retrain_now(wheel, by="marta", tell=say_nothing)
    assert (due.action, due.by, due.reasons) == ("retrain", "person:marta", ("marta asked for it",))
    assert (admitted.action, admitted.by) == ("promote", "blend")
    assert admitted.verdict is not None
    names = ["parity", "golden", "latency", "floor", "slices", "not_worse"]
    assert [gate.name for gate in admitted.verdict.gates] == names
    assert admitted.verdict.gates[4].evidence["slices"] == 4  # quarters of the range of `a`
    told = explain_decision(wheel, admitted)
    assert told.facts["again"] is True
    text = " ".join(told.sentences)
    assert "From its gates follows the same again: v2 takes half of the weight of its predecessors" in text
    assert "At epoch 2 v2 weighed 0.500, beside v1 0.500." in text
    assert "Today, after 0 changes of the Trim, it weighs 0.500 and is the champion." in text
    with pytest.raises(DataError, match="Nothing was promoted"):
        retrain_now(make_empty(wheel), by="marta", tell=say_nothing)


def make_empty(wheel: Wheel) -> Wheel:
    """The same project under another record, where nothing was promoted yet."""
    from trimtab.store import open_catalog

    state = wheel.project.state / "empty"
    state.mkdir()
    return replace(wheel, catalog=open_catalog(replace(wheel.project, state=state, folder=state)))


def test_a_refusal_says_why_and_that_it_never_answered(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(900, turned_at=900, settings=CALM)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    refused = propose_shuffled(wheel, resolve(wheel, None), seed=1, by="test", tell=say_nothing)
    assert refused.action == "refuse"
    text = " ".join(explain_decision(wheel, refused).sentences)
    assert "gate not_worse failed" in text
    assert "v2 has never answered." in text


def test_what_needs_approval_waits_for_a_person(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=CALM.replace("[gates]", "[gates]\napproval = true"))
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    _, waits = retrain_now(wheel, by="marta", tell=say_nothing)
    assert waits.action == "admit"
    assert waits.reasons[0] == "v2 passed, and waits for a person: `trimtab promote v2`"
    assert explain_decision(wheel, waits).facts["again"] is True
    before = wheel.catalog.trim()
    assert before is not None
    assert {member.version for member in before.members} == {wheel.catalog.find_version("v1").id}
    let_in = promote(wheel, "v2", by="paul")
    assert (let_in.action, let_in.by) == ("promote", "person:paul")
    trim = wheel.catalog.trim()
    assert trim is not None
    assert {wheel.catalog.find_version(member.version).name for member in trim.members} == {"v1", "v2"}


def test_a_predecessor_without_weight_retires_by_a_decision_of_its_own(make_wheel: MakeWheel) -> None:
    """It has weighed next to nothing for four windows, and does so for a fifth."""
    wheel = make_wheel(600, turned_at=600, settings=CALM.replace("versions = 3", "versions = 2"))
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    retrain_now(wheel, by="marta", tell=say_nothing)
    state = json.loads(json.dumps(wheel.catalog.get_state("layer")))
    seats = state["layer"]["seats"]
    seats["predecessor"]["weights"], seats["newest"]["weights"] = [0.0, 0.0, 0.0], [0.4, 0.3, 0.3]
    wheel.catalog.put_state("layer", {**state, "quiet": 4})
    learn_more(wheel, 150, ago=0.3)
    trimmed, retired = tick(wheel, tell=say_nothing).decisions
    assert (trimmed.action, retired.action, retired.by) == ("trim", "retire", "layer")
    assert retired.reasons == ("v1 leaves: it has weighed less than 0.0600 for 5 windows",)
    trim = wheel.catalog.trim()
    assert trim is not None
    assert {member.version for member in trim.members} == {wheel.catalog.find_version("v2").id}
    text = " ".join(explain_decision(wheel, retired).sentences)
    assert "Its weight in the epochs before: 1, 0.500, 0.0500." in text
    assert tick(wheel, tell=say_nothing).decisions == ()  # the same answers go on, they are no new beginning


def switched(wheel: Wheel) -> Decision:
    """Let v2 replace v1 as style `switch` would have decided."""
    newcomer, trim = wheel.catalog.find_version("v2"), wheel.catalog.trim()
    assert trim is not None
    moment = clock.now()
    decision = Decision("promote", "switch", ("v2 replaces v1",), moment, moment, version=newcomer.id)
    return wheel.catalog.decide(decision, Trim(trim.epoch + 1, (Member(newcomer.id),), 0.5))


def test_a_promotion_that_outcomes_prove_wrong_is_put_back(make_wheel: MakeWheel) -> None:
    """v2 was fitted on shuffled labels and answers all the same; a window of outcomes is enough, on the record."""
    settings = SETTINGS.replace("[retrain]", '[promote]\nstyle = "switch"\n[retrain]')
    wheel = make_wheel(900, turned_at=900, settings=settings)
    train(wheel, tell=say_nothing)
    assert find_promotion(wheel) is None  # it replaced nothing
    learn_more(wheel)
    propose_shuffled(wheel, resolve(wheel, None), seed=1, by="test", tell=say_nothing)
    promotion = switched(wheel)
    learn_more(wheel, 200, ago=0.3)
    (back,) = tick(wheel, tell=say_nothing).decisions
    v1 = wheel.catalog.find_version("v1")
    assert (back.action, back.by, back.version, back.epoch) == ("roll_back", "switch", v1.id, 3)
    assert back.reasons[0] == f"v1 answers again in place of v2, that decision {promotion.number} had promoted"
    trim = wheel.catalog.trim()
    assert trim is not None
    assert trim.members == (Member(v1.id),)
    told = explain_decision(wheel, back)
    assert told.facts["again"] is True
    assert any(
        line.startswith("Reckoned again from the answers and outcomes on record: better on") for line in told.sentences
    )
    assert all(one.action != "roll_back" for one in tick(wheel, tell=say_nothing).decisions)


def test_a_good_promotion_stays(make_wheel: MakeWheel) -> None:
    settings = SETTINGS.replace("[retrain]", '[promote]\nstyle = "switch"\n[retrain]')
    wheel = make_wheel(900, turned_at=900, settings=settings)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    retrain_now(wheel, by="marta", tell=say_nothing)
    switched(wheel)
    learn_more(wheel, 200, ago=0.3)
    assert tick(wheel, tell=say_nothing).decisions == ()


# --- bad input: what is unfit changes nothing that answers ------------------------------------------------------------


def test_without_labels_nothing_moves(make_wheel: MakeWheel) -> None:
    """Windows pass, no outcome comes: no retrain from the same rows, no trim, and the triggers say what is missing."""
    wheel = make_wheel(600, turned_at=600, settings=BLEND)
    train(wheel, tell=say_nothing)
    time.sleep(1.1)
    answer_and_learn(wheel, 900, turned=False, ago=1.0)
    outcomes = wheel.project.state / "lake" / "outcomes"
    outcomes.rename(outcomes.with_name("never_came"))
    turned = tick(wheel, tell=say_nothing)
    assert turned.decisions == ()
    (every,) = (one for one in turned.findings if one.subject == "every")
    assert "6 windows since the last fit" in every.judgement.reasons[0]
    assert "but only 0 labelled rows came since" in every.judgement.reasons[0]


def test_a_retrain_that_fails_ends_with_a_decision(make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family may raise anything; the champion goes on answering. Only a trigger tries again, after the cool-down."""
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    learn_more(wheel)

    def burst(*_: object, **__: object) -> Decision:
        raise MemoryError("no room for 9 TB")

    monkeypatch.setattr(finishing, "retrain", burst)
    _, kept = retrain_now(wheel, by="marta", tell=say_nothing)
    assert kept.action == "keep"
    assert kept.reasons[0].endswith("the champion goes on answering: MemoryError: no room for 9 TB")
    assert [one.action for one in tick(wheel, tell=say_nothing).decisions] == ["trim"]


def test_a_clock_that_jumps_back_unlearns_nothing(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    tick(wheel, tell=say_nothing)
    epoch = wheel.catalog.epoch()
    for ago in (3600.0, 0.45, 0.0):
        assert tick(wheel, as_of=clock.now() - timedelta(seconds=ago), tell=say_nothing).decisions == ()
    assert wheel.catalog.epoch() == epoch


def test_outcomes_of_one_class_leave_the_answers_numbers(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, value="yes", ago=0.4)
    assert [one.action for one in tick(wheel, tell=say_nothing).decisions] == ["trim"]
    assert set(wheel.lake.read("outcomes").collect()["value"]) == {"yes"}
    assert_answers_are_numbers(wheel)


def assert_answers_are_numbers(wheel: Wheel) -> None:
    """Every answer to a wide spread of questions is a probability, and none is certain."""
    trim = wheel.catalog.trim()
    assert trim is not None
    assert sum(member.weight for member in trim.members) == pytest.approx(1.0)
    answers = wheel.answer(trim, pl.DataFrame({"a": [-3.0, -1.0, 0.0, 1.0, 3.0], "b": [0.0] * 5}))
    assert np.isfinite(answers).all()
    assert ((answers > 0.0) & (answers < 1.0)).all()


def test_a_fit_on_one_class_fails_and_the_champion_goes_on(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600, settings=CALM.replace("[train]", "[train]\nwindow = 300"))
    train(wheel, tell=say_nothing)
    time.sleep(0.5)
    answer_and_learn(wheel, 300, value="yes", ago=0.4)
    _, kept = retrain_now(wheel, by="marta", tell=say_nothing)
    assert kept.action == "keep"
    assert "the champion goes on answering: Each class of 'y' needs 10 rows; there are no: 0" in kept.reasons[0]
    assert_answers_are_numbers(wheel)


def test_what_a_person_puts_in_place_is_no_fit(make_wheel: MakeWheel) -> None:
    """The period goes on from when v2 was fitted, not from when somebody promoted it."""
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    learn_more(wheel, turned=True)
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    promote(wheel, "v2", by="marta")
    found = {one.subject: one.judgement for one in measure(wheel, resolve(wheel, None)).findings}
    assert found["every"].reasons[0].startswith("2 windows since the last fit")


def test_a_wait_is_journalled_once_however_often_the_layer_learns(make_wheel: MakeWheel) -> None:
    """Trims come in between at every batch; they neither end the wait nor make it news."""
    often = BLEND.replace('"5 windows"', '"1 windows"').replace('cooldown = "1 windows"', 'cooldown = "9 windows"')
    wheel = make_wheel(600, turned_at=600, settings=often)
    train(wheel, tell=say_nothing)
    retrain_now(wheel, by="marta", tell=say_nothing)
    learn_more(wheel)
    assert [one.action for one in tick(wheel, tell=say_nothing).decisions] == ["trim", "wait"]
    learn_more(wheel, ago=0.3)
    assert [one.action for one in tick(wheel, tell=say_nothing).decisions] == ["trim"]
    assert status(wheel).facts["next"] == "serve"


def test_a_flood_of_outcomes_for_one_answer_counts_once(make_wheel: MakeWheel) -> None:
    """Three hundred contradictory outcomes of one Prediction are one label, the newest: no batch, no trim."""
    wheel = make_wheel(600, turned_at=600, settings=CALM)
    train(wheel, tell=say_nothing)
    learn_more(wheel, 1)
    moment = clock.now()
    flood = [
        {"id": f"f{one}", "prediction_id": "0.4-00000", "value": ("yes", "no")[one % 2], "known_at": moment,
         "_arrived_at": moment}
        for one in range(300)
    ]  # fmt: skip
    wheel.lake.append("outcomes", frame_of(flood, OUTCOMES))
    assert tick(wheel, tell=say_nothing).decisions == ()
    assert load_labelled(wheel, resolve(wheel, None)).rows.height == 601
