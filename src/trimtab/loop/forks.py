"""What a promotion did, and what the Trim itself did: the same policy again without it, over the next batches.

A fork begins at each promotion. It has the layer as it was, learns from the same labels at the same turns, and takes
part in later promotions; only that newcomer never came. So the difference is that promotion's doing and nothing else's.
As in a turn, labels are learnt from first and a newcomer comes in then; where a turn learns nothing, forks do not.
Beside it stand what was replaced, as it was then, and the Trim of five batches ago, frozen too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import metrics
from trimtab.loop.known import AsOf, count_once, load_answers
from trimtab.loop.state import Wheel
from trimtab.loop.trimming import Kept, learn_new, let_in, open_layer
from trimtab.metrics import RowMetric
from trimtab.nouns import Decision, Task, Trim
from trimtab.trim import layer as trims
from trimtab.trim.blend import Blend

Numbers = NDArray[np.float64]
BATCHES = 5
"""Batches after a promotion that it is held to account for, and back to the Trim that is looked back at."""


@dataclass
class Fork:
    """One promotion: row losses of the next batches with it, without it, and by what it replaced."""

    trim: Trim
    replaced: Trim
    kept: Kept | None = None
    own: list[Numbers] = field(default_factory=list)
    without: list[Numbers] = field(default_factory=list)
    before: list[Numbers] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it has not seen its batches yet."""
        return len(self.own) < BATCHES


@dataclass(frozen=True, slots=True)
class Standing:
    """What answers at a moment: the Trim, and the layer where one is learnt."""

    trim: Trim
    kept: Kept | None


class Watch:
    """Follows one policy through its batches. `lost` are its row losses, batch by batch; `forks` its promotions.

    `looked_back` pairs a batch's losses with those of the Trim of five batches ago.
    """

    def __init__(self, turned: Wheel, *, learns: bool) -> None:
        self.lost: list[Numbers] = []
        self.forks: list[Fork] = []
        self.looked_back: list[tuple[Numbers, Numbers]] = []
        self._turned = turned
        self._learns = learns and not turned.project.trim.is_plain
        self._past: list[Trim] = []

    def stand(self) -> Standing:
        """Return what answers now."""
        trim = self._turned.catalog.trim()
        if trim is None:
            raise ValueError("nothing was promoted yet")
        return Standing(trim, open_layer(self._turned) if self._learns else None)

    def see(self, rows: pl.DataFrame, labels: Numbers, answers: Numbers, trim: Trim) -> None:
        """Take in a batch that was answered by a Trim."""
        asked = _Asked(self._turned, rows, {trim.members: answers})
        task = self._turned.contract.target.task
        own = lose(task, labels, answers)
        self.lost.append(own)
        if len(self._past) == BATCHES:
            self.looked_back.append((own, lose(task, labels, asked.by(self._past[0]))))
        self._past = [*self._past, trim][-BATCHES:]
        for fork in filter(_is_open, self.forks):
            fork.own.append(own)
            fork.without.append(lose(task, labels, asked.by(fork.trim)))
            fork.before.append(lose(task, labels, asked.by(fork.replaced)))

    def turn(self, before: Standing, decided: Sequence[Decision], at: AsOf) -> None:
        """Take in a turn, with what answered before it and what it decided."""
        earlier = [*filter(_is_open, self.forks)]
        promoted = [one for one in decided if one.action == "promote"]
        if promoted:
            self.forks.append(Fork(before.trim, before.trim, before.kept))
        if any(one.action == "trim" for one in decided):
            self._teach([*filter(_is_open, self.forks)], at)
        if promoted:
            self._promote(earlier, promoted[-1])

    def _promote(self, forks: Sequence[Fork], decision: Decision) -> None:
        """Let a newcomer into the forks of earlier promotions, too."""
        now, spec = self.stand(), self._turned.project.trim
        for fork in forks:
            if fork.kept is None or now.kept is None:
                fork.trim = now.trim
                continue
            recent = now.kept.layer.seats.get("recent")
            newcomer, third = decision.version or "", recent.version if recent else ""
            fork.kept = let_in(fork.kept, spec, newcomer, third, decision.as_of)
            fork.trim = replace(fork.trim, members=trims.list_members(fork.kept.layer, spec))

    def _teach(self, forks: Sequence[Fork], at: AsOf) -> None:
        """Let forks learn from the labels that came."""
        learning = [fork for fork in forks if fork.kept is not None]
        if not learning:
            return
        answers, spec = count_once(load_answers(self._turned, at)), self._turned.project.trim
        for fork in learning:
            if fork.kept is not None:
                fork.kept = learn_new(self._turned, fork.kept, answers, at)[0]
                fork.trim = replace(fork.trim, members=trims.list_members(fork.kept.layer, spec))


def _is_open(fork: Fork) -> bool:
    return fork.is_open


class _Asked:
    """The rows of a batch, and what Versions and Trims answer to them, each asked once."""

    def __init__(self, turned: Wheel, rows: pl.DataFrame, known: Mapping[tuple[object, ...], Numbers]) -> None:
        self._turned, self._rows = turned, rows
        self._trims: dict[tuple[object, ...], Numbers] = dict(known)
        self._versions: dict[str, Numbers] = {}

    def by(self, trim: Trim) -> Numbers:
        """Return what a Trim answers."""
        if trim.members not in self._trims:
            blend = Blend(self._turned.contract.target.task, trim.members)
            self._trims[trim.members] = blend.answer_rows([self._ask(version) for version in blend.versions])
        return self._trims[trim.members]

    def _ask(self, version: str) -> Numbers:
        if version not in self._versions:
            self._versions[version] = self._turned.package(version).predict(self._rows)
        return self._versions[version]


def lose(task: Task, labels: Numbers, answers: Numbers) -> Numbers:
    """Return each row's loss: the log loss, or the squared error."""
    metric = metrics.default(task)
    return metric.losses(labels, answers) if isinstance(metric, RowMetric) else np.square(answers - labels)
