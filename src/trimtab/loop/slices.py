"""The declared slices of logged answers: which of them the champion promised something of, and what came of it."""

import numpy as np
import polars as pl

from trimtab.loop.known import features_of
from trimtab.loop.state import Wheel
from trimtab.metrics import default
from trimtab.metrics.slices import Mask
from trimtab.monitor.performance import Reference
from trimtab.monitor.slices import Part
from trimtab.nouns import PromisedSlice
from trimtab.train.artefact import Package
from trimtab.train.promise import SlicePromise, locate


def follow_slices(wheel: Wheel, package: Package, answers: pl.DataFrame) -> list[PromisedSlice]:
    """Return the slices as the risk trigger follows them; `answers` stand in the order of their losses."""
    found = _locate_promised(wheel, package, answers)
    return [PromisedSlice(one.name, one.risk, np.flatnonzero(rows).tolist()) for one, rows in found]


def part_answers(wheel: Wheel, package: Package, answers: pl.DataFrame) -> list[Part]:
    """Return the slices as the monitor measures them, each with its promise and the answers that it holds."""
    spec, metric = wheel.project.triggers, default(package.task).name
    return [
        Part(
            one.name,
            Reference(one.risk, {metric: one.score}, spec.tolerance_absolute, spec.tolerance_relative),
            rows,
        )
        for one, rows in _locate_promised(wheel, package, answers)
    ]


def _locate_promised(wheel: Wheel, package: Package, answers: pl.DataFrame) -> list[tuple[SlicePromise, Mask]]:
    """Return each promise of a column that is still declared, and not hidden, with the answers that it speaks of."""
    known = wheel.contract.by_name
    columns = [name for name in wheel.project.slices.columns if name in known and not known[name].pii]
    promises = [one for one in package.slices if one.column in columns]
    return list(locate(promises, features_of(answers, wheel.contract, columns), wheel.contract)) if promises else []
