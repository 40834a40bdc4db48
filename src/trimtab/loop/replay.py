"""The same turn over history, with the moment turned: what would each policy have answered, and how well?

A policy gets a scratch record of its own, fed batch by batch as the past had it: questions when they were asked,
labels when they were known. At the end of each batch the turn of `tick.py` measures and acts on what was known by then.
Nothing of the project's own record changes, and what was fitted for one policy is not fitted again for another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from trimtab import metrics
from trimtab.loop import challenge
from trimtab.loop.challenge import Numbers
from trimtab.loop.forks import Fork, Watch
from trimtab.loop.forward import PREDICTIONS
from trimtab.loop.history import (
    INSTANT,
    Batch,
    Chooser,
    History,
    cut_history,
    delay_labels,
    one_by_one,
    read_history,
)
from trimtab.loop.known import AsOf, labels_of
from trimtab.loop.policies import POLICIES, Policy, read_policy, say_nothing
from trimtab.loop.savings import cost_decisions
from trimtab.loop.state import Wheel
from trimtab.nouns import Contract, Decision, Finding, State, Trim
from trimtab.nouns.project import Project
from trimtab.retrain.triggers import ALARMS
from trimtab.store import open_blobs, open_catalog, open_index, open_lake
from trimtab.store.record import features_text, json_text, prediction_text
from trimtab.train.artefact import Package

Tell = Callable[[str], None]


SUSPECTED = 2
"""Explanations of a window that are told of."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at the end of a batch, the first being 0: a Decision, an alarm, or a new diagnosis."""

    batch: int
    action: str
    by: str
    version: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One policy's way through history: metrics by batch, in order, and over all; who answered; what was decided.

    `mistakes` is what wrong decisions cost by `[cost]`; `coverage` the share of truths that the intervals of numbers
    held; `lost` are the row losses by batch; `forks` and `looked_back` as `forks.Watch` keeps them.
    """

    policy: str
    by_batch: tuple[Mapping[str, float], ...]
    overall: Mapping[str, float]
    champions: tuple[str, ...]
    decisions: tuple[Decision, ...]
    fits: int = 0
    mistakes: float = 0.0
    coverage: float | None = None
    events: tuple[Event, ...] = ()
    lost: tuple[Numbers, ...] = field(default=(), repr=False)
    forks: tuple[Fork, ...] = field(default=(), repr=False)
    looked_back: tuple[tuple[Numbers, Numbers], ...] = field(default=(), repr=False)

    def count(self, action: str) -> int:
        """Return how many Decisions after the first promotion did this."""
        return sum(decision.action == action for decision in self.decisions[1:])

    @property
    def alarms(self) -> int:
        """How often risk or opportunity began to fire."""
        return sum(event.action == "alarm" for event in self.events)


@dataclass(frozen=True, slots=True)
class Replay:
    """The batches, and a line for each policy."""

    batches: tuple[Batch, ...]
    lines: Mapping[str, Line]


def replay(
    wheel: Wheel,
    *,
    policies: Sequence[str] = POLICIES,
    batch: str | int = 0,
    start: datetime | None = None,
    asked: Chooser | None = None,
    label_delay: int = 0,
    offset: int = 0,
    shuffle: int | None = None,
    tell: Tell,
) -> Replay:
    """Return what each policy would have answered over the project's own labelled history.

    `batch` is "month", a number of rows, or 0: max(150, 1.5 %); a batch of rows is a window, too. The first Version is
    fitted on what was known before `start`, or on the first 10 % (at least 2,000 rows). `asked` marks the rows that are
    answered; by default all are. With `label_delay` 1 a batch's labels are known at its end, with K so many batches
    later; 0 leaves them at the moments on record. `offset` brings the first retrain forward by so many batches.
    `shuffle` is a seed by which the rows change places: a stream that stands still.

    Raises DataError where there is too little history or no order, UsageError for an unknown policy.
    """
    followed = [read_policy(name, offset) for name in policies]
    history = read_history(wheel, asked, shuffle=shuffle)
    if batch != "month":
        history = one_by_one(history)
    begin, batches = cut_history(history, batch, start)
    if label_delay:
        history = delay_labels(history, batches, label_delay)
    if batch != "month":
        wheel = replace(wheel, project=_with_windows(wheel.project, max(one.rows for one in batches)))
    tell(f"{history.rows.height:,} labelled rows, {len(batches)} batches from {batches[0].name} on")
    lines = {}
    with TemporaryDirectory(prefix="replay-", dir=wheel.project.state) as folder:
        for policy in followed:
            with scratch(policy.settle(wheel), Path(folder) / policy.name.replace(":", "-")) as turned:
                lines[policy.name] = follow(turned, policy, history, begin, batches, tell=tell)
    return Replay(batches, lines)


def _with_windows(project: Project, rows: int) -> Project:
    """Return the project with windows of a batch's rows, and its calendar in windows.

    Batches of rows follow each other at any pace, so days would mean nothing: a cool-down in time becomes as many
    windows as it is of the project's own, and there is no cap by month.
    """
    monitor, retrain = project.monitor, project.retrain
    if retrain.cooldown is not None:
        length = monitor.window if isinstance(monitor.window, timedelta) else retrain.cooldown
        windows = ceil(retrain.cooldown / length) if length else 0
        retrain = replace(retrain, cooldown=None, cooldown_windows=windows)
    least = min(rows, monitor.min_rows), min(rows, monitor.min_labels)
    monitor = replace(monitor, window=rows, min_rows=least[0], min_labels=least[1])
    return replace(project, monitor=monitor, retrain=replace(retrain, per_month=0))


@contextmanager
def scratch(wheel: Wheel, folder: Path) -> Iterator[Wheel]:
    """Give a wheel with an empty record in `folder`: the same declaration, and the project's own Version files."""
    folder.mkdir(parents=True)
    # Without a limit there is no child process: fits are shared, and none needs the folder.
    at_hand = replace(wheel.project.retrain, limit=timedelta(0))
    project = replace(wheel.project, state=folder, folder=folder, sources=(), retrain=at_hand)
    catalog, index = open_catalog(project), open_index(project)
    try:
        yield Wheel(project, open_lake(project), catalog, open_blobs(wheel.project), index, wheel.fits)
    finally:
        catalog.close()
        index.close()


