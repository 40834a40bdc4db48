"""What policies come to: gains, and harm by fork, on lines made up so that each figure is known."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from trimtab.loop.comparison import compare, measure_harm
from trimtab.loop.forks import Fork
from trimtab.loop.replay import Line, Replay
from trimtab.nouns import Member, Trim

TRIM = Trim(1, (Member("v1"),))
QUIET = np.linspace(0.4, 0.6, 50)
"""Row losses of a batch, 0.5 on average."""


def fork(*worse: float, before: float = 0.0) -> Fork:
    """A promotion after which each batch loses so much more a row than without it."""
    own = [QUIET + one for one in worse]
    return Fork(TRIM, TRIM, None, own, [QUIET] * len(worse), [QUIET - before] * len(worse))


def line(policy: str, loss: float = 0.5, forks: Sequence[Fork] = (), **overall: float) -> Line:
    lost = (QUIET + (loss - 0.5),) * 10
    return Line(policy, (), {"log_loss": loss, **overall}, (), (), lost=lost, forks=tuple(forks))


def harm(*forks: Fork, loss: float = 0.4) -> Mapping[str, float | None]:
    return measure_harm(line("governed", loss, forks), line("never"), is_squared=False)


def test_gain_is_the_share_of_what_the_better_reference_saves() -> None:
    made = {"never": (0.5, 0.7), "always": (0.4, 0.8), "always:recent": (0.45, 0.9), "governed": (0.42, 0.85)}
    lines = [line(policy, loss, accuracy=right) for policy, (loss, right) in made.items()]
    found = compare([Replay((), {one.policy: one for one in lines})], ["governed", "always"], "log_loss")
    assert found["governed"]["gain"] == pytest.approx(0.8)
    assert found["governed"]["accuracy_gain"] == pytest.approx(0.75)
    assert found["always"]["gain"] == pytest.approx(1.0)


def test_figures_are_means_over_offsets_and_gains_need_references() -> None:
    replays = [Replay((), {"governed": line("governed", loss)}) for loss in (0.4, 0.5)]
    (figures,) = compare(replays, ["governed"], "log_loss", per_retrain=3.0).values()
    assert figures["loss"] == pytest.approx(0.45)
    assert (figures["gain"], figures["cost"]) == (None, 0.0)


def test_material_harm_is_over_a_percent_and_beyond_chance() -> None:
    steady, shaky, slight = fork(*[0.01] * 4, 0.02), fork(0.1, -0.1, 0.1, -0.05, 0.05), fork(*[0.003] * 4, 0.004)
    assert [harm(one)["harm_material"] for one in (steady, shaky, slight)] == [1.0, 0.0, 0.0]
    assert harm(steady, shaky, slight)["harm_material"] == pytest.approx(1 / 3)
    assert harm()["harm_material"] == harm()["worst_rise"] == harm()["harm_mass"] == 0.0


def test_mass_rise_and_lasting_harm() -> None:
    found = harm(fork(*[0.01] * 4, 0.02), fork(*[-0.05] * 5, before=0.1))
    assert found["worst_rise"] == pytest.approx(0.06 / 2.5)
    assert found["harm_mass"] == pytest.approx((0.06 * 50) / (0.1 * 500))
    assert (found["harm1"], found["harm5"]) == (
        1.0,
        1.0,
    )  # the second beats its fork, not what it replaced


def test_a_promotion_without_five_batches_behind_it_is_not_judged_yet() -> None:
    found = harm(fork(0.2, 0.2))
    assert (found["harm_material"], found["harm5"], found["harm1"]) == (0.0, 0.0, 1.0)


def test_without_anything_saved_a_share_of_it_means_nothing() -> None:
    assert harm(fork(*[0.01] * 5), loss=0.6)["harm_mass"] is None


def test_looking_back_counts_batches_that_are_surely_worse() -> None:
    pairs = ((QUIET + 0.02, QUIET), (QUIET + 0.005, QUIET), (QUIET, QUIET))
    looked = Line("governed", (), {}, (), (), looked_back=pairs)
    noise = np.where(np.arange(50) % 2 == 0, 0.01, 0.03)
    sure = Line("governed", (), {}, (), (), looked_back=((QUIET + noise, QUIET),))
    assert measure_harm(looked, None, is_squared=False)["look_back"] == pytest.approx(1 / 3)
    assert measure_harm(sure, None, is_squared=False)["look_back"] == 1.0
    assert measure_harm(sure, None, is_squared=True)["look_back"] == 0.0  # a root of 1.04 is below 1.02
