"""One fit during a search, and where such trials are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from trimtab.nouns import Interval
from trimtab.train.families.base import Params

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One fit during a search: what was asked, what came out (`fitted` repeats it), and how good it was.

    `score` is the contest's metric on the validation part, None where the trial has none.
    """

    family: str
    params: Params
    state: State
    seconds: float
    score: Interval | None = None
    fitted: Params = field(default_factory=dict)
    reason: str = ""


class Ledger(Protocol):
    """Where trials are kept. `finished` says that the search behind them came to its end."""

    finished: bool

    def known(self) -> Sequence[Trial]:
        """Return the trials of the same rows, contract and settings so far, oldest first."""
        ...

    def keep(self, trial: Trial) -> None:
        """Note one more trial."""
        ...

    def finish(self) -> None:
        """Note that the search is over."""
        ...


@dataclass(slots=True)
class Notebook:
    """A ledger in memory: forgotten with the process."""

    trials: list[Trial] = field(default_factory=list)
    finished: bool = False

    def known(self) -> Sequence[Trial]:
        """Return the trials so far."""
        return tuple(self.trials)

    def keep(self, trial: Trial) -> None:
        """Note one more trial."""
        self.trials.append(trial)

    def finish(self) -> None:
        """Note that the search is over."""
        self.finished = True
