"""The trim of a turn: outcomes that came since the last one move the weights and corrections of what answers.

The layer stands in the catalog, written in one transaction with the epoch that it made. A batch is learnt once, in the
order in which labels came; what a fit has seen is never learnt from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.loop.doubts import doubted_since
from trimtab.loop.known import (
    AsOf,
    features_of,
    labels_of,
    logged_answers,
    logged_reaches,
    moments_of,
)
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import figure
from trimtab.monitor.windows import label_batches
from trimtab.nouns import Decision, Member, Trim
from trimtab.nouns.project import TrimSpec
from trimtab.train.threshold import choose_threshold
from trimtab.trim import layer as trims
from trimtab.trim import reach as reaches
from trimtab.trim.layer import INERTIA_AGE, REMEMBERED, Layer
from trimtab.trim.reach import Reach

Numbers = NDArray[np.float64]
STATE = "layer"
END_OF_MOMENT = "~"
"""Behind every id: all that was known at a moment has been learnt from, by a fit."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The layer as the catalog holds it: of which epoch, and up to which label it has learnt.

    `mark` is when that label was known, `last` the id of its answer: many labels may be known at one moment. `quiet`
    counts for how many batches the predecessor has weighed next to nothing; `reach` is what intervals have learnt.
    `before` are the marks that stood before each of the newest five batches, oldest first, since a newcomer was let in.
    """

    layer: Layer
    epoch: int
    mark: datetime
    last: str = ""
    quiet: int = 0
    reach: Reach = field(default_factory=Reach)
    before: tuple[tuple[datetime, str], ...] = ()

    @property
    def is_new(self) -> pl.Expr:
        """Whether an answer's label came after the mark."""
        at_mark = (pl.col("_known_at") == self.mark) & (pl.col("id") > self.last)
        return (pl.col("_known_at") > self.mark) | at_mark

    def to_state(self, epoch: int) -> dict[str, Any]:
        """Return JSON values for the epoch that this layer makes."""
        mark = [self.mark.isoformat(), self.last]
        layer, reach = trims.to_plain(self.layer), reaches.to_plain(self.reach)
        before = [[moment.isoformat(), last] for moment, last in self.before]
        return {"epoch": epoch, "mark": mark, "quiet": self.quiet, "layer": layer, "reach": reach, "before": before}


def open_layer(wheel: Wheel) -> Kept | None:
    """Return the layer of the present epoch; one begun anew where a person has changed the Trim, None before the first.

    A Version that somebody put in place by hand answers as it is until outcomes say more.
    """
    standing = wheel.champion()
    if standing is None:
        return None
    trim, champion = standing
    state = wheel.catalog.get_state(STATE)
    if state and state["epoch"] == trim.epoch:
        moment, last = state["mark"]
        layer = trims.from_plain(state["layer"])
        reach = reaches.from_plain(state["reach"]) if "reach" in state else Reach()  # none before intervals were learnt
        before = tuple((datetime.fromisoformat(one), mark) for one, mark in state.get("before", ()))
        return Kept(layer, trim.epoch, datetime.fromisoformat(moment), last, state["quiet"], reach, before)
    package = wheel.package(champion.id)
    paces = trims.choose_paces(wheel.project.trim, 0.0)
    layer = trims.begin(package.task, champion.id, paces, _usual_error(package.metrics))
    return Kept(layer, trim.epoch, champion.snapshot.as_of, END_OF_MOMENT)


def trim_turn(wheel: Wheel, answers: pl.DataFrame, at: AsOf) -> tuple[Decision, ...]:
    """Learn from every new finished batch of `answers`; return the Decision that changed the Trim, if one did.

    They are all that is known at `at`, in order of arrival, each counted once (see `count_once`). What was learnt with
    labels of a source that is doubted since is learnt anew without them.
    """
    if wheel.project.trim.is_plain:
        return ()
    kept = open_layer(wheel)
    if kept is None:
        return ()
    since = doubted_since(wheel.catalog.journal())
    begun = forget_since(kept, since) if since else kept
    learnt, batches = learn_new(wheel, begun, answers, at)
    if learnt is kept:
        return ()
    members = trims.list_members(learnt.layer, wheel.project.trim)
    threshold = _choose_threshold(wheel, members, answers, at)
    trim = Trim(learnt.epoch + 1, members, threshold, _reach(wheel, learnt))
    said = [_tell(wheel, learnt.layer, batches)] if batches else []
    if begun is not kept:
        said.append("what was learnt with labels of a source that is doubted now is forgotten, and learnt without them")
    decision = Decision("trim", "layer", tuple(said), clock.now(), at.rows, version=trim.champion)
    trimmed = wheel.catalog.decide(decision, trim, {STATE: learnt.to_state(trim.epoch)})
    return (trimmed, *_retire_quiet(wheel, replace(learnt, epoch=trim.epoch), trim, at))


