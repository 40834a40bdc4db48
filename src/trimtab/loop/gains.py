"""What a small correction of the answers would have saved, batch by batch: evidence of the trigger `opportunity`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trimtab.metrics import bounded_losses
from trimtab.nouns import Task
from trimtab.trim.recalibrate import Pace, correct, in_units, recalibrate, summarise

Numbers = NDArray[np.float64]
BEFORE = 6
"""Batches that a correction is learnt from."""
WORTH = 0.01
"""Share of the mean loss that a saving must exceed."""
STEADY = Pace(1.0, 1.0)


def measure_gains(
    task: Task, labels: Numbers, answers: Numbers, sizes: Sequence[int], scale: float
) -> tuple[list[float], list[int]]:
    """Return what a row would have saved beyond one percent, and the rows of each batch with six others before it.

    Labels and answers in the order in which the labels came, cut into batches of `sizes`; `scale` is a regression's.
    """
    ends = np.cumsum([0, *sizes])
    batches = [slice(begin, end) for begin, end in pairwise(ends)]
    summaries = [summarise(task, answers[one], labels[one], scale) for one in batches]
    gains: list[float] = []
    for place in range(BEFORE, len(batches)):
        one = batches[place]
        found = recalibrate(task, summaries[place - BEFORE : place], [1.0] * BEFORE, STEADY)
        mended = correct(task, answers[one], in_units(found, scale) if task == "regression" else found)
        before, after = (bounded_losses(task, labels[one], said, scale) for said in (answers[one], mended))
        gains += (before - after - WORTH * before.mean()).tolist()
    return gains, list(sizes[BEFORE:])
