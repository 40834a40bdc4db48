"""One cleaned row in, one answer out: the champion's, or where it fails the fallback's that the project chose."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from trimtab import clock
from trimtab.contract.pii import compile_hide_row
from trimtab.contract.row import RowContract, compile_row, row_key
from trimtab.nouns import Contract, Version
from trimtab.serve import events
from trimtab.serve.ladder import Problem
from trimtab.store.record import Value
from trimtab.train.artefact import Answer, Output, Package

Fallback = Literal["previous", "base_rate", "none"]

BREAKER_FAILURES = 5
BREAKER_PAUSE_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """One Version, compiled: its row contract, its encoder, its single-row answer, and the output that this becomes."""

    version: Version
    package: Package
    contract: Contract
    columns: tuple[str, ...]
    row: RowContract
    hide: Callable[[Mapping[str, object]], Mapping[str, object]]
    encode: Callable[[list[Value]], Sequence[float]]
    answer: Callable[[Sequence[float]], Answer]
    output: Callable[[Answer], Output]
    key: Callable[[list[Value]], str | None]
    threshold: float | None
    base: Answer

    @property
    def id(self) -> str:
        """The Version's id."""
        return self.version.id

    @property
    def name(self) -> str:
        """The Version's running name."""
        return self.version.name

    def warm(self) -> None:
        """Let the calling thread make its own native handle now, so that its first request need not wait for it."""
        with suppress(Exception):  # a model that cannot answer zeros may still answer rows
            self.answer([0.0] * len(self.package.encoder.names))


def compile_model(version: Version, package: Package, threshold: float | None) -> Model:
    """Return an opened Version ready to answer; `threshold` is the Trim's, None leaves the Version its own."""
    contract = package.contract
    return Model(
        version=version,
        package=package,
        contract=contract,
        columns=tuple(column.name for column in contract.columns),
        row=compile_row(contract),
        hide=compile_hide_row(contract),
        encode=package.encoder.compile_row(),
        answer=package.predictor.predict_row,
        output=package.compile_output(threshold),
        key=lambda values: row_key(contract, values),
        threshold=threshold if threshold is not None else package.threshold,
        base=package.base,
    )


@dataclass(frozen=True, slots=True)
class Live:
    """What answers at one epoch. A request takes one of these and keeps it: no reply mixes two."""

    epoch: int
    model: Model
    previous: Model | None = None


@dataclass(slots=True)
class Given:
    """One answer on its way to the log and the client. `fallback` is empty where the champion answered."""

    output: Output
    values: list[Value]
    warnings: list[str]
    version: str
    version_name: str
    contract: str
    fallback: str = ""


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
    """Fill `given` with the champion's output for its cleaned values, or the fallback's with the warning that says so.

    Returns when the row was encoded, on the monotonic clock. Raises Problem model_failed where neither can answer.
    """
    encoded_at = clock.monotonic_ns()
    model = live.model
    if not breaker.open:
        try:
            numbers = model.encode(given.values)
            encoded_at = clock.monotonic_ns()
            given.output = model.output(model.answer(numbers))
        except Exception as error:  # noqa: BLE001 - whatever a model raises, the request gets an answer of the ladder
            breaker.fail(live.model.name, error)
        else:
            breaker.succeed()
            return encoded_at
    if fallback == "previous" and live.previous is not None and _answer_as(live.previous, mapping, given):
        return encoded_at
    if fallback == "base_rate":
        given.output = model.output(model.base)
        given.version = given.version_name = given.fallback = "base_rate"
        given.warnings = [*given.warnings, "fallback:base_rate"]
        return encoded_at
    raise Problem("model_failed")


def _answer_as(model: Model, mapping: Mapping[str, object], given: Given) -> bool:
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
