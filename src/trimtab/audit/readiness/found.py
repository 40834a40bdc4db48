"""What a check found, when it ran, and who ran it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab import clock
from trimtab.nouns import State

LOOP = "loop"
"""Who ran what nobody asked for: the wheel itself, in one of its turns. Everybody else is `person:NAME`."""


@dataclass(frozen=True, slots=True)
class Ran:
    """When something ran, and who let it run."""

    at: datetime
    by: str

    @property
    def itself(self) -> bool:
        """Whether it ran by itself, and not because a person asked."""
        return self.by == LOOP


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found about one test.

    said      one sentence, with the numbers
    missing   one line: what is to be done so that the test passes, or passes better; empty where nothing is missing
    evidence  where it can be looked up: a file, a Decision, a Version, a trial
    ran       when the evidence came about, where that was not this examination
    """

    state: State
    said: str
    missing: str = ""
    evidence: tuple[str, ...] = ()
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    ran: Ran | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """One run of the checks: what each found, by test."""

    ran: Ran
    found: Mapping[str, Found]
    seconds: float = 0.0


def read_examination(plain: Mapping[str, Any]) -> Examination:
    """Return the examination that stands in a catalog as JSON values."""
    found = {test: _read_found(one) for test, one in plain["found"].items()}
    return Examination(_read_ran(plain["ran"]), found, float(plain["seconds"]))


def _read_found(plain: Mapping[str, Any]) -> Found:
    ran = None if plain["ran"] is None else _read_ran(plain["ran"])
    return Found(
        State(plain["state"]),
        str(plain["said"]),
        str(plain["missing"]),
        tuple(map(str, plain["evidence"])),
        plain["numbers"],
        ran,
    )


def _read_ran(plain: Mapping[str, Any]) -> Ran:
    return Ran(clock.parse(plain["at"]), str(plain["by"]))
