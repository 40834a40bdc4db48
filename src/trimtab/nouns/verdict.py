"""What was measured, judged and done: Finding, Verdict, Decision, and the three-valued Judgement that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class State(StrEnum):
    """Pass, fail, or cannot tell. There is no fourth, and no bare bool."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate, trigger or check says: its state and the reasons, sentence by sentence, with the numbers."""

    name: str
    state: State
    reasons: tuple[str, ...]
    evidence: Mapping[str, float | int | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    rows: int


Cause = Literal[
    "unit_change",
    "null_storm",
    "category_explosion",
    "feed_stopped",
    "duplicate_feed",
    "covariate_shift",
    "concept_drift",
    "base_rate_change",
    "label_delay",
]
DATA_FAULTS: frozenset[Cause] = frozenset(
    {"unit_change", "null_storm", "category_explosion", "feed_stopped", "duplicate_feed"}
)
"""Causes that lie in the data: what a model or its Trim learns from them is wrong again when they are mended."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One explanation of what was found, with its evidence in sentences.

    `strength` in [0, 1] ranks it among others. `columns` are those that it speaks about, the clearest first. `form`
    tells causes of one kind apart (a covariate shift comes at once, slowly or as a season). `helps` says what would:
    trim, retrain, or neither, for the feed must be mended or waited for.
    """

    cause: Cause
    strength: float
    evidence: tuple[str, ...]
    columns: tuple[str, ...] = ()
    form: str = ""
    helps: Literal["trim", "retrain", "neither"] = "retrain"


@dataclass(frozen=True, slots=True)
class Finding:
    """A measured difference between a Window and its reference.

    `judgement.state` FAIL means beyond the limit: a trigger fires on it. `subject` says what was measured, for example
    `risk` or `growth`; `version` is the champion that it speaks about. `diagnosis` are its explanations, the likeliest
    first; a trigger has none.
    """

    subject: str
    judgement: Judgement
    version: str
    as_of: datetime
    fires: bool = False
    diagnosis: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two Versions compared on the same rows: each metric as a paired difference with its interval, and each gate.

    `saving` is what deciding by the challenger would have saved on a row, by `[cost]`; None where nothing is decided.
    """

    challenger: str
    champion: str
    rows: int
    differences: Mapping[str, Interval]
    gates: tuple[Judgement, ...]
    saving: Interval | None = None

    @property
    def state(self) -> State:
        """FAIL if a gate failed, else CANNOT_TELL if a gate could not tell, else PASS."""
        states = {gate.state for gate in self.gates}
        if State.FAIL in states:
            return State.FAIL
        return State.CANNOT_TELL if State.CANNOT_TELL in states or not states else State.PASS


Action = Literal[
    "admit", "refuse", "promote", "keep", "trim", "retire", "roll_back", "retrain", "wait", "doubt", "believe", "erase"
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done, by which rule or person, on which evidence. `number` and `hash` are given by the journal."""

    action: Action
    by: str
    reasons: tuple[str, ...]
    at: datetime
    as_of: datetime
    version: str | None = None
    epoch: int | None = None
    verdict: Verdict | None = None
    finding: Finding | None = None
    number: int = 0
    previous_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class PairedSlice:
    """One part of the comparison rows: what it is called, and both losses of its rows."""

    name: str
    champion_losses: Sequence[float]
    challenger_losses: Sequence[float]


@dataclass(frozen=True, slots=True)
class PromisedSlice:
    """One part of the answered rows: what it is called, the hold-out risk of such rows, and which of them it holds.

    `rows` are their places among `Evidence.losses`, ascending.
    """

    name: str
    reference: Interval
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a trigger or a gate may look at, loaded and scored beforehand: plain numbers, in arrival order.

    losses               bounded losses in [0, 1] of the champion's answers, one batch after another
    batches              how many of `losses` belong to each batch, oldest first
    reference            hold-out risk of the champion with its interval, same loss
    promised             the declared slices of these rows that the champion's hold-out promised something of
    champion_losses      losses of the champion on the comparison rows (rows that neither model saw)
    challenger_losses    losses of the challenger on the same rows, same order
    base_losses          losses on the same rows of who answers the challenger's base rate or mean to everything
    labelled             labelled rows known now
    labelled_at_fit      labelled rows at the last fit, whether its Version answers or was refused
    windows_since_fit    windows of answers that were finished since the last fit
    rows_since_fit       rows that were answered since then
    savings              what newcomers that a retrain made would have saved on a row, oldest first
    now, fitted_at       the moment of the turn and of the last fit; None where positions are the time
    gains, gain_batches  what a small correction would have saved on each row, and the rows of each batch
    golden               None: not asked; "": the golden rows were answered; otherwise what went wrong
    parity               how far a row's answer alone is from its answer among many, at most
    latency, size        seconds that a row takes, bytes of all files
    metrics              the challenger's metrics on its hold-out
    slices               the comparison rows by protected slice
    """

    losses: Sequence[float] = ()
    batches: Sequence[int] = ()
    reference: Interval | None = None
    promised: Sequence[PromisedSlice] = ()
    champion_losses: Sequence[float] = ()
    challenger_losses: Sequence[float] = ()
    base_losses: Sequence[float] = ()
    labelled: int = 0
    labelled_at_fit: int = 0
    windows_since_fit: int = 0
    rows_since_fit: int = 0
    savings: Sequence[Interval] = ()
    now: datetime | None = None
    fitted_at: datetime | None = None
    gains: Sequence[float] = ()
    gain_batches: Sequence[int] = ()
    golden: str | None = None
    parity: float | None = None
    latency: float | None = None
    size: int | None = None
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    slices: Sequence[PairedSlice] = ()
