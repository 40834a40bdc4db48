"""Policies over a stream of batches: what each answers, with fits and answers shared between them.

A fit is the same for whoever asks for the same rows: LightGBM, 80 trees of 31 leaves, one thread. What corrects and
blends is trimtab's own trim layer, called as the loop calls it: answers of a batch first, then its labels.
"""

from dataclasses import dataclass, field, replace

import lightgbm
import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Task
from trimtab.nouns.project import TrimSpec
from trimtab.trim import layer as trims
from trimtab.trim import reach as reaches
from trimtab.trim.layer import Layer
from trimtab.trim.reach import Reach
from trimtab.trim.recalibrate import correct

Numbers = NDArray[np.float64]
Rows = tuple[int, int]
"""The first row that a fit learnt from, and the one behind the last; a Version's id is the two with a colon."""

FIRST_SHARE, FIRST_ROWS = 0.10, 2000
BATCH_SHARE, BATCH_ROWS = 0.015, 150
RECENT_BATCHES = 8
LEAST = 0.001
FORK_BATCHES = 5
COVERAGE = 0.9


def name(begin: int, end: int) -> str:
    """Return the id of the fit on some rows."""
    return f"{begin}:{end}"


def rows_of(version: str) -> Rows:
    """Return the rows that a fit learnt from."""
    begin, _, end = version.partition(":")
    return int(begin), int(end)


@dataclass
class Stream:
    """Rows in order of time with their labels (numbers, 0/1, or class indexes), and the batches they are cut into."""

    name: str
    task: Task
    matrix: Numbers
    labels: Numbers
    _models: dict[Rows, lightgbm.Booster] = field(default_factory=dict, repr=False)
    _answers: dict[tuple[Rows, int], Numbers] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> int:
        """Rows of the first fit."""
        return max(FIRST_ROWS, round(FIRST_SHARE * len(self.labels)))

    @property
    def batches(self) -> list[Rows]:
        """The batches after that, whole ones only."""
        size = max(BATCH_ROWS, round(BATCH_SHARE * len(self.labels)))
        return [(begin, begin + size) for begin in range(self.first, len(self.labels) - size + 1, size)]

    def shuffled(self, seed: int) -> "Stream":
        """Return the same rows in another order: a stream that stands still."""
        order = np.random.default_rng(seed).permutation(len(self.labels))
        return Stream(f"{self.name}, shuffled", self.task, self.matrix[order], self.labels[order])

    def recent(self, end: int, rows: int) -> Rows:
        """Return the recent window before a row: as many as the first fit's rows, or eight batches."""
        return max(0, end - max(self.first, RECENT_BATCHES * rows)), end

    def answer(self, fitted: Rows, batch: int) -> Numbers:
        """Return what the fit on some rows answers to a batch."""
        key = fitted, batch
        if key not in self._answers:
            begin, end = self.batches[batch]
            self._answers[key] = np.asarray(self._fit(fitted).predict(self.matrix[begin:end], num_threads=1))
        return self._answers[key]

    def truth(self, batch: int) -> Numbers:
        """Return the labels of a batch."""
        begin, end = self.batches[batch]
        return self.labels[begin:end]

    def lose(self, answers: Numbers, batch: int) -> Numbers:
        """Return the loss of each row: log loss, or the squared error."""
        true = self.truth(batch)
        if self.task == "regression":
            return (answers - true) ** 2
        if self.task == "binary":
            held = np.clip(answers, LEAST, 1.0 - LEAST)
            return -np.log(np.where(true > 0.5, held, 1.0 - held))
        return -np.log(np.maximum(answers[np.arange(len(true)), true.astype(np.int64)], LEAST))

    def hit(self, answers: Numbers, batch: int) -> Numbers:
        """Return 1 where a row was decided rightly at one half, or for the likeliest class."""
        said = answers.argmax(axis=1) if self.task == "multiclass" else answers >= 0.5
        return (said == self.truth(batch)).astype(np.float64)

    def usual_error(self) -> float:
        """Return the root mean squared error on the last rows of the first fit, by one without them."""
        said, true = self.hold_out()
        return float(np.sqrt(((said - true) ** 2).mean())) or 1.0

    def usual_reach(self) -> float:
        """Return how far intervals of the first fit reach: as many of the same rows' errors are within it."""
        said, true = self.hold_out()
        return float(np.quantile(np.abs(said - true), COVERAGE))

    def hold_out(self) -> tuple[Numbers, Numbers]:
        """Return answers and labels of the first fit's last rows, by a fit without them."""
        cut = round(0.85 * self.first)
        said = np.asarray(self._fit((0, cut)).predict(self.matrix[cut : self.first], num_threads=1))
        return said, self.labels[cut : self.first]

    def _fit(self, rows: Rows) -> lightgbm.Booster:
        if rows not in self._models:
            classes = {"num_class": int(self.labels.max()) + 1} if self.task == "multiclass" else {}
            settings = {
                "objective": self.task, "num_leaves": 31, "seed": 7, "num_threads": 1, "verbosity": -1,
                "deterministic": True, "force_row_wise": True, **classes,
            }  # fmt: skip
            data = lightgbm.Dataset(self.matrix[slice(*rows)], self.labels[slice(*rows)], params=settings)
            self._models[rows] = lightgbm.train(settings, data, 80)
        return self._models[rows]


