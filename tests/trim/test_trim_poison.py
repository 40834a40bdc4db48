"""What wrong outcomes do to the layer: a few do no material harm, many do. Figures are printed with `pytest -s`."""

import sys
from typing import Any

import numpy as np
import pytest

from trimtab.nouns.project import TrimSpec
from trimtab.trim import layer as trims
from trimtab.trim.recalibrate import correct

SPEC = TrimSpec()
SEEDS, BATCHES, ROWS = 20, 20, 500


def serve(layer: trims.Layer, answers: Any) -> Any:
    parts = (m.weight * correct("binary", answers, m.calibration) for m in trims.list_members(layer, SPEC))
    return sum(parts)


def lose(labels: Any, answers: Any) -> float:
    return float(-np.log(np.where(labels > 0.5, answers, 1.0 - answers)).mean())


def rise(share: float, seed: int) -> float:
    """By how much more the layer loses on true labels in its last ten batches, so many of those it learnt flipped."""
    chance = np.random.default_rng(seed)
    clean = poisoned = trims.begin("binary", "v1", trims.choose_paces(SPEC, 1.0))
    lost = []
    for batch in range(BATCHES):
        answers = 1.0 / (1.0 + np.exp(-chance.normal(-1.0, 1.5, ROWS)))
        labels = (chance.random(ROWS) < answers).astype(float)
        if batch >= BATCHES // 2:
            lost.append([lose(labels, serve(layer, answers)) for layer in (clean, poisoned)])
        flipped = np.where(chance.random(ROWS) < share, 1.0 - labels, labels)
        clean = trims.learn(clean, [answers], labels, SPEC)
        poisoned = trims.learn(poisoned, [answers], flipped, SPEC)
    own, taught = np.mean(lost, axis=0)
    return float(taught / own - 1.0)


@pytest.mark.parametrize(("share", "most"), [(0.0, 0.0), (0.05, 0.01)])
def test_a_few_flipped_labels_do_no_material_harm(share: float, most: float) -> None:
    rises = [rise(share, seed) for seed in range(SEEDS)]
    sys.stdout.write(f"{share:.0%} flipped: mean rise {np.mean(rises):.2%}, largest {max(rises):.2%}\n")
    assert max(rises) <= most


def test_many_flipped_labels_do_harm() -> None:
    """A control: nothing here tells a wrong label from a hard one, so a fifth of them is believed in part."""
    rises = [rise(0.2, seed) for seed in range(SEEDS)]
    sys.stdout.write(f"20% flipped: mean rise {np.mean(rises):.2%}, largest {max(rises):.2%}\n")
    assert 0.01 < np.mean(rises) < 0.1
