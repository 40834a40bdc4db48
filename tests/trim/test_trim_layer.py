"""The layer: what it serves, what it learns, who sits where."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.nouns import Member, Task, Trim
from trimtab.nouns.project import TrimSpec
from trimtab.trim.blend import Blend
from trimtab.trim.layer import (
    INERTIA_AGE,
    REMEMBERED,
    Layer,
    admit,
    begin,
    choose_paces,
    forget,
    from_plain,
    learn,
    list_members,
    retire,
    set_paces,
    to_plain,
    weigh,
)
from trimtab.trim.recalibrate import FAST, LONE, SLOW

SPEC = TrimSpec(versions=3, recalibrate=True)
PACES = (FAST, SLOW)


def batch(good: bool, rows: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and answers that know them or say the opposite."""
    chance = np.random.default_rng(seed)
    labels = (chance.random(rows) < 0.5).astype(float)
    said = np.where(labels > 0.5, 0.8, 0.2)
    return labels, said if good else 1.0 - said


def teach(layer: Layer, good: dict[str, bool], batches: int, seed: int = 1) -> Layer:
    """Let the named Versions be right or wrong for so many batches."""
    for number in range(batches):
        labels, _ = batch(good=True, seed=seed + number)
        answers = [batch(good[version], seed=seed + number)[1] for version in layer.versions]
        layer = learn(layer, answers, labels, SPEC)
    return layer


def test_a_new_layer_serves_the_version_as_it_is() -> None:
    assert list_members(begin("binary", "a", PACES), SPEC) == (Member("a"),)
    assert Blend("binary", list_members(begin("binary", "a", ()), SPEC)).is_plain


@pytest.mark.parametrize("batches", [1, 3, 5])
def test_what_is_forgotten_was_never_learnt(batches: int) -> None:
    """Weights, corrections and memory are as they were; five batches back at most."""
    layer = teach(admit(begin("binary", "a", PACES), "b"), {"a": True, "b": False}, 6)
    later = teach(layer, {"a": False, "b": True}, batches, seed=50)
    again = forget(later, batches)
    assert again.record == layer.record
    assert again.batches == layer.batches
    assert weigh(again) == pytest.approx(weigh(layer))
    for role, seat in layer.seats.items():
        assert again.seats[role].memory == seat.memory
        assert again.seats[role].weights == pytest.approx(seat.weights)
        assert np.allclose(again.seats[role].calibrations, seat.calibrations)
    assert forget(begin("binary", "a", PACES), 3) == begin("binary", "a", PACES)


def test_late_labels_get_one_slow_correction() -> None:
    assert choose_paces(SPEC, 1.0) == (FAST, SLOW)
    assert choose_paces(SPEC, 5.0) == (LONE,)
    assert choose_paces(replace(SPEC, recalibrate=False), 1.0) == ()


def test_a_newcomer_shares_evenly_with_its_predecessor_and_a_bad_one_loses_its_weight_again() -> None:
    layer = admit(teach(begin("binary", "a", PACES), {"a": True}, 3), "b")
    assert weigh(layer) == pytest.approx({"b": 0.5, "a": 0.5})
    assert Trim(1, list_members(layer, SPEC)).champion == "b"
    taught = teach(layer, {"a": True, "b": False}, 8, seed=50)
    assert weigh(taught)["b"] < 0.2
    assert Trim(1, list_members(taught, SPEC)).champion == "a"


def test_who_leaves_gives_its_weight_to_the_newest_two() -> None:
    layer = admit(admit(begin("binary", "a", PACES), "b", recent="r"), "c", recent="s")
    assert layer.versions == ("c", "b", "s")
    assert sum(weigh(layer).values()) == pytest.approx(1.0)
    assert weigh(layer)["c"] == pytest.approx(weigh(layer)["b"])
    left = retire(layer, "predecessor")
    assert left.versions == ("c", "s")
    assert sum(weigh(left).values()) == pytest.approx(1.0)


