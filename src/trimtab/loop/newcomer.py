"""A new Version: chosen or repeated by its recipe, fitted on all labelled rows, kept, and numbered."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import polars as pl

from trimtab import clock
from trimtab.loop.known import Labelled
from trimtab.loop.state import Fit, Wheel
from trimtab.loop.trials import CatalogLedger
from trimtab.nouns import Span, Version, fingerprint
from trimtab.train.fit import Choice, choose, fit
from trimtab.train.search import seconds_since

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A Version with the choice that made it and the labelled rows that it was fitted on."""

    version: Version
    choice: Choice
    rows: pl.DataFrame


def fit_newcomer(wheel: Wheel, known: Labelled, *, recipe: Mapping[str, object] | None = None, tell: Tell) -> Newcomer:
    """Return the Version fitted on the known rows: by a search over the project's families, or by a recipe.

    The same rows, recipe and settings are fitted once in the life of a wheel. Raises DataError where the rows cannot
    carry a model.
    """
    project = wheel.project
    rows = within_window(known.rows, project.train.window, known.snapshot.as_of)
    settings = (project.train, project.cost, project.slices, project.gates.holdout, project.name, project.question)
    key = fingerprint((known.snapshot.fingerprint, rows.height, wheel.contract.id, recipe, settings))
    if key not in wheel.fits:
        ledger = CatalogLedger(wheel, key, known.snapshot) if recipe is None else None
        start = clock.monotonic_ns()
        choice = choose(rows, wheel.contract, project, recipe=recipe, ledger=ledger, tell=tell)
        staged = wheel.blobs.stage()
        identity = fit(rows, wheel.contract, project, choice, staged, snapshot=known.snapshot.fingerprint)
        wheel.blobs.keep(staged, identity)
        wheel.fits[key] = Fit(identity, choice, seconds_since(start))
    done = wheel.fits[key]
    return Newcomer(_number(wheel, done, known), done.choice, rows)


def within_window(rows: pl.DataFrame, window: Span | None, now: datetime) -> pl.DataFrame:
    """Return the rows that `[train] window` lets a fit see: all, the last so many, or the last stretch of time."""
    if isinstance(window, int):
        return rows.tail(window)
    if isinstance(window, timedelta):
        return rows.filter(pl.col("_event_at").fill_null(pl.col("_arrived_at")) >= now - window)
    return rows


def _number(wheel: Wheel, done: Fit, known: Labelled) -> Version:
    choice = done.choice
    metrics = {name: asdict(interval) for name, interval in choice.metrics.items()}
    version = Version(
        id=done.version,
        number=0,
        family=choice.chosen,
        recipe=choice.recipe,
        contract=wheel.contract.id,
        snapshot=known.snapshot,
        metrics={**metrics, "risk": asdict(choice.risk)},
        made_at=clock.now(),
    )
    return wheel.catalog.add_version(version)