def admit(wheel: Wheel, newcomer: str, recent: str, as_of: datetime) -> tuple[Trim, Mapping[str, Any]]:
    """Return the next Trim, with a newcomer among its members and at its threshold, and what to keep of the layer."""
    kept, threshold = open_layer(wheel), wheel.package(newcomer).threshold
    if kept is None:
        return Trim(1, (Member(newcomer),), threshold), {}
    learnt, epoch = let_in(kept, wheel.project.trim, newcomer, recent, as_of), kept.epoch + 1
    members = trims.list_members(learnt.layer, wheel.project.trim)
    return Trim(epoch, members, threshold, _reach(wheel, learnt)), {STATE: learnt.to_state(epoch)}


def let_in(kept: Kept, spec: TrimSpec, newcomer: str, recent: str, as_of: datetime) -> Kept:
    """Return the layer with a newcomer that was fitted on all that was known at `as_of`."""
    layer = trims.admit(kept.layer, newcomer, recent=recent if spec.versions > 2 else "", mix=spec.versions > 1)
    learnt = replace(kept, layer=layer, quiet=0, before=())
    return replace(learnt, mark=as_of, last=END_OF_MOMENT) if as_of >= kept.mark else learnt


def forget_since(kept: Kept, moment: datetime) -> Kept:
    """Return the layer as it was before it learnt labels known at a moment or later: five batches back at most."""
    later = [place for place, (mark, _) in enumerate(kept.before) if mark >= moment]
    first = max(min(later, default=len(kept.before)) - 1, 0)
    batches = min(len(kept.before) - first, len(kept.layer.past))
    if kept.mark < moment or not batches:
        return kept
    mark, last = kept.before[-batches]
    layer = trims.forget(kept.layer, batches)
    reach, quiet = reaches.forget(kept.reach, batches), max(kept.quiet - batches, 0)
    return replace(kept, layer=layer, mark=mark, last=last, quiet=quiet, reach=reach, before=kept.before[:-batches])


def learn_new(wheel: Wheel, kept: Kept, answers: pl.DataFrame, at: AsOf) -> tuple[Kept, int]:
    """Return the layer after each new finished batch of `answers`, all known at `at`, and how many batches those were.

    An answer counts once: see `count_once`.
    """
    spec, monitor = wheel.project.trim, wheel.project.monitor
    told = answers.filter(pl.col("value").is_not_null() & kept.is_new).sort("_known_at", "id")
    sizes = label_batches(moments_of(told["_known_at"]), monitor.window, monitor.min_labels, at.rows)
    first = 0
    for size in sizes:
        batch = told[first : first + size]
        first += size
        layer = trims.set_paces(kept.layer, trims.choose_paces(spec, _delay(wheel, batch, answers)))
        said = [_ask(wheel, version, batch) for version in layer.versions]
        layer = trims.learn(layer, said, labels_of(batch["value"], wheel.contract), spec)
        weighs = (
            trims.weigh(layer).get(layer.seats["predecessor"].version, 1.0) if "predecessor" in layer.seats else 1.0
        )
        quiet = kept.quiet + 1 if weighs < wheel.project.promote.retire_below else 0
        reach = _learn_reach(wheel, kept.reach, batch)
        before = (*kept.before, (kept.mark, kept.last))[-INERTIA_AGE:]
        mark, last = batch["_known_at"][-1], batch["id"][-1]
        kept = replace(kept, layer=layer, mark=mark, last=last, quiet=quiet, reach=reach, before=before)
    return kept, len(sizes)


