"""infra.2: the champion's recipe as a unit: it finds a signal that was planted, and none where there is none.

Its Version is written and opened again by another process, which asks it its golden rows.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.known import Labelled, labels_of
from trimtab.loop.newcomer import Newcomer, fit_newcomer
from trimtab.loop.state import Wheel
from trimtab.metrics import bounded_losses
from trimtab.nouns import Column, Contract, State
from trimtab.train.golden import try_version

ROWS = 3000
NOISE = 0.05
"""Share of planted labels that are wrong, so that no map or metric meets a perfect answer."""
HALF, INVENTED = 0.3, 0.05
"""Share of the loss that must be learnt where there is a signal, and that may be where there is none."""


def check_spec(ground: Ground) -> Found:
    """Fit the recipe on rows whose label is planted, and on the same rows with the labels in random order."""
    known, column = ground.labelled, find_signal(ground)
    if column is None:
        return Found(State.CANNOT_TELL, "no feature holds two values, so no signal can be planted", "")
    rows = plant(known.rows.tail(ROWS), ground, column)
    with ground.fresh() as wheel:
        learnt = _fit(wheel, ground, rows, "planted")
        wrong = try_version(wheel.blobs.path(learnt.version.id))
        chance = _fit(wheel, ground, rows.with_columns(pl.col("_label").shuffle(ROWS)), "shuffled")
    gains = [gain_of(one, ground.wheel.contract) for one in (learnt, chance)]
    found, invented = gains[0] > HALF, gains[1] > INVENTED
    said = (
        f"of a signal planted in '{column.name}' {gains[0]:.0%} of the loss was learnt, of none {gains[1]:.0%}; "
        f"{wrong or 'another process answers its golden rows bit for bit'}"
    )
    numbers = {"rows": rows.height, "learnt": gains[0], "invented": gains[1]}
    if found and not invented and not wrong:
        return Found(State.PASS, said, "", (f"Version {ground.champion[1].name}'s recipe",), numbers)
    missing = "the recipe must learn what is there, invent nothing, and answer from its files as it was fitted"
    return Found(State.FAIL, said, missing, (), numbers)


def find_signal(ground: Ground) -> Column | None:
    """Return the feature to plant a signal in: the one with the fewest nulls of those whose values differ."""
    rows = ground.labelled.rows.tail(ROWS)
    known = [one for one in ground.wheel.contract.features if one.type in {"number", "integer", "boolean"}]
    usable = [one for one in known if rows[one.name].drop_nulls().n_unique() > 1]
    return min(usable, key=lambda one: rows[one.name].null_count(), default=None)


def plant(rows: pl.DataFrame, ground: Ground, column: Column) -> pl.DataFrame:
    """Return the rows with a label that says whether a feature lies above its middle, a few of them wrong."""
    values = rows[column.name].cast(pl.Float64)
    above = (values > values.median()).fill_null(value=False).to_numpy()
    above ^= np.random.default_rng(ROWS).random(len(above)) < NOISE
    target = ground.wheel.contract.target
    if target.task == "regression":
        return rows.with_columns(pl.Series("_label", above.astype(np.float64)))
    return rows.with_columns(pl.Series("_label", [target.classes[int(one)] for one in above]))


def _fit(wheel: Wheel, ground: Ground, rows: pl.DataFrame, mark: str) -> Newcomer:
    snapshot = replace(ground.labelled.snapshot, rows=rows.height, fingerprint=f"drill-{mark}")
    recipe = ground.champion[1].recipe
    return fit_newcomer(wheel, Labelled(rows, snapshot), recipe=recipe, tell=ground.tell)


def gain_of(newcomer: Newcomer, contract: Contract) -> float:
    """Return which share of the loss of an answer without columns the recipe takes away, on rows it had not seen."""
    task, held = contract.target.task, newcomer.choice.held
    labels = labels_of(newcomer.rows["_label"], contract)
    truth, seen = labels[held], np.delete(labels, held)
    if task == "regression":
        return float(1.0 - np.mean((truth - newcomer.choice.held_answers) ** 2) / np.mean((truth - seen.mean()) ** 2))
    base = np.array(seen.mean())
    if task == "multiclass":
        base = np.bincount(seen.astype(np.int64), minlength=len(contract.target.classes)) / len(seen)
    plain = bounded_losses(task, truth, np.broadcast_to(base, newcomer.choice.held_answers.shape), 1.0)
    return float(1.0 - bounded_losses(task, truth, newcomer.choice.held_answers, 1.0).mean() / plain.mean())


CHECK = Check("infra.2", "the recipe on a planted signal", check_spec)
