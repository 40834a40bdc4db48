"""The same turn over history, with the moment turned: what would each policy have answered, and how well?

A policy gets a scratch record of its own, fed batch by batch as the past had it: questions when they were asked,
labels when they were known. At the end of each batch the turn of `tick.py` measures and acts on what was known by then.
Nothing of the project's own record changes, and what was fitted for one policy is not fitted again for another.

    governed        the project's own triggers, trim, policy and gates
    switch          the same triggers, but exactly one Version answers, replaced on evidence only
    never           the first Version, untouched
    always          at the end of every batch a refit on all that is known, promoted without a question
    always:recent   the same on the newest rows: as many as the first fit had, or eight batches
    every:K         the same as always, at the end of every K-th batch
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from trimtab import metrics
from trimtab.errors import UsageError, nearest
from trimtab.loop import challenge
from trimtab.loop.challenge import Numbers
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
from trimtab.loop.known import AsOf, labels_of, load_labelled
from trimtab.loop.state import Wheel
from trimtab.loop.tick import govern
from trimtab.nouns import Contract, Decision, Trim
from trimtab.nouns.project import Project, TrimSpec
from trimtab.store import open_blobs, open_catalog, open_index, open_lake
from trimtab.store.record import features_text, json_text, prediction_text
from trimtab.train.artefact import Package

Tell = Callable[[str], None]
POLICIES = ("governed", "never", "always")
KNOWN = ("governed", "switch", "never", "always", "always:recent", "every:12")
RECENT_BATCHES = 8
PLAIN = TrimSpec(versions=1, recalibrate=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One policy's way through history: metrics by batch, in order, and over all; who answered; what was decided."""

    policy: str
    by_batch: tuple[Mapping[str, float], ...]
    overall: Mapping[str, float]
    champions: tuple[str, ...]
    decisions: tuple[Decision, ...]
    fits: int = 0

    def count(self, action: str) -> int:
        """Return how many Decisions after the first promotion did this."""
        return sum(decision.action == action for decision in self.decisions[1:])


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
    steps = {policy: read_policy(policy) for policy in policies}
    history = read_history(wheel, asked, shuffle=shuffle)
    if batch != "month":
        history = one_by_one(history)
    begin, batches = cut_history(history, batch, start)
    if label_delay:
        history = delay_labels(history, batches, label_delay)
    if batch != "month":
        wheel = replace(wheel, project=_with_windows(wheel.project, max(one.rows for one in batches)))
    tell(f"{history.rows.height:,} labelled rows, {len(batches)} batches from {begin:%Y-%m-%d} on")
    lines = {}
    with TemporaryDirectory(prefix="replay-", dir=wheel.project.state) as folder:
        for policy in policies:
            with scratch(_under(wheel, policy), Path(folder) / policy.replace(":", "-")) as turned:
                lines[policy] = follow(turned, policy, steps[policy], history, begin, batches, offset=offset, tell=tell)
    return Replay(batches, lines)


def read_policy(name: str) -> int:
    """Return after how many batches a policy refits by itself: 0 where it never does, or where the turn decides.

    Raises UsageError for an unknown one.
    """
    kind, _, number = name.partition(":")
    if kind == "every" and number.isdecimal() and int(number):
        return int(number)
    if name not in KNOWN:
        hint = f"there are {', '.join(KNOWN[:-1])} and every:K, for example every:12"
        raise UsageError(f"There is no policy '{name[:40]}'{nearest(name, KNOWN)}.", hint=hint)
    return 1 if kind == "always" else 0


def _with_windows(project: Project, rows: int) -> Project:
    """Return the project with windows of a batch's rows."""
    least = min(rows, project.monitor.min_rows), min(rows, project.monitor.min_labels)
    return replace(project, monitor=replace(project.monitor, window=rows, min_rows=least[0], min_labels=least[1]))


def _under(wheel: Wheel, policy: str) -> Wheel:
    """Return the wheel as a policy turns it."""
    project = wheel.project
    if policy == "switch":
        project = replace(project, trim=PLAIN, promote=replace(project.promote, style="switch"))
    return replace(wheel, project=project)


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


def follow(  # noqa: PLR0917 - the whole way of one policy
    turned: Wheel,
    policy: str,
    step: int,
    history: History,
    begin: datetime,
    batches: Sequence[Batch],
    *,
    offset: int = 0,
    tell: Tell,
) -> Line:
    """Lead one policy through the batches and score what it answered."""
    learn(turned, history, datetime.min.replace(tzinfo=UTC), begin, begin)
    first = begin - INSTANT
    challenge.train_newcomer(turned, AsOf(first, first), tell=_say_nothing)
    answers: list[Numbers] = []
    champions: list[str] = []
    since = begin
    for number, one in enumerate(batches, start=1 + offset):
        champion, answered = answer(turned, history, one)
        champions.append(champion)
        answers.append(answered)
        learn(turned, history, since, one.end, begin)
        last = one.end - INSTANT
        turn(turned, policy, AsOf(last, last), due=bool(step) and number % step == 0, rows=one.rows, offset=offset)
        since = one.end
        tell(f"{policy}: {one.name}, {champion} answered")
    line = _score(policy, history, batches, answers, champions, turned.catalog.journal())
    return replace(line, fits=len(turned.catalog.versions()))


def turn(turned: Wheel, policy: str, at: AsOf, *, due: bool, rows: int, offset: int) -> None:
    """Let the policy do at the end of a batch of so many rows what it does; `due` is whether it refits by itself."""
    if policy in {"governed", "switch"}:
        govern(_brought_forward(turned, offset), at, tell=_say_nothing)
    elif due:
        known = load_labelled(turned, at)
        if policy == "always:recent":
            newest = max(turned.catalog.versions()[0].snapshot.rows, RECENT_BATCHES * rows)
            turned = challenge.on_newest(turned, newest)
        challenge.replace_now(turned, known, by=f"policy:{policy}", tell=_say_nothing)


def _brought_forward(turned: Wheel, offset: int) -> Wheel:
    """Return the wheel with a shorter first period of the trigger `every`, until there was a retrain."""
    every = turned.project.retrain.every
    if not offset or not every or any(one.action == "retrain" for one in turned.catalog.journal()):
        return turned
    retrain = replace(turned.project.retrain, every=max(1.0, every - offset))
    return replace(turned, project=replace(turned.project, retrain=retrain))


def _say_nothing(_: str) -> None:
    """In a replay the line of its batch is enough."""


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


def answer(turned: Wheel, history: History, batch: Batch) -> tuple[str, Numbers]:
    """Answer the batch's questions with what answers now, log them; return the champion's name and the answers."""
    trim, version = challenge.find_standing(turned)
    rows = _asked_in(history, batch)
    if not rows.height:
        return version.name, np.empty(0)
    package = turned.package(version.id)
    answers = turned.answer(trim, rows)
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