def _learn_reach(wheel: Wheel, reach: Reach, batch: pl.DataFrame) -> Reach:
    """Return what intervals have learnt after a batch: from what was answered, whichever Trim it was."""
    if wheel.contract.target.task != "regression":
        return reach
    errors = np.abs(logged_answers(wheel.contract, batch) - labels_of(batch["value"], wheel.contract))
    far = logged_reaches(batch)
    given = np.isfinite(far)
    held = (errors[given] <= far[given]).astype(np.float64)
    return reaches.learn(reach, errors, held, wheel.project.train.coverage)


def _reach(wheel: Wheel, kept: Kept) -> float | None:
    return reaches.half_width(kept.reach, wheel.project.train.coverage)


def _ask(wheel: Wheel, version: str, batch: pl.DataFrame) -> Numbers:
    """Return what a Version answers to the questions of a batch, from the values that were logged."""
    package = wheel.package(version)
    return package.predict(features_of(batch, package.contract))


def _delay(wheel: Wheel, batch: pl.DataFrame, answers: pl.DataFrame) -> float:
    """Return how many windows lie between an answer and its label: the median of the batch."""
    window = wheel.project.monitor.window
    if isinstance(window, int):
        arrived = moments_of(answers["_arrived_at"])
        since = np.searchsorted(arrived, moments_of(batch["_known_at"])) - np.searchsorted(
            arrived, moments_of(batch["_arrived_at"])
        )
        return float(np.median(since)) / window
    waited = (batch["_known_at"] - batch["_event_at"]).dt.total_seconds().median()
    return float(str(waited)) / window.total_seconds() if waited is not None else 0.0


def _retire_quiet(wheel: Wheel, kept: Kept, trim: Trim, at: AsOf) -> tuple[Decision, ...]:
    """Let a predecessor leave that has weighed next to nothing for long; return the Decision, if there is one."""
    spec = wheel.project.promote
    if "predecessor" not in kept.layer.seats or kept.quiet < spec.windows:
        return ()
    version = wheel.catalog.find_version(kept.layer.seats["predecessor"].version)
    said = f"{version.name} leaves: it has weighed less than {figure(spec.retire_below)} for {kept.quiet} windows"
    left = replace(kept, layer=trims.retire(kept.layer, "predecessor"), quiet=0)
    without = replace(trim, epoch=trim.epoch + 1, members=trims.list_members(left.layer, wheel.project.trim))
    decision = Decision("retire", "layer", (said,), clock.now(), at.rows, version=version.id)
    return (wheel.catalog.decide(decision, without, {STATE: left.to_state(without.epoch)}),)


def _choose_threshold(wheel: Wheel, members: Sequence[Member], answers: pl.DataFrame, at: AsOf) -> float | None:
    """Return the cheapest threshold over the answers of twelve labelled batches; before there are as many, its own."""
    champion = Trim(0, tuple(members)).champion
    own = wheel.package(champion).threshold
    monitor = wheel.project.monitor
    told = answers.filter(pl.col("value").is_not_null() & pl.col("probability").is_not_null()).sort("_known_at", "id")
    sizes = label_batches(moments_of(told["_known_at"]), monitor.window, monitor.min_labels, at.rows)
    if own is None or len(sizes) < REMEMBERED:
        return own
    held = told[sum(sizes[:-REMEMBERED]) : sum(sizes)]
    labels = labels_of(held["value"], wheel.contract)
    return choose_threshold(labels, held["probability"].to_numpy(), wheel.project.cost)


def _tell(wheel: Wheel, layer: Layer, batches: int) -> str:
    weighs = {wheel.catalog.find_version(id_).name: weight for id_, weight in trims.weigh(layer).items()}
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in weighs.items())
    served, alone = layer.record[-1]
    came = "a batch of outcomes" if batches == 1 else f"{batches} batches of outcomes"
    valve = "; the newest answers alone, for together they lost to it over twelve batches" if layer.is_valved else ""
    return (
        f"{came} moved the weights to {shares}; the newest batch cost {figure(served)} a row, the newest Version alone "
        f"would have cost {figure(alone)}{valve}"
    )


def _usual_error(metrics: Mapping[str, Any]) -> float:
    """Return a regression's root mean squared error on rows that it had not seen, 1 for other tasks."""
    rmse = metrics.get("rmse")
    return float(rmse.value) if rmse is not None and rmse.value > 0.0 else 1.0