def follow(
    turned: Wheel, policy: Policy, history: History, begin: datetime, batches: Sequence[Batch], *, tell: Tell
) -> Line:
    """Lead one policy through the batches and score what it answered."""
    learn(turned, history, datetime.min.replace(tzinfo=UTC), begin, begin)
    first = begin - INSTANT
    challenge.train_newcomer(turned, AsOf(first, first), tell=say_nothing)
    watch, way = Watch(turned, learns=policy.governs), _Way()
    since = begin
    for number, one in enumerate(batches, start=1):
        standing = watch.stand()
        rows = _asked_in(history, one)
        labels = labels_of(rows["_label"], history.contract)
        way.take(turned, standing.trim, rows, labels)
        watch.see(rows, labels, way.answers[-1], standing.trim)
        learn(turned, history, since, one.end, begin)
        at, known = AsOf(one.end - INSTANT, one.end - INSTANT), len(turned.catalog.journal())
        findings = policy.act(turned, at, number=number, rows=one.rows)
        decided = turned.catalog.journal()[known:]
        watch.turn(standing, decided, at)
        way.note(turned, number - 1, findings, decided)
        since = one.end
        tell(f"{policy.name}: {one.name}, {way.champions[-1]} answered")
    return way.finish(turned, policy.name, watch)


class _Way:
    """What is kept of a policy's way while it is followed."""

    def __init__(self) -> None:
        self.answers: list[Numbers] = []
        self.labels: list[Numbers] = []
        self.champions: list[str] = []
        self.events: list[Event] = []
        self.mistakes = 0.0
        self.held: list[Numbers] = []
        self._firing: set[str] = set()
        self._suspected: set[str] = set()

    def take(self, turned: Wheel, trim: Trim, rows: pl.DataFrame, labels: Numbers) -> None:
        """Answer a batch's questions with a Trim, and log them."""
        version = turned.catalog.find_version(trim.champion)
        package = turned.package(version.id)
        answers = turned.answer(trim, rows) if rows.height else np.empty(0)
        if rows.height:
            log = _log(package, trim, rows, answers)
            turned.lake.append("predictions", log)
            costs = cost_decisions(turned.contract, turned.project.cost, rows["_label"], log["prediction"])
            self.mistakes += float(costs.sum())
        reach = package.interval_quantile if trim.reach is None else trim.reach
        if reach is not None:
            self.held.append((np.abs(answers - labels) <= reach).astype(np.float64))
        self.champions.append(version.name)
        self.answers.append(answers)
        self.labels.append(labels)

    def note(self, turned: Wheel, batch: int, findings: Sequence[Finding], decided: Sequence[Decision]) -> None:
        """Keep what happened in a turn: alarms where they begin, and Decisions other than trims."""
        firing = {one.subject: one for one in findings if one.judgement.state is State.FAIL and one.subject in ALARMS}
        new = [finding for subject, finding in firing.items() if subject not in self._firing]
        self._firing = set(firing)
        names = {version.id: version.name for version in turned.catalog.versions()}
        self.events += [
            Event(batch, "alarm", one.subject, names.get(one.version, ""), one.judgement.reasons) for one in new
        ]
        self.events += [
            Event(batch, one.action, one.by, names.get(one.version or "", ""), one.reasons)
            for one in decided
            if one.action != "trim"
        ]
        self._note_causes(batch, findings, names)

    def _note_causes(self, batch: int, findings: Sequence[Finding], names: Mapping[str, str]) -> None:
        """Keep what may explain the newest window, first or second, where it was not suspected before."""
        causes = {cause.cause: (one, cause) for one in findings for cause in one.diagnosis[:SUSPECTED]}
        self.events += [
            Event(batch, "diagnosis", name, names.get(one.version, ""), (*cause.evidence, f"helps: {cause.helps}"))
            for name, (one, cause) in causes.items()
            if name not in self._suspected
        ]
        self._suspected = set(causes)

    def finish(self, turned: Wheel, policy: str, watch: Watch) -> Line:
        """Return the whole way."""
        pairs = zip(self.labels, self.answers, strict=True)
        contract = turned.contract
        return Line(
            policy,
            tuple(score_answers(contract, *pair) for pair in pairs),
            score_answers(contract, np.concatenate(self.labels), np.concatenate(self.answers)),
            tuple(self.champions),
            turned.catalog.journal(),
            len(turned.catalog.versions()),
            self.mistakes,
            float(np.concatenate(self.held).mean()) if self.held else None,
            tuple(self.events),
            tuple(watch.lost),
            tuple(watch.forks),
            tuple(watch.looked_back),
        )


