"""How often the risk trigger cries without reason, and how soon it cries with one. Printed with `pytest -s`."""

import sys

import numpy as np
import pytest

from trimtab.retrain.triggers.risk import follow

LIMIT = 0.175
SHAPES = ("beta", "coin", "waves")


def draw(shape: str, mean: float, rows: int, seed: int) -> np.ndarray:
    """Losses in [0, 1] with the given mean: smooth, all or nothing, or depending on what came before."""
    chance = np.random.default_rng(seed)
    if shape == "beta":
        return chance.beta(2 * mean, 2 * (1 - mean), rows)
    if shape == "coin":
        return (chance.random(rows) < mean).astype(float)
    # Calm and wild stretches follow each other; the mean stays the same in both.
    wild = np.sin(np.arange(rows) / 40) > 0
    return np.where(wild, draw("coin", mean, rows, seed + 1), mean * (0.9 + 0.2 * chance.random(rows)))


def run_lengths(shape: str, alarm: float, batches: int = 4000, size: int = 20) -> tuple[int, int]:
    """Return (alarms, batches) at the limit itself, the worst case that the guarantee covers; restart at each alarm."""
    losses, alarms, begin = draw(shape, LIMIT, batches * size, seed=11), 0, 0
    while begin < batches:
        path = follow(losses[begin * size :], (size,) * (batches - begin), LIMIT)
        hits = np.flatnonzero(path >= np.log(alarm))
        if not hits.size:
            break
        alarms, begin = alarms + 1, begin + int(hits[0]) + 1
    return alarms, batches


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alarm", [20, 100])
def test_false_alarms_are_rarer_than_promised(shape: str, alarm: int) -> None:
    """At most one alarm in A batches on average: with 4,000 batches up to three standard errors more may be chance."""
    alarms, batches = run_lengths(shape, alarm)
    expected = batches / alarm
    sys.stdout.write(f"{shape}: {alarms} false alarms in {batches} batches, at most {expected:.0f} expected\n")
    assert alarms <= expected + 3 * np.sqrt(expected)


def test_the_simulation_itself_can_fail() -> None:
    """Control: a stream that is worse than the limit by a tenth alarms more often than the promise allows."""
    losses = draw("beta", LIMIT * 1.1, 80_000, seed=11)
    path = follow(losses, (20,) * 4000, LIMIT)
    assert (path >= np.log(100)).mean() > 0.5


@pytest.mark.parametrize(("rise", "at_most"), [(0.05, 12), (0.10, 5), (0.20, 2)])
def test_a_rise_is_found_soon(rise: float, at_most: int) -> None:
    """Batches of 50 until A = 1000, from the moment at which the loss rises above the limit; median of 20 streams."""
    delays = []
    for seed in range(20):
        calm, worse = draw("beta", LIMIT * 0.9, 2000, seed), draw("beta", LIMIT + rise, 5000, seed + 100)
        path = follow(np.concatenate([calm, worse]), (50,) * 140, LIMIT)
        delays.append(int(np.flatnonzero(path >= np.log(1000))[0]) - 39)
    sys.stdout.write(
        f"rise of {rise:.2f} above the limit: found after {np.median(delays):.0f} batches of 50 (median)\n"
    )
    assert 0 < np.median(delays) <= at_most