@dataclass
class Way:
    """What a policy answered, batch by batch, and the batches after which it promoted what it had refitted."""

    answers: list[Numbers] = field(default_factory=list)
    promotions: list[int] = field(default_factory=list)
    fits: int = 1
    fitted_on: int = 0
    frozen: list[Numbers] = field(default_factory=list)
    """What the layer of five batches ago would have answered."""
    harm: list[tuple[Numbers, Numbers]] = field(default_factory=list)
    """For each promotion: mean losses of the next five batches, with it and without it."""
    held: list[Numbers] = field(default_factory=list)
    """Whether the interval of each number held the truth, batch by batch."""

    def refit(self, batch: int, rows: int, *, fits: int) -> None:
        """Note a refit after a batch, on so many rows."""
        self.promotions.append(batch)
        self.fitted_on = rows
        self.fits += fits


@dataclass(frozen=True)
class Fork:
    """The layer without a promotion, and the mean losses since then: with the promotion, and without it."""

    layer: Layer
    own: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it has not seen its batches yet."""
        return len(self.own) < FORK_BATCHES


@dataclass(frozen=True)
class Clock:
    """When to refit: so many batches after the last fit, or where labelled rows have grown by a factor; 0 is never.

    `offset` brings the first refit forward by so many batches.
    """

    every: int = 0
    growth: float = 0.0
    offset: int = 0

    def is_due(self, stream: Stream, path: "Way", batch: int, known: int) -> bool:
        """Return whether a refit comes after this batch; `known` is the newest one whose labels are there."""
        last = path.promotions[-1] if path.promotions else -1 - self.offset
        if self.every and batch - last >= self.every:
            return True
        begin, end = stream.batches[known]
        ahead = 0 if path.promotions else self.offset * (end - begin)
        return bool(self.growth) and end + ahead >= self.growth * path.fitted_on


NEVER, ALWAYS = Clock(), Clock(1)


def plain(stream: Stream, clock: Clock, *, delay: int = 1, recent: bool = False) -> Way:
    """Return the path of refitting by a clock and switching to what comes out without a question."""
    path, current = Way(fitted_on=stream.first), (0, stream.first)
    for batch in range(len(stream.batches)):
        path.answers.append(stream.answer(current, batch))
        known = batch - delay + 1
        if known >= 0 and clock.is_due(stream, path, batch, known):
            begin, last = stream.batches[known]
            current = stream.recent(last, last - begin) if recent else (0, last)
            path.refit(batch, last, fits=1)
    return path


def governed(stream: Stream, spec: TrimSpec, clock: Clock, *, delay: int = 1) -> Way:
    """Return the path of the trim layer with refits by a clock.

    Each promotion is compared with a fork: the same layer without it, over the next five batches.
    """
    path = Way(fitted_on=stream.first)
    scale = stream.usual_error() if stream.task == "regression" else 1.0
    layer = trims.begin(stream.task, name(0, stream.first), trims.choose_paces(spec, delay), scale)
    past: list[Layer] = []
    forks: list[Fork] = []
    errors: list[Numbers] = []
    reach, far = Reach(), stream.usual_reach() if stream.task == "regression" else 0.0
    for batch in range(len(stream.batches)):
        answers = serve(stream, layer, spec, batch)
        path.answers.append(answers)
        if stream.task == "regression":
            errors.append(np.abs(answers - stream.truth(batch)))
            path.held.append((errors[-1] <= far).astype(np.float64))
        past = [*past, layer][-6:]
        path.frozen.append(serve(stream, past[0], spec, batch))
        lost = float(stream.lose(answers, batch).mean())
        for fork in forks:
            fork.own.append(lost)
            fork.without.append(float(stream.lose(serve(stream, fork.layer, spec, batch), batch).mean()))
        known = batch - delay + 1
        if known < 0:
            continue
        layer = teach(stream, layer, spec, known)
        if stream.task == "regression":
            reach = reaches.learn(reach, errors[known], path.held[known], COVERAGE)
            far = reaches.half_width(reach, COVERAGE) or far
        path.harm += [(np.array(fork.own), np.array(fork.without)) for fork in forks if len(fork.own) == FORK_BATCHES]
        forks = [replace(fork, layer=teach(stream, fork.layer, spec, known)) for fork in forks if fork.is_open]
        if clock.is_due(stream, path, batch, known):
            begin, last = stream.batches[known]
            before = layer
            recent = name(*stream.recent(last, last - begin)) if spec.versions > 2 else ""
            layer = trims.admit(layer, name(0, last), recent=recent, mix=spec.versions > 1)
            path.refit(batch, last, fits=1 + (recent not in {"", name(0, last)}))
            forks.append(Fork(before))
    return path


def serve(stream: Stream, layer: Layer, spec: TrimSpec, batch: int) -> Numbers:
    """Return what a layer answers to a batch."""
    total = np.zeros(1)
    for member in trims.list_members(layer, spec):
        total = total + member.weight * correct(
            stream.task, stream.answer(rows_of(member.version), batch), member.calibration
        )
    return total


def teach(stream: Stream, layer: Layer, spec: TrimSpec, batch: int) -> Layer:
    """Return the layer after the labels of a batch, unless a Version was fitted on them."""
    begin, _ = stream.batches[batch]
    if any(rows_of(version)[1] > begin for version in layer.versions):
        return layer
    said = [stream.answer(rows_of(version), batch) for version in layer.versions]
    return trims.learn(layer, said, stream.truth(batch), spec)