def learn(turned: Wheel, history: History, since: datetime, until: datetime, begin: datetime) -> None:
    """Let the scratch record know the labels that came in [since, until): of answers as Outcomes, of others as rows.

    A turn reads what came since the last one all at once, so it arrives when the turn begins, whenever it was known.
    """
    rows = history.rows.filter((pl.col("_known") >= since) & (pl.col("_known") < until))
    answered = pl.col("_asked") & (pl.col("_when") >= begin)
    told, plain = rows.filter(answered), rows.filter(~answered)
    if told.height:
        turned.lake.append("outcomes", _outcomes(told, until - 2 * INSTANT))
    if plain.height:
        columns = [column.name for column in history.contract.columns]
        turned.lake.append(
            turned.clean,
            plain.select(
                *columns,
                "_label",
                "_key",
                pl.col("_when").alias("_event_at"),
                pl.col("_known").alias("_arrived_at"),
                pl.col("_id").str.slice(1).cast(pl.Int64).alias("_row"),
            ),
        )


def _outcomes(told: pl.DataFrame, read_at: datetime) -> pl.DataFrame:
    return told.select(
        pl.col("_id").alias("id"),
        pl.col("_id").alias("prediction_id"),
        pl.lit(None, pl.String).alias("key"),
        pl.col("_label").cast(pl.String).alias("value"),
        pl.col("_known").alias("known_at"),
        pl.lit(read_at, told.schema["_known"]).alias("_arrived_at"),
        pl.lit("replay").alias("source"),
    )


def _asked_in(history: History, batch: Batch) -> pl.DataFrame:
    return history.rows.filter(pl.col("_asked") & (pl.col("_when") >= batch.start) & (pl.col("_when") < batch.end))


def _log(package: Package, trim: Trim, rows: pl.DataFrame, answers: Numbers) -> pl.DataFrame:
    """Return answers as the server logs them."""
    columns = [column.name for column in package.contract.columns]
    output = package.compile_output(trim.threshold, trim.reach)
    outputs = [output(one) for one in answers.tolist()]
    values = rows.select(columns).iter_rows()
    return rows.select(
        pl.col("_id").alias("id"), pl.col("_when").alias("_event_at"), pl.col("_when").alias("_arrived_at"), key="_key"
    ).with_columns(
        pl.Series("features", [features_text(columns, row) for row in values], pl.String),
        pl.Series("prediction", [prediction_text(one) for one in outputs], pl.String),
        pl.Series("probability", [one.get("probability") for one in outputs], pl.Float64),
        pl.Series("output", [json_text(one) for one in outputs], pl.String),
        version=pl.lit(package.id),
        epoch=pl.lit(trim.epoch, PREDICTIONS["epoch"]),
        contract=pl.lit(package.contract.id),
        fallback=pl.lit(""),
        worker=pl.lit("replay"),
    )


def score_answers(contract: Contract, labels: Numbers, answers: Numbers) -> Mapping[str, float]:
    """Return each metric of the task; NaN where it is not defined on these rows."""
    found = {}
    for metric in metrics.for_task(contract.target.task):
        found[metric.name] = metric.score(labels, answers) if len(labels) else float("nan")
    return found
