"""The same turn over history, with the moment turned: what would each policy have answered, and how well?

A policy gets a scratch record of its own, fed batch by batch as the past had it: questions when they were asked,
labels when they were known. At the end of each batch the turn of `tick.py` measures and acts on what was known by then.
Nothing of the project's own record changes, and what was fitted for one policy is not fitted again for another.

    governed   the project's own triggers, policy and gates
    never      the first Version, untouched
    always     at the end of every batch a refit on all that is known, promoted without a question
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from trimtab import metrics
from trimtab.errors import DataError, NotBuiltYet, nearest
from trimtab.loop import challenge
from trimtab.loop.challenge import Numbers, labels_of
from trimtab.loop.forward import PREDICTIONS
from trimtab.loop.known import AsOf, load_history, load_labelled
from trimtab.loop.state import Wheel
from trimtab.loop.tick import act, measure
from trimtab.nouns import Contract, Decision, Trim
from trimtab.store import open_blobs, open_catalog, open_index, open_lake
from trimtab.store.record import features_text, json_text, prediction_text
from trimtab.train.artefact import Package

Tell = Callable[[str], None]
Chooser = Callable[[pl.DataFrame], pl.Series]
POLICIES = ("governed", "never", "always")
FIRST_SHARE, FIRST_ROWS = 0.10, 2000
BATCH_SHARE, BATCH_ROWS = 0.015, 150
INSTANT = timedelta(microseconds=1)
"""A batch ends this much before the next one begins: what is known at that very moment comes after the turn."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch [start, end) of history, and how many of its rows were asked."""

    name: str
    start: datetime
    end: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Line:
    """One policy's way through history: metrics by batch, in order, and over all; who answered; what was decided."""

    policy: str
    by_batch: tuple[Mapping[str, float], ...]
    overall: Mapping[str, float]
    champions: tuple[str, ...]
    decisions: tuple[Decision, ...]

    def count(self, action: str) -> int:
        """Return how many Decisions after the first promotion did this."""
        return sum(decision.action == action for decision in self.decisions[1:])


@dataclass(frozen=True, slots=True)
class Replay:
    """The batches, and a line for each policy."""

    batches: tuple[Batch, ...]
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class History:
    """Labelled rows in order: contract columns, `_label`, `_key`, `_id`, `_when`, `_known`, `_asked`."""

    rows: pl.DataFrame
    contract: Contract


def replay(
    wheel: Wheel,
    *,
    policies: Sequence[str] = POLICIES,
    batch: str | int = 0,
    start: datetime | None = None,
    asked: Chooser | None = None,
    tell: Tell,
) -> Replay:
    """Return what each policy would have answered over the project's own labelled history.

    `batch` is "month", a number of rows, or 0: max(150, 1.5 %). The first Version is fitted on what was known before
    `start`, or on the first 10 % (at least 2,000 rows). `asked` marks the rows that are answered; by default all are.
    Raises DataError where there is too little history or no order, NotBuiltYet for an unknown policy.
    """
    for policy in policies:
        if policy not in POLICIES:
            hint = f"built are {', '.join(POLICIES)}"
            raise NotBuiltYet(f"The policy '{policy}' is not built yet{nearest(policy, POLICIES)}.", hint=hint)
    history = read_history(wheel, asked)
    begin, batches = cut_history(history, batch, start)
    tell(f"{history.rows.height:,} labelled rows, {len(batches)} batches from {begin:%Y-%m-%d} on")
    lines = {}
    with TemporaryDirectory(prefix="replay-", dir=wheel.project.state) as folder:
        for policy in policies:
            with scratch(wheel, Path(folder) / policy) as turned:
                lines[policy] = follow(turned, policy, history, begin, batches, tell=tell)
    return Replay(batches, lines)


