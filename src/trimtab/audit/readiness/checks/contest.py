"""model.3 and model.5: on the newest rows, does a search or a simpler family beat the champion's recipe?

Both recipes are fitted without the newest rows and judged on them, row by row.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.known import labels_of
from trimtab.metrics.compare import paired_difference
from trimtab.metrics.evaluation import row_losses
from trimtab.metrics.figures import count, spread
from trimtab.nouns import Interval, Project, State
from trimtab.train.contest import open_recipe
from trimtab.train.families.base import Pooling
from trimtab.train.fit import choose
from trimtab.train.trials import Notebook

BUDGET = timedelta(seconds=30)
LEAST_TRIALS = 10
SEARCHED = 20_000
"""Labelled rows, the newest, that are searched on: many trials tell more than many rows."""
SIMPLER = ("baseline", "linear")
Recipe = Mapping[str, Any]


def compete(ground: Ground, rows: pl.DataFrame, mine: Recipe, rival: Recipe) -> tuple[Interval, str]:
    """Return how much less a row loses by the rival's recipe than by mine, and the name of the loss.

    Both are fitted on the same rows and judged on the newest share of them, which neither fit had seen.
    """
    contract = ground.wheel.contract
    task, labels = contract.target.task, labels_of(rows["_label"], contract)
    losses, name = [], ""
    for recipe in (mine, rival):
        choice = choose(rows, contract, judged(ground), recipe=recipe, tell=lambda _: None)
        truth = labels[choice.held]
        name, own = row_losses(task, truth.astype(np.int64) if task == "multiclass" else truth, choice.held_answers)
        losses.append(own)
    return paired_difference(*losses), name


def judged(ground: Ground, **changes: Any) -> Project:
    """Return the project with the same newest share kept back for both."""
    train = replace(ground.project.train, test=ground.project.gates.holdout, window=None, **changes)
    return replace(ground.project, train=train)


def check_tuned(ground: Ground) -> Found:
    """Search the champion's family for half a minute; what it finds must not be better."""
    recipe, notebook, rows = ground.champion[1].recipe, Notebook(), ground.newest.rows.tail(SEARCHED)
    family = open_recipe(recipe, ground.project)
    parts = family.pooled if isinstance(family, Pooling) else ()
    project = judged(ground, families=(*parts, str(recipe["family"])), budget=BUDGET)
    found = choose(rows, ground.wheel.contract, project, ledger=notebook, tell=lambda _: None)
    gain, loss = compete(ground, rows, recipe, found.recipe)
    ended = [trial for trial in notebook.trials if trial.score is not None]
    said = (
        f"{count(len(ended), 'trial')} of {recipe['family']} on the newest {rows.height:,} rows; the "
        f"best loses {spread(gain)} less {loss} a row than the champion's settings"
    )
    numbers = {"trials": len(ended), "gain": gain.value, "low": gain.low, "rows": gain.rows}
    if gain.low > 0.0:
        missing = "better settings were found: `trimtab train` searches for them ([train] budget)"
        return Found(State.FAIL, said, missing, (), numbers)
    if len(ended) < LEAST_TRIALS:
        return Found(State.CANNOT_TELL, said, f"{LEAST_TRIALS} trials are needed: a larger machine", (), numbers)
    return Found(State.PASS, said, "", (f"Version {ground.champion[1].name}'s recipe",), numbers)


def simpler_than(family: str) -> tuple[str, ...]:
    """Return the families that are simpler than one.

    >>> simpler_than("boosting"), simpler_than("linear"), simpler_than("baseline")
    (('baseline', 'linear'), ('baseline',), ())
    """
    return SIMPLER[: SIMPLER.index(family)] if family in SIMPLER else SIMPLER


def check_simpler(ground: Ground) -> Found:
    """Let simpler families meet the champion's recipe; it has to be better than the best of them."""
    recipe = ground.champion[1].recipe
    names = simpler_than(str(recipe["family"]))
    if not names:
        return Found(State.PASS, "nothing is simpler than the baseline, which answers", "train a family that learns")
    project = judged(ground, families=names, budget=timedelta(0))
    simpler = choose(ground.newest.rows, ground.wheel.contract, project, tell=lambda _: None)
    lead, loss = compete(ground, ground.newest.rows, simpler.recipe, recipe)
    said = (
        f"{recipe['family']} loses {spread(lead)} less {loss} a row than {simpler.chosen}, the best of "
        f"{' and '.join(names)}, on {lead.rows:,} rows that neither had seen"
    )
    numbers = {"gain": lead.value, "low": lead.low, "rows": lead.rows}
    if lead.low > 0.0:
        return Found(State.PASS, said, "", (f"Version {ground.champion[1].name}'s recipe",), numbers)
    missing = f"{simpler.chosen} does as well and is simpler: `trimtab train` with [train] families that hold it"
    return Found(State.FAIL, said, missing, (), numbers)


TUNED = Check("model.3", "a search over the champion's settings", check_tuned)
SIMPLE = Check("model.5", "simpler models on the same rows", check_simpler)
