"""One cleaned row in, one answer out: the Trim's, or where it fails the fallback's that the project chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trimtab import clock, events
from trimtab.serve.ladder import Problem
from trimtab.serve.model import Live, Model
from trimtab.store.record import Value
from trimtab.store.spool import Record
from trimtab.train.artefact import Output

Fallback = Literal["previous", "base_rate", "none"]

BREAKER_FAILURES = 5
BREAKER_PAUSE_NS = 5_000_000_000


@dataclass(slots=True)
class Given:
    """One answer on its way to the log and the client. `fallback` is empty where the Trim answered."""

    output: Output
    values: list[Value]
    warnings: list[str]
    version: str
    version_name: str
    contract: str
    fallback: str = ""


@dataclass(slots=True)
class Done:
    """One row's answer with the record to log of it. `said` is its part of the reply, kept for a client's own id.

    Where the same question was answered before, `said` is what was said then, and there is no record.
    """

    prediction_id: str
    given: Given
    epoch: int
    record: Record | None
    raw: str
    client_id: str | None = None
    explained: bool = False
    explanation: Mapping[str, Any] | None = None
    said: bytes | None = None


class Breaker:
    """Stops asking a model that keeps failing: after five failures in a row it rests for five seconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0

    @property
    def open(self) -> bool:
        """Whether the model rests now."""
        return self._failures >= BREAKER_FAILURES and clock.monotonic_ns() < self._until

    def succeed(self) -> None:
        """Note an answer."""
        self._failures = 0

    def fail(self, version: str, error: Exception) -> None:
        """Note a failure, and tell of the first one and of the one that opens the breaker."""
        self._failures += 1
        self._until = clock.monotonic_ns() + BREAKER_PAUSE_NS
        if self._failures in {1, BREAKER_FAILURES}:
            events.tell("model_failed", version=version, failures=self._failures, error=events.place(error))


def answer_row(live: Live, breaker: Breaker, fallback: Fallback, mapping: Mapping[str, object], given: Given) -> int:
    """Fill `given` with the Trim's output, or with the fallback's and the warning that says so.

    `given` holds the row as the champion's Contract cleaned it, `mapping` the row as it came. Returns when the row was
    encoded, on the monotonic clock. Raises Problem model_failed where neither can answer.
    """
    encoded_at = clock.monotonic_ns()
    model = live.model
    if not breaker.open:
        try:
            if live.blended is None:
                numbers = model.encode(given.values)
                encoded_at = clock.monotonic_ns()
                given.output = model.output(model.answer(numbers))
            else:
                rows = live.blended.encode(mapping, given.values)
                encoded_at = clock.monotonic_ns()
                given.output = model.output(live.blended.answer(rows))
                given.warnings = [*given.warnings, *live.blended.left_out([row is not None for row in rows])]
        except Exception as error:  # noqa: BLE001 - whatever a model raises, the request gets an answer of the ladder
            breaker.fail(live.model.name, error)
        else:
            breaker.succeed()
            return encoded_at
    if fallback == "previous" and live.previous is not None and answer_as(live.previous, mapping, given):
        return encoded_at
    if fallback == "base_rate":
        answer_base_rate(model, given)
        return encoded_at
    raise Problem("model_failed")


def answer_base_rate(model: Model, given: Given) -> None:
    """Answer what somebody would who looks at no column."""
    given.output = model.output(model.base)
    given.version = given.version_name = given.fallback = "base_rate"
    given.warnings = [*given.warnings, "fallback:base_rate"]


def answer_as(model: Model, mapping: Mapping[str, object], given: Given) -> bool:
    """Answer by the previous Version, under its own contract; False where it cannot either."""
    clean = model.row(mapping)
    if clean.reasons:
        return False
    try:
        output = model.output(model.answer(model.encode(clean.values)))
    except Exception as error:  # noqa: BLE001 - as above
        events.tell("fallback_failed", version=model.name, error=events.place(error))
        return False
    given.output, given.values = output, clean.values
    given.version, given.version_name, given.contract = model.id, model.name, model.contract.id
    given.fallback = "previous"
    given.warnings = [*clean.warnings, "fallback:previous"]
    return True
