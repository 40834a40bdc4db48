"""Sources whose labels do not count for a while: kept in the catalog, left out wherever outcomes are read.

Nothing is lost: the labels stay in the lake, and count again when a doubt is lifted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal

import polars as pl

from trimtab import clock
from trimtab.errors import UsageError, nearest
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision

STATE = "doubts"
UNNAMED = "http"
"""Who told an Outcome that names no source: somebody outside. What stands before a colon is how it came."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why labels of a source do not count: of those known in [since, until) none, or, of a new source, those too many.

    `until` None: there is no end yet. It holds at moments from `decided` on and before `lifted`. `kind` is what
    deviated, as `monitor.sources` counts.
    """

    source: str
    why: Literal["deviates", "new"]
    since: datetime
    decided: datetime
    until: datetime | None = None
    lifted: datetime | None = None
    kind: int = 0

    def holds_at(self, moment: datetime) -> bool:
        """Return whether it counts at a moment: one that was lifted later did hold."""
        return self.decided <= moment and (self.lifted is None or moment < self.lifted)

    @property
    def is_open(self) -> bool:
        """Whether labels that come now fall under it."""
        return self.until is None and self.lifted is None


def read_doubts(wheel: Wheel) -> tuple[Doubt, ...]:
    """Return every doubt that there was, oldest first."""
    state = wheel.catalog.get_state(STATE)
    return tuple(_read(one) for one in state["doubts"]) if state else ()


def doubted_since(journal: Sequence[Decision]) -> datetime | None:
    """Return from when on labels do not count any more by what was decided after the layer's last Decision, or None.

    It stands in the journal, so that neither a crash nor a fault that holds the layer makes it forgotten.
    """
    unheard = takewhile(lambda one: one.by != "layer", reversed(journal))
    told = [one.finding.judgement.evidence.get("since") for one in unheard if one.action == "doubt" and one.finding]
    return min((datetime.fromisoformat(one) for one in told if isinstance(one, str)), default=None)


def to_state(doubts: Sequence[Doubt]) -> Mapping[str, Mapping[str, Any]]:
    """Return doubts as the state that the catalog keeps with the Decision about them."""
    return {STATE: {"doubts": [_plain(one) for one in doubts]}}


def leave_out(outcomes: pl.DataFrame, doubts: Sequence[Doubt], moment: datetime) -> pl.DataFrame:
    """Return the outcomes that count at a moment. They stand in the order in which they were known, with `source`."""
    for doubt in doubts:
        if not doubt.holds_at(moment):
            continue
        own = (pl.col("source") == doubt.source) & (pl.col("_known_at") >= doubt.since)
        if doubt.why == "new":
            others = outcomes.filter((pl.col("source") != doubt.source) & (pl.col("_known_at") >= doubt.since)).height
            own &= own.cum_sum() > others
        elif doubt.until is not None:
            own &= pl.col("_known_at") < doubt.until
        outcomes = outcomes.filter(~own)
    return outcomes


def believe(wheel: Wheel, source: str, *, by: str) -> Decision:
    """Let all labels of a source count again because a person says so. Raises UsageError where nothing doubts it."""
    with wheel.turn("believe"):
        doubts, moment = read_doubts(wheel), clock.now()
        doubted = {one.source for one in doubts if one.lifted is None}
        if source not in doubted:
            hint = f"in doubt: {', '.join(sorted(doubted)) or 'none'}"
            raise UsageError(f"The labels of '{source[:80]}' are not in doubt{nearest(source, doubted)}.", hint=hint)
        mine = [replace(one, lifted=moment) if one.source == source and not one.lifted else one for one in doubts]
        said = (f"the labels of {source} count again, all of them: {by} says so",)
        return wheel.catalog.decide(Decision("believe", f"person:{by}", said, moment, moment), states=to_state(mine))


def _plain(doubt: Doubt) -> dict[str, Any]:
    moments = {name: getattr(doubt, name) for name in ("since", "decided", "until", "lifted")}
    told = {name: moment.isoformat() if moment else None for name, moment in moments.items()}
    return {"source": doubt.source, "why": doubt.why, "kind": doubt.kind, **told}


def _read(plain: Mapping[str, Any]) -> Doubt:
    moments = {
        name: plain[name] and datetime.fromisoformat(plain[name]) for name in ("since", "decided", "until", "lifted")
    }
    return Doubt(source=plain["source"], why=plain["why"], kind=plain["kind"], **moments)
