"""Which settings of which family are best on the validation part, found within a stretch of wall clock.

First every family's plain settings run, then Optuna's sampler (Bergstra et al. 2011) proposes more for the families
that are close to the best, until the budget is spent or nothing has improved for long. Every trial is told to a ledger;
what a ledger knows already is not tried again, and its seconds count as spent.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab import clock
from trimtab.errors import DataError, TrimtabError
from trimtab.metrics.compare import metric_interval
from trimtab.metrics.figures import figure, spread
from trimtab.nouns import Interval, canonical
from trimtab.train.contest import Ground, best_of, check_finite
from trimtab.train.families.base import MEMBERS, Averaging, Family, Fitted, Params, Pooling, Rows, Searchable, Space
from trimtab.train.propose import Proposer
from trimtab.train.trials import Ledger, Trial

PATIENCE = 40
"""Trials without progress before a search ends: more would only choose what suits the validation part by chance."""
MOST_TRIALS = 400
TRIALS_OF_A_SETTING = 15
TRIFLE = 0.02
"""Progress of less than this share of a standard error is none."""
AGAIN = 4
"""Trials of a searched family that meet again, with its best plain one, on the validation and calibration parts
together; an averaging family averages the best of these, one more."""
REFITS = 3.0
"""Fits of the chosen settings on a part of the rows that follow a search: for the average, leakage, and the account."""
SHARE_KEPT = 0.35
"""Share of the budget that is kept for what follows a search: averaging, judging, and the fit on all rows."""
AFTER = 6.0
"""What follows a search besides fits (judging, the account of a Version) takes so many times as long as encoding."""
LEAST_SHARE = 0.2
"""Share of the time left that there is for families not tried yet, whatever is kept back."""
CLOSE = 2.0
"""A family further than so many standard errors from the best one is not searched."""


@dataclass(frozen=True, slots=True)
class Finalist:
    """A family's best trial, its fit where there is one (None: it can be repeated), and all its trials' time."""

    name: str
    family: Family
    best: Trial | None
    fitted: Fitted | None
    trials: int
    seconds: float
    reason: str = ""


class Search:
    """A search over families by name, from simple to complex, on one ground. `budget` 0: the plain settings only."""

    def __init__(self, ground: Ground, families: Mapping[str, Family], ledger: Ledger, tell: Any) -> None:
        self._ground = ground
        self._families = families
        self._ledger = ledger
        self._tell = tell
        self._trials = list(ledger.known())
        self._fits: dict[str, tuple[Trial, Fitted]] = {}
        self._again: dict[int, float] = {}
        self._budget = ground.project.train.budget.total_seconds()
        self._start = clock.monotonic_ns()
        self._spent = sum(trial.seconds for trial in self._trials)
        self._encoding = 0.0

    def run(self) -> tuple[Finalist, ...]:
        """Return one finalist for each family, in their order."""
        for family in self._families.values():
            self._ground.encode(family.form)
        self._encoding = seconds_since(self._start)
        if not self._ledger.finished:
            self._try_plain()
            if self._budget:
                self._search()
                self._average()
            self._pool()
            self._ledger.finish()
        return tuple(self._finalist(name) for name in self._families)

    def left(self) -> float:
        """Return the seconds of the budget that are left."""
        return self._budget - self._spent - (clock.monotonic_ns() - self._start) / 1e9

    # --- the plain settings -------------------------------------------------------------------------------------------

    def _try_plain(self) -> None:
        """Try every family's candidates: first one of each, so that no family takes the others' time."""
        alone = {name: family for name, family in self._families.items() if not isinstance(family, Pooling)}
        queues = {name: self._plain_of(family) for name, family in alone.items()}
        # The one with the most settings goes first behind the baseline: were time short, one would want to have it.
        order = sorted(queues, key=lambda name: (name != "baseline", -len(self._space_of(name))))
        for turn in range(max(map(len, queues.values()))):
            for place, name in enumerate(order):
                if turn < len(queues[name]) and not self._known(name, queues[name][turn]) and not self._hopeless(name):
                    self._try_in_time(name, queues[name][turn], share=1.0 / (len(order) - place))

    def _try_in_time(self, name: str, params: Params, share: float) -> None:
        """Try one plain setting, in its share of the time before the reserve; say why where there is none left.

        A family that was not tried yet may have a little of the reserve: better a rough fit of it than none.
        """
        room = self.left() - self._reserve()
        if not any(trial.family == name for trial in self._trials):
            room = max(room, LEAST_SHARE * self.left())
        if self._budget and name != "baseline" and room <= 0:
            if not any(trial.family == name for trial in self._trials):
                self._note(Trial(name, params, "failed", 0.0, reason=f"{self._told_budget} was spent before its turn"))
            return
        self._try(name, params, limit=room * share if self._budget else None)

    @property
    def _told_budget(self) -> str:
        return f"the budget of {figure(self._budget)} seconds"

    def _plain_of(self, family: Family) -> tuple[Params, ...]:
        problem = self._ground.problem_of(family)
        return family.candidates(problem, len(self._ground.parts.train))

    def _space_of(self, name: str) -> Space:
        family = self._families[name]
        rows = len(self._ground.parts.train)
        return family.space(self._ground.problem_of(family), rows) if isinstance(family, Searchable) else {}

    def _known(self, name: str, params: Params) -> bool:
        wanted = canonical(dict(params))
        return any(one.family == name and canonical(dict(one.params)) == wanted for one in self._trials)

    def _hopeless(self, name: str) -> bool:
        """Return whether a family has failed and never come to an end: it is dropped."""
        own = [trial for trial in self._trials if trial.family == name]
        return bool(own) and all(trial.state == "failed" for trial in own)

    # --- the search ---------------------------------------------------------------------------------------------------

    def _search(self) -> None:
        proposers = {name: self._propose_for(name, space) for name, space in self._spaces()}
        idle = 0
        while proposers and idle < PATIENCE and len(self._trials) < MOST_TRIALS and self.left() > self._reserve():
            # Time is shared by the number of settings: eight of them need more trials than one.
            name = min(proposers, key=lambda one: self._seconds_of(one) / len(proposers[one].space))
            if proposers[name].asked >= TRIALS_OF_A_SETTING * len(proposers[name].space):
                del proposers[name]
                continue
            before = self._best()
            self._try_proposal(name, proposers[name])
            idle = 0 if self._progress(before) else idle + 1

    def _seconds_of(self, name: str) -> float:
        return sum(trial.seconds for trial in self._trials if trial.family == name)

    def _propose_for(self, name: str, space: Space) -> Proposer:
        seed = self._ground.project.train.seed + len(self._trials)
        proposer = Proposer(space, seed=seed, bigger_is_better=self._ground.metric.bigger_is_better)
        for trial in self._trials:
            if trial.family == name:
                proposer.remember(trial.params, trial.score.value if trial.score else None)
        return proposer

    def _try_proposal(self, name: str, proposer: Proposer) -> None:
        proposal, before = proposer.ask(), self._best()
        trial = self._try(name, proposal.params, limit=self.left() - self._reserve(), prune=proposal.prune)
        proposer.tell(proposal, trial.score.value if trial.score else None, pruned=trial.state == "pruned")
        if trial.score and self._best() is not before:
            self._tell(
                f"{name}: {self._ground.metric.name} {spread(trial.score)} on the validation part, "
                f"trial {len(self._trials)}, {max(self.left(), 0.0):.0f} s left"
            )

    def _progress(self, before: Trial | None) -> bool:
        """Return whether the best score moved by more than a trifle."""
        now = self._best()
        if now is before or now is None or now.score is None or before is None or before.score is None:
            return False
        return abs(now.score.value - before.score.value) > TRIFLE * _standard_error(before.score)

    def _spaces(self) -> Iterator[tuple[str, Space]]:
        """Yield the families worth a search with what may be tried: those that came close to the best."""
        best = self._best()
        if best is None or best.score is None:
            return
        error = _standard_error(best.score)
        for name, family in self._families.items():
            own = self._best(name)
            if not isinstance(family, Searchable) or own is None or own.score is None:
                continue
            if not abs(own.score.value - best.score.value) > CLOSE * error:
                yield name, self._space_of(name)

    def _average(self) -> None:
        """Average the best settings of each family that can, as many as there is time for."""
        for name, _ in tuple(self._spaces()):
            family = self._families[name]
            if not isinstance(family, Averaging):
                continue
            self._meet_again(name)
            met = [place for place in self._again if self._trials[place].family == name]
            members: list[Params] = []
            left = self.left() - sum(self._cost(other) for other in self._pooled() - {name})
            for place in sorted(met, key=lambda one: self._sign * self._again[one]):
                cost = self._cost(name, self._trials[place])
                if cost < left and len(members) <= AGAIN:
                    left -= cost
                    members.append(self._trials[place].fitted)
            if members:
                self._try(name, family.average(members))

    def _pool(self) -> None:
        """Let each family that pools others' fits make its model of their best ones."""
        for name, family in self._families.items():
            if isinstance(family, Pooling) and not any(trial.family == name for trial in self._trials):
                start = clock.monotonic_ns()
                try:
                    self._keep(name, {}, self._pool_fits(family), start)
                except Exception as error:  # noqa: BLE001 - as in `_try`
                    self._note(Trial(name, {}, "failed", seconds_since(start), reason=_say(error)))

    def _pool_fits(self, family: Pooling) -> Fitted:
        """Return the model whose answers to the validation and calibration parts are best; the test part is to judge.

        Raises DataError where one of its parts has no fit.
        """
        fits: list[Fitted] = []
        for name in family.pooled:
            found = self._finalist(name) if name in self._families else None
            if found is None or found.best is None:
                raise DataError(f"it is made of {' and '.join(family.pooled)}, and there is no fit of {name}")
            fits.append(found.fitted or self._ground.fit(found.family, found.best.fitted, self._ground.parts.train))
            self._fits[name] = (found.best, fits[-1])  # so that its own family need not repeat it
        matrix, labels = self._later_rows(family)

        def loss(answers: np.ndarray) -> float:
            return self._sign * float(self._ground.metric.score(labels, answers))

        return family.pool(fits, self._ground.problem_of(family), matrix, loss)

    def _pooled(self) -> set[str]:
        """Return the families that another one may be made of."""
        return {part for family in self._families.values() if isinstance(family, Pooling) for part in family.pooled}

    def _cost(self, name: str, trial: Trial | None = None) -> float:
        """Return the seconds that a family's usual fit, or that of a trial, will cost after the search."""
        ended = [one.seconds for one in self._trials if one.family == name and one.score]
        usual = max(float(np.median(ended)), 0.02) if ended else 0.0
        # A first trial also loaded a library.
        own = usual if trial is None else min(max(trial.seconds, usual), 4.0 * usual)
        return own * (REFITS + len(self._ground.labels) / len(self._ground.parts.train))

    def _reserve(self) -> float:
        """Return the seconds to keep for what comes after the search."""
        fits = (AGAIN + 1.0) * max(map(self._cost, self._families))
        return min(SHARE_KEPT * self._budget, fits) + min(SHARE_KEPT * self._budget, AFTER * self._encoding)

    # --- one trial ----------------------------------------------------------------------------------------------------

    def _try(self, name: str, params: Params, limit: float | None = None, prune: Any = None) -> Trial:
        start = clock.monotonic_ns()
        more: dict[str, Any] = {}
        if limit is not None and isinstance(self._families[name], Searchable):
            end = start + int(max(limit, 0.0) * 1e9)
            more["watch"] = lambda step, score: _look(step, score, end, prune)
        try:
            family, train = self._families[name], self._ground.parts.train
            valid = self._ground.rows(family.form, self._ground.parts.validation)
            fitted = self._ground.fit(family, params, train, valid=valid, **more)
            return self._keep(name, params, fitted, start)
        except Exception as error:  # noqa: BLE001 - a family is a plug-in: whatever it raises drops it, with the reason
            pruned = type(error).__name__ == "TrialPruned"
            reason = "" if pruned else _say(error)
            return self._note(
                Trial(name, params, "pruned" if pruned else "failed", seconds_since(start), reason=reason)
            )

    def _keep(self, name: str, params: Params, fitted: Fitted, start: int) -> Trial:
        """Note a fit on the train part, scored on the validation part; its place knows its score on both later ones."""
        ground = self._ground
        matrix, labels = self._later_rows(self._families[name])
        answers, first = fitted.predict(matrix), len(ground.parts.validation)
        check_finite(answers)
        score = metric_interval(ground.metric, labels[:first], answers[:first], ground.project.train.seed)
        again = ground.metric.score(labels, answers)
        trial = Trial(name, params or fitted.params, "complete", seconds_since(start), score, fitted.params)
        self._again[len(self._trials)] = again
        self._note(trial)
        if self._best(name) is trial or MEMBERS in params:
            self._fits[name] = (trial, fitted)
        return trial

    def _later_rows(self, family: Family) -> Rows:
        parts = self._ground.parts
        return self._ground.rows(family.form, np.concatenate([parts.validation, parts.calibration]))

    def _note(self, trial: Trial) -> Trial:
        self._trials.append(trial)
        self._ledger.keep(trial)
        return trial

    def _best(self, name: str = "") -> Trial | None:
        ended = [trial for trial in self._trials if trial.score and name in {"", trial.family}]
        scores = [trial.score.value for trial in ended if trial.score]
        return ended[best_of(scores, self._ground.metric)] if ended else None

    def _finalist(self, name: str) -> Finalist:
        own = [trial for trial in self._trials if trial.family == name]
        best, seconds = self._best(name), self._seconds_of(name)
        if best is None:
            reason = next((trial.reason for trial in own if trial.reason), "none of its trials came to an end")
            return Finalist(name, self._families[name], None, None, len(own), seconds, reason)
        searched = len(own) > len(self._plain_of(self._families[name]))
        best = self._best_again(name) if searched or any(MEMBERS in trial.params for trial in own) else best
        held = self._fits.get(name)
        fitted = held[1] if held and held[0] is best else None
        return Finalist(name, self._families[name], best, fitted, len(own), seconds)

    def _best_again(self, name: str) -> Trial:
        """Return a searched family's average, or where it has none the best of the trials that meet again.

        An average is not compared with its members: the best of these on a stretch of time owes a part of that to it.
        """
        averages = [trial for trial in self._trials if trial.family == name and trial.score and MEMBERS in trial.params]
        if averages:
            return averages[-1]
        met = self._meet_again(name)
        return met[best_of([score for _, score in met], self._ground.metric)][0]

    def _meet_again(self, name: str) -> list[tuple[Trial, float]]:
        """Return a searched family's best trials and its best plain one, scored on a later stretch as well.

        Of many trials the best on one stretch of time is often the one that suits this stretch by chance.
        """
        plain = [canonical(dict(params)) for params in self._plain_of(self._families[name])]
        ended = [place for place, trial in enumerate(self._trials) if trial.family == name and trial.score]
        ended.sort(key=lambda place: self._sign * self._value_of(place))
        first = next((place for place in ended if canonical(dict(self._trials[place].params)) in plain), ended[0])
        return [(self._trials[place], self._score_again(place)) for place in dict.fromkeys((*ended[:AGAIN], first))]

    def _value_of(self, place: int) -> float:
        score = self._trials[place].score
        return score.value if score else math.nan

    def _score_again(self, place: int) -> float:
        """Return a trial's score on the validation and calibration parts; one that a ledger told is fitted again."""
        if place not in self._again:
            trial = self._trials[place]
            family = self._families[trial.family]
            fitted = self._ground.fit(family, trial.fitted, self._ground.parts.train)
            matrix, labels = self._later_rows(family)
            self._again[place] = self._ground.metric.score(labels, fitted.predict(matrix))
        return self._again[place]

    @property
    def _sign(self) -> float:
        return -1.0 if self._ground.metric.bigger_is_better else 1.0


def seconds_since(start: int) -> float:
    """Return the seconds since a moment of the monotonic clock."""
    return (clock.monotonic_ns() - start) / 1e9


def _standard_error(score: Interval) -> float:
    return (score.high - score.low) / 4.0


def _look(step: float, score: float | None, end: int, prune: Any) -> bool:
    if prune is not None and score is not None:
        prune(step, score)
    return clock.monotonic_ns() >= end


def _say(error: Exception) -> str:
    return error.message if isinstance(error, TrimtabError) else f"{type(error).__name__}: {error}"
