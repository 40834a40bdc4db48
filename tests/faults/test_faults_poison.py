"""Sources that lie, in many ways and often: nothing that answers gets materially worse, good challengers pass."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.loop import poison
from tests.loop.poison import LIAR, Attack, Course, lead, make_project

THIN = "5 % flipped, an eighth of what the source tells"
"""Too thin to be told for certain from an honest source: what it costs is printed."""
ATTACKS: dict[str, Attack] = {
    "5 % flipped": poison.flip(0.05),
    "20 % flipped": poison.flip(0.20),
    "20 % flipped, half of what the source tells": poison.flip_some(0.40, 0.5),
    "targeted: 20 % say that nothing happened": poison.deny(0.20),
    "slow drip up to 20 %": poison.drip(0.20),
    "flooded: every row told wrongly once more": poison.flood,
    THIN: poison.flip_some(0.40, 0.125),
    "control: nobody lies": poison.tell_truth(0.20),
    "control: one source tells of hard rows": poison.tell_of_hard_rows,
}
MATERIAL = 0.01
"""Rise of the loss on true labels over five batches on end."""


@pytest.mark.faults
def test_no_lie_of_a_source_does_material_harm(tmp_path: Path, times: Callable[[int], int]) -> None:
    """Each attack against the same seed without it. A challenger fitted without the lies passes as often as ever."""
    seeds = times(20)
    found: dict[str, list[tuple[float, Course]]] = {name: [] for name in ATTACKS}
    for seed in range(seeds):
        root = tmp_path / str(seed)
        root.mkdir()
        folder = make_project(root, seed)
        clean = lead(folder, seed, poison.tell_truth(0.20))
        for name, attack in ATTACKS.items():
            course = lead(folder, seed, attack)
            found[name].append((course.rise_over(clean), course))
    sys.stdout.write("\n")
    failed = []
    for name, courses in found.items():
        rises, passed = [rise for rise, _ in courses], sum(course.passed for _, course in courses)
        doubted = [one for _, course in courses for one in course.doubted]
        sys.stdout.write(
            f"{name}: n = {seeds}, rise over five batches {np.mean(rises):.2%}, largest {max(rises):.2%}; challengers "
            f"passed {passed}; liar doubted {doubted.count(LIAR)}, others {len(doubted) - doubted.count(LIAR)}\n"
        )
        if passed < 0.9 * seeds or max(rises) > (2.0 if name == THIN else 1.0) * MATERIAL:
            failed.append(name)
        if name.startswith("control") and doubted:
            failed.append(name)
    assert failed == []
