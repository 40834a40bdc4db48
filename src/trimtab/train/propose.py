"""What a family should try next, by Optuna: a tree-structured Parzen estimator over its settings, with a pruner."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trimtab.train.families.base import Params, Space, Span

STEPS = 4.0
"""Reports to the pruner for each unit of a fit's progress."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings to try. `prune` is told how a fit comes along, and raises where it is not worth its end."""

    params: Params
    prune: Callable[[float, float], None]
    handle: Any


class Proposer:
    """Proposes settings of one family; what it learns is forgotten with it. `asked` counts its proposals."""

    def __init__(self, space: Space, *, seed: int, bigger_is_better: bool) -> None:
        import optuna  # half a second, and only a search needs it

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self.space = space
        self.asked = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study = optuna.create_study(
                direction="maximize" if bigger_is_better else "minimize",
                sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8),
                # A fit whose loss on the later rows lies above the others' median at the same step is given up.
                pruner=optuna.pruners.MedianPruner(n_startup_trials=6, n_warmup_steps=4, n_min_trials=4),
            )
        self._watches_loss = not bigger_is_better

    def remember(self, params: Params, value: float | None) -> None:
        """Add what was tried before, as far as it lies in the space."""
        inside = {name: one for name, one in params.items() if name in self.space and _contains(self.space[name], one)}
        if value is None or not inside:
            return
        kinds = {name: _distribution(self._optuna.distributions, self.space[name]) for name in inside}
        self._study.add_trial(self._optuna.trial.create_trial(params=inside, distributions=kinds, value=value))

    def ask(self) -> Proposal:
        """Return what to try next."""
        self.asked += 1
        trial = self._study.ask()
        params = {name: _suggest(trial, name, one) for name, one in self.space.items()}
        return Proposal(params, self._pruner_of(trial), trial)

    def tell(self, proposal: Proposal, value: float | None, *, pruned: bool) -> None:
        """Say what came of a proposal; None where nothing did."""
        states = self._optuna.trial.TrialState
        if value is not None:
            self._study.tell(proposal.handle, value)
        else:
            self._study.tell(proposal.handle, state=states.PRUNED if pruned else states.FAIL)

    def _pruner_of(self, trial: Any) -> Callable[[float, float], None]:
        """Return what reports a fit's loss, turned round where the study looks for the greatest value."""
        last = -1

        def prune(progress: float, loss: float) -> None:
            nonlocal last
            step = int(progress * STEPS)
            if step == last:
                return
            last = step
            trial.report(loss if self._watches_loss else -loss, step)
            if trial.should_prune():
                raise self._optuna.TrialPruned

        return prune


def _contains(kind: Span | tuple[Any, ...], value: Any) -> bool:
    return kind.low <= value <= kind.high if isinstance(kind, Span) else value in kind


def _distribution(kinds: Any, kind: Span | tuple[Any, ...]) -> Any:
    if not isinstance(kind, Span):
        return kinds.CategoricalDistribution(kind)
    if kind.whole:
        return kinds.IntDistribution(int(kind.low), int(kind.high), log=kind.log)
    return kinds.FloatDistribution(kind.low, kind.high, log=kind.log)


def _suggest(trial: Any, name: str, kind: Span | tuple[Any, ...]) -> Any:
    if not isinstance(kind, Span):
        return trial.suggest_categorical(name, kind)
    if kind.whole:
        return trial.suggest_int(name, int(kind.low), int(kind.high), log=kind.log)
    return trial.suggest_float(name, kind.low, kind.high, log=kind.log)