def read_history(wheel: Wheel, asked: Chooser | None = None) -> History:
    """Return the project's labelled rows with the moments at which they were asked and their labels known.

    With `order = "event_time"` these are the event time and the Outcome's `known_at` (for a label that came with its
    row: the event time plus `matures_after`). With `order = "file"` the position is the time, a second a row.
    """
    contract = wheel.contract
    rows = load_history(wheel)
    if contract.row.order == "none":
        raise DataError(
            "The rows have no order, so there is no history to replay.",
            hint='set [row] event_time and order = "event_time", or order = "file", in contract.toml',
        )
    when = pl.col("_event_at")
    known = pl.max_horizontal(pl.coalesce("_told_at", when + contract.target.matures_after), when)
    if contract.row.order == "file":
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        when = known = (place * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    rows = rows.with_columns(when.alias("_when"), known.alias("_known"))
    mark = pl.repeat(value=True, n=rows.height, eager=True) if asked is None else asked(rows)
    names = pl.Series("_id", [f"r{place:09d}" for place in range(rows.height)])
    return History(rows.with_columns(mark.alias("_asked"), names), contract)


def cut_history(history: History, batch: str | int, start: datetime | None) -> tuple[datetime, tuple[Batch, ...]]:
    """Return when the first Version is fitted, and the batches after that."""
    times = history.rows["_when"]
    first = max(FIRST_ROWS, round(FIRST_SHARE * len(times)))
    if start is None and len(times) <= first:
        raise DataError(f"{len(times):,} labelled rows are too few for a replay; it needs more than {first:,}.")
    begin: datetime = start or times[first]
    later = times.filter(times >= begin)
    if not len(later):
        raise DataError(f"No labelled row was asked at or after {begin:%Y-%m-%d}.", hint="choose an earlier start")
    edges = _edges(later, batch, round(BATCH_SHARE * len(times)))
    asked = history.rows.filter("_asked")["_when"]
    form = "%Y-%m" if batch == "month" else "%Y-%m-%d %H:%M"
    return begin, tuple(
        Batch(f"{low:{form}}", low, high, int(((asked >= low) & (asked < high)).sum())) for low, high in pairwise(edges)
    )


def _edges(later: pl.Series, batch: str | int, share: int) -> list[datetime]:
    """Return where batches begin, and the end of the last one."""
    if batch == "month":
        months = later.dt.truncate("1mo").unique().sort()
        return [later[0], *months[1:].to_list(), months[-1:].dt.offset_by("1mo")[0]]
    size = int(batch) or max(BATCH_ROWS, share)
    return [*later.gather_every(size).to_list(), later[-1] + timedelta(microseconds=1)]


@contextmanager
def scratch(wheel: Wheel, folder: Path) -> Iterator[Wheel]:
    """Give a wheel with an empty record in `folder`: the same declaration, and the project's own Version files."""
    folder.mkdir(parents=True)
    project = replace(wheel.project, state=folder, folder=folder, sources=())
    catalog, index = open_catalog(project), open_index(project)
    try:
        yield Wheel(project, open_lake(project), catalog, open_blobs(wheel.project), index, wheel.fits)
    finally:
        catalog.close()
        index.close()


def follow(
    turned: Wheel, policy: str, history: History, begin: datetime, batches: Sequence[Batch], *, tell: Tell
) -> Line:
    """Lead one policy through the batches and score what it answered."""
    learn(turned, history, datetime.min.replace(tzinfo=UTC), begin, begin)
    first = begin - INSTANT
    challenge.train_newcomer(turned, AsOf(first, first), tell=_say_nothing)
    answers: list[Numbers] = []
    champions: list[str] = []
    since = begin
    for one in batches:
        champion, answered = answer(turned, history, one)
        champions.append(champion)
        answers.append(answered)
        learn(turned, history, since, one.end, begin)
        last = one.end - INSTANT
        turn(turned, policy, AsOf(last, last))
        since = one.end
        tell(f"{policy}: {one.name}, {champion} answered")
    return _score(policy, history, batches, answers, champions, turned.catalog.journal())


def turn(turned: Wheel, policy: str, at: AsOf) -> None:
    """Let the policy do at the end of a batch what it does."""
    if policy == "governed":
        act(turned, measure(turned, at), at, tell=_say_nothing)
    elif policy == "always":
        challenge.replace_now(turned, load_labelled(turned, at), by="policy:always", tell=_say_nothing)


def _say_nothing(_: str) -> None:
    """In a replay the line of its batch is enough."""


def learn(turned: Wheel, history: History, since: datetime, until: datetime, begin: datetime) -> None:
    """Let the scratch record know the labels that came in [since, until): of answers as Outcomes, of others as rows."""
    rows = history.rows.filter((pl.col("_known") >= since) & (pl.col("_known") < until))
    answered = pl.col("_asked") & (pl.col("_when") >= begin)
    told, plain = rows.filter(answered), rows.filter(~answered)
    if told.height:
        turned.lake.append("outcomes", _outcomes(told))
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


def _outcomes(told: pl.DataFrame) -> pl.DataFrame:
    return told.select(
        pl.col("_id").alias("id"),
        pl.col("_id").alias("prediction_id"),
        pl.lit(None, pl.String).alias("key"),
        pl.col("_label").cast(pl.String).alias("value"),
        pl.col("_known").alias("known_at"),
        pl.col("_known").alias("_arrived_at"),
        pl.lit("replay").alias("source"),
    )


def answer(turned: Wheel, history: History, batch: Batch) -> tuple[str, Numbers]:
    """Answer the batch's questions with what answers now, log them; return the champion's name and the answers."""
    trim, version = challenge.find_standing(turned)
    rows = _asked_in(history, batch)
    if not rows.height:
        return version.name, np.empty(0)
    package = turned.package(version.id)
    answers = package.predict(rows)
    turned.lake.append("predictions", _log(package, trim, rows, answers))
    return version.name, answers


def _asked_in(history: History, batch: Batch) -> pl.DataFrame:
    return history.rows.filter(pl.col("_asked") & (pl.col("_when") >= batch.start) & (pl.col("_when") < batch.end))


def _log(package: Package, trim: Trim, rows: pl.DataFrame, answers: Numbers) -> pl.DataFrame:
    """Return answers as the server logs them."""
    columns = [column.name for column in package.contract.columns]
    output = package.compile_output(trim.threshold)
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


def _score(  # noqa: PLR0917 - the whole way of one policy
    policy: str,
    history: History,
    batches: Sequence[Batch],
    answers: Sequence[Numbers],
    champions: Sequence[str],
    decisions: tuple[Decision, ...],
) -> Line:
    labels = [labels_of(_asked_in(history, one)["_label"], history.contract) for one in batches]
    by_batch = tuple(score_answers(history.contract, *pair) for pair in zip(labels, answers, strict=True))
    overall = score_answers(history.contract, np.concatenate(labels), np.concatenate(answers))
    return Line(policy, by_batch, overall, tuple(champions), decisions)


def score_answers(contract: Contract, labels: Numbers, answers: Numbers) -> Mapping[str, float]:
    """Return each metric of the task; NaN where it is not defined on these rows."""
    found = {}
    for metric in metrics.for_task(contract.target.task):
        found[metric.name] = metric.score(labels, answers) if len(labels) else float("nan")
    return found
