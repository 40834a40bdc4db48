"""The labels of each source held against those of the others: one that surely deviates is doubted, and told of.

Served answers are what both are compared on, each source's own newest word on each. What is doubted neither teaches the
layer nor trains, until it agrees again or a person says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import log
from typing import Literal

import numpy as np
import polars as pl

from trimtab import clock
from trimtab.loop.doubts import UNNAMED, Doubt, read_doubts, to_state
from trimtab.loop.known import (
    AsOf,
    count_once,
    join_outcomes,
    labels_of,
    load_predictions,
    load_usable,
    logged_answers,
    moments_of,
    pick_newest,
)
from trimtab.loop.state import Wheel
from trimtab.metrics.betting import from_log
from trimtab.metrics.figures import count, figure
from trimtab.monitor.sources import MOST, Batch, Compared, compare_source, measure_deviations
from trimtab.monitor.windows import label_batches
from trimtab.nouns import Contract, Decision, Finding, Judgement, State

REMEMBERED = 60
"""Newest batches that are compared."""
TRIAL = 5
"""Batches after which a new source counts in full, though there was nothing to compare it with."""
BY = "crosscheck"
WANTED = ("id", "key", "_event_at", "_arrived_at", "prediction", "probability", "output")
"""What is needed of an answer: each source's words are joined to all of them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What sources told of served answers: deviations by source in the finished batches, and when each batch began.

    `labels` counts all labels by source; `first` is when a source told its first one, `before` how many labels of
    others there were by then.
    """

    batches: tuple[Batch, ...]
    begins: tuple[datetime, ...]
    labels: Mapping[str, int]
    first: Mapping[str, datetime]
    before: Mapping[str, int]

    def count_until(self, moment: datetime | None) -> int:
        """Return how many batches began by a moment."""
        return 0 if moment is None else sum(begin <= moment for begin in self.begins)


def crosscheck(wheel: Wheel, at: AsOf) -> tuple[Decision, ...]:
    """Doubt sources, or believe them again, as the outcomes known at `at` say; return the Decisions."""
    told = _load_told(wheel, at)
    if told is None:
        return ()
    court = _Court(wheel, told, at)
    court.try_new()
    court.doubt_deviating()
    court.believe_again()
    return tuple(court.decisions)


def tell_doubts(wheel: Wheel, at: AsOf) -> tuple[Finding, ...]:
    """Return the Finding `sources` where labels of a source that come now do not count, or not all of them."""
    standing, doubts = wheel.champion(), [one for one in read_doubts(wheel) if one.is_open and one.holds_at(at.rows)]
    if not doubts or standing is None:
        return ()
    judgement = Judgement("sources", State.FAIL, tuple(map(_tell, doubts)), {"doubted": len(doubts)})
    return (Finding("sources", judgement, standing[1].id, at.rows),)


def _tell(doubt: Doubt) -> str:
    if doubt.why == "new":
        return f"{doubt.source} is a new source of labels: no more of them count than others tell"
    since = f"{doubt.since:%Y-%m-%d %H:%M} UTC"
    return f"labels of {doubt.source} since {since} do not count: they deviate from what others tell"


def _is_outside(source: str) -> bool:
    return source.partition(":")[0] == UNNAMED


class _Court:
    """The doubts of a turn while they are decided about."""

    def __init__(self, wheel: Wheel, told: Told, at: AsOf) -> None:
        self.wheel, self.told, self.at = wheel, told, at
        self.doubts = list(read_doubts(wheel))
        self.least = wheel.project.monitor.min_labels
        self.limit = wheel.project.triggers.arl * len(told.labels)
        self.decisions: list[Decision] = []

    def try_new(self) -> None:
        """Open the trial of a source that joins others; end it where enough was compared, or time has passed.

        Files and the project's own sources are the operator's word, and not on trial.
        """
        for source in filter(_is_outside, self.told.labels):
            passed = self._pass_trial(source)
            tried = [one for one in self.doubts if one.source == source and one.why == "new"]
            if passed and tried and tried[-1].is_open:
                self._decide("believe", State.PASS, (passed,), replace(tried[-1], lifted=self.at.rows), tried[-1])
            elif not passed and not tried and self.told.before[source] >= self.least:
                said = (
                    f"{source} is a new source of labels: no more of them count than the others tell, until "
                    f"{self.least:,} were compared or {TRIAL} windows have passed"
                )
                self._decide("doubt", State.FAIL, (said,), Doubt(source, "new", self.told.first[source], self.at.rows))

    def _pass_trial(self, source: str) -> str:
        """Return why a trial is over, "" where it is not."""
        compared = compare_source(source, self._batches(source)).labels
        if compared >= self.least:
            return f"{count(compared, 'label')} of {source} were compared with others: all of them count from now on"
        windows = len(self.told.batches) - self.told.count_until(self.told.first[source])
        said = f"{source} has told labels for {windows} windows, and nobody else has: all of them count from now on"
        return said if windows >= TRIAL else ""

    def doubt_deviating(self) -> None:
        """Doubt the source that deviates most from what was expected, for as long as one surely does."""
        while found := self._find_deviating():
            source, compared = max(found.items(), key=lambda item: abs(item[1].own))
            begin = self.told.begins[self.told.count_until(self._forgiven(source)) + compared.since]
            self.doubts = [
                replace(one, lifted=self.at.rows) if one.source == source and one.is_open else one
                for one in self.doubts
            ]
            what, evidence = "loss" if compared.kind == 0 else "balance", figure(from_log(compared.evidence))
            found_out = (
                f"labels of {source} deviate by {figure(compared.by)} a row more in {what} than those of others do, "
                f"since {begin:%Y-%m-%d %H:%M} UTC; evidence {evidence}, limit {figure(self.limit)}"
            )
            until = f"they neither teach nor train until they agree again, or `trimtab outcomes --believe {source}`"
            said = (found_out, until)
            self._decide("doubt", State.FAIL, said, Doubt(source, "deviates", begin, self.at.rows, kind=compared.kind))

    def _find_deviating(self) -> dict[str, Compared]:
        found = {}
        for source, labels in self.told.labels.items():
            if source in self._barred() or labels > MOST * sum(self.told.labels.values()):
                continue
            compared = compare_source(source, self._batches(source, self._forgiven(source)))
            if compared.evidence >= log(self.limit):
                found[source] = compared
        return found

    def believe_again(self) -> None:
        """Believe a doubted source again, from now on, where it surely deviates no more."""
        for doubt in [one for one in self.doubts if one.why == "deviates" and one.is_open]:
            compared = compare_source(doubt.source, self._batches(doubt.source, doubt.decided), kind=doubt.kind)
            if compared.evidence >= log(self.limit):
                said = f"{count(compared.labels, 'label')} of {doubt.source} agree with others' again: new ones count"
                self._decide("believe", State.PASS, (said,), replace(doubt, until=self.at.rows), doubt)

    def _forgiven(self, source: str) -> datetime | None:
        """Return when a source was believed last; what it told before is no evidence any more."""
        ends = [one.lifted or one.until for one in self.doubts if one.source == source and one.why == "deviates"]
        return max((end for end in ends if end), default=None)

    def _barred(self) -> set[str]:
        return {one.source for one in self.doubts if one.why == "deviates" and one.is_open}

    def _batches(self, source: str, after: datetime | None = None) -> list[Batch]:
        """Return what a source and those that may testify about it told, from the first batch after a moment on."""
        barred = {one.source for one in self.doubts if one.is_open} - {source}
        return [
            {name: one for name, one in batch.items() if name not in barred}
            for batch in self.told.batches[self.told.count_until(after) :]
        ]

    def _decide(
        self,
        action: Literal["doubt", "believe"],
        state: State,
        said: tuple[str, ...],
        new: Doubt,
        old: Doubt | None = None,
    ) -> None:
        """Journal a change of a doubt, the state with it."""
        self.doubts = [one for one in self.doubts if one is not old] + [new]
        version = self.wheel.catalog.find_version("champion").id
        evidence: dict[str, str | None] = {"source": new.source}
        if action == "doubt" and new.why == "deviates":
            evidence["since"] = new.since.isoformat()
        finding = Finding("sources", Judgement("sources", state, said, evidence), version, self.at.rows)
        decision = Decision(action, BY, said, clock.now(), self.at.rows, finding=finding)
        self.decisions.append(self.wheel.catalog.decide(decision, states=to_state(self.doubts)))


def _load_told(wheel: Wheel, at: AsOf) -> Told | None:
    """Return what each source told of served answers, its own newest word on each; None where there is only one.

    All that was told of an answer is in the batch of its first label, so that late words meet what they contradict.
    """
    outcomes, standing = load_usable(wheel, at), wheel.champion()
    sources = outcomes["source"].unique().sort().to_list()
    if len(sources) < 2 or standing is None:
        return None
    scale = wheel.package(standing[1].id).scale
    answers = load_predictions(wheel, at).filter(pl.col("fallback") == "").select(WANTED)
    words = pl.concat([_words_of(source, answers, outcomes) for source in sources])
    words = words.with_columns(pl.col("_known_at").min().over("id").alias("_first")).sort("_first", "id", "_known_at")
    monitor = wheel.project.monitor
    told = words.unique("id", keep="first", maintain_order=True)
    sizes = label_batches(moments_of(told["_first"]), monitor.window, monitor.min_labels, at.rows)
    edges = pairwise(np.cumsum([0, *sizes]).tolist()[-REMEMBERED - 1 :])
    finished = [words.filter(pl.col("id").is_in(told["id"][low:high].implode())) for low, high in edges]
    own = words.group_by("source").agg(pl.len(), pl.col("_known_at").min()).rows()
    return Told(
        tuple(_deviations_of(wheel.contract, scale, one) for one in finished),
        tuple(one["_first"][0] for one in finished),
        {source: labels for source, labels, _ in own},
        {source: first for source, _, first in own},
        {source: words.filter(pl.col("_known_at") < first).height for source, _, first in own},
    )


def _words_of(source: str, answers: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    mine = count_once(join_outcomes(answers, pick_newest(outcomes.filter(pl.col("source") == source))))
    return mine.filter(pl.col("value").is_not_null()).with_columns(pl.lit(source).alias("source"))


def _deviations_of(contract: Contract, scale: float, rows: pl.DataFrame) -> Batch:
    """Return a batch's deviations by source; what an edited Contract does not know any more is left out."""
    labels, answers = labels_of(rows["value"], contract), logged_answers(contract, rows)
    known = np.isfinite(labels) & np.isfinite(answers.reshape(len(labels), -1)).all(axis=1)
    found = measure_deviations(contract.target.task, labels[known], answers[known], scale)
    sources = rows["source"].to_numpy()[known]
    return {str(name): found[sources == name] for name in rows["source"].unique().sort()}