def test_without_mixing_the_newcomer_is_alone_and_keeps_what_was_learnt() -> None:
    layer = teach(begin("binary", "a", PACES), {"a": False}, 4)
    alone = admit(layer, "b", mix=False)
    assert alone.versions == ("b",)
    assert alone.seats["newest"].calibrations[1] != (1.0, 0.0)
    assert sum(weigh(alone).values()) == pytest.approx(1.0)


def test_a_newcomer_begins_with_half_of_what_its_predecessor_was_taught() -> None:
    layer = admit(teach(begin("binary", "a", PACES), {"a": True}, 4), "b")
    assert [one.weight for one in layer.seats["newest"].memory] == [0.5] * 4
    assert [one.weight for one in layer.seats["predecessor"].memory] == [1.0] * 4


def test_a_layer_that_loses_for_twelve_batches_lets_the_newest_answer_alone() -> None:
    layer = admit(begin("binary", "a", ()), "b")
    layer = teach(layer, {"a": False, "b": True}, REMEMBERED - 1)
    assert not layer.is_valved
    layer = teach(layer, {"a": False, "b": True}, 1, seed=70)
    assert layer.is_valved
    assert list_members(layer, SPEC) == (Member("b"),)
    assert not teach(layer, {"a": True, "b": False}, REMEMBERED, seed=90).is_valved


def test_the_layer_of_five_batches_ago_is_mixed_in() -> None:
    plain, mixed = replace(SPEC, inertia=0.0), replace(SPEC, inertia=0.25)
    layer = teach(admit(begin("binary", "a", PACES), "b"), {"a": True, "b": False}, INERTIA_AGE)
    answers = [np.array([0.2]), np.array([0.8])]
    then = admit(begin("binary", "a", PACES), "b")

    def serve(one: Layer, spec: TrimSpec) -> float:
        blend = Blend("binary", list_members(one, spec))
        order = {"b": answers[0], "a": answers[1]}
        return float(blend.answer_rows([order[version] for version in blend.versions])[0])

    assert serve(layer, mixed) == pytest.approx(0.75 * serve(layer, plain) + 0.25 * serve(then, plain), abs=1e-9)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), batches=st.integers(0, 14), twice=st.booleans())
def test_a_layer_survives_json_and_serves_shares_that_add_up(task: Task, seed: int, batches: int, twice: bool) -> None:
    chance = np.random.default_rng(seed)
    layer = begin(task, "a", PACES, scale=2.0)
    layer = admit(layer, "b", recent="c") if twice else layer
    for _ in range(batches):
        labels = chance.integers(0, 3 if task == "multiclass" else 2, 40).astype(float)
        if task == "multiclass":
            answers = [chance.dirichlet([1.0, 1.0, 1.0], size=40) for _ in layer.versions]
        else:
            answers = [chance.random(40) for _ in layer.versions]
        layer = learn(layer, answers, labels, SPEC)
    members = list_members(layer, SPEC)
    Blend(task, members)  # refuses weights that do not add up, and calibrations that do not fit
    assert {member.version for member in members} <= set(layer.versions)
    assert from_plain(json.loads(json.dumps(to_plain(layer)))) == layer


def test_state_stays_small() -> None:
    layer = admit(begin("binary", "a" * 12, PACES), "b" * 12, recent="c" * 12)
    taught = teach(layer, {"a" * 12: True, "b" * 12: True, "c" * 12: False}, 20)
    small = len(json.dumps(to_plain(taught)))
    assert small < 120_000
    labels, said = batch(good=True, rows=20_000)
    assert len(json.dumps(to_plain(learn(taught, [said] * 3, labels, SPEC)))) < small * 1.2


def test_other_paces_keep_each_versions_weight_and_memory() -> None:
    layer = teach(admit(begin("binary", "a", PACES), "b"), {"a": True, "b": False}, 3)
    slow = set_paces(layer, (LONE,))
    assert weigh(slow) == pytest.approx(weigh(layer))
    assert slow.seats["newest"].memory == layer.seats["newest"].memory
    assert len(slow.seats["newest"].weights) == 2
    assert set_paces(layer, PACES) is layer


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 9"):
        from_plain({**to_plain(begin("binary", "a", PACES)), "format": 9})
