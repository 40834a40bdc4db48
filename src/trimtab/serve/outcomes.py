"""POST /outcomes: what really happened, kept durably, and joined to its Prediction by the loop."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trimtab import clock
from trimtab.contract.row import compile_label, compile_row, row_key
from trimtab.errors import SpoolFull, StoreError, UsageError
from trimtab.nouns import Contract
from trimtab.nouns.record import OutcomeState, subject_of
from trimtab.serve.decode import decode
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import FieldError, Problem, field_error, field_errors
from trimtab.serve.limits import read_body, read_headers
from trimtab.serve.predict import json_reply
from trimtab.store.record import OutcomeRecord, encode, rfc3339
from trimtab.store.spool import find_spooled

FUTURE = timedelta(minutes=5)
"""How far a client's clock may be ahead."""

_FIELDS = frozenset({"prediction_id", "key", "value", "known_at"})


@dataclass(frozen=True, slots=True)
class Sent:
    """One outcome that keeps the rules: what it is about, its canonical value, and when it was known."""

    prediction_id: str | None
    key: str | None
    value: str
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one outcome; no record where the same value was known already."""

    state: OutcomeState
    subject: str
    record: OutcomeRecord


async def outcomes(desk: Desk, request: Request) -> Response:
    """Keep one outcome or many."""
    headers = read_headers(request.scope)
    if request.scope["query_string"]:
        raise Problem("unknown_option", "POST /outcomes takes no options.")
    body = await read_body(request.receive, headers, desk.project.serve.limits)
    with desk.lane:
        arrived_at = clock.now()
        items, many = _read_items(decode(body), desk.project.serve.limits.rows)
        reader = Reader(desk.now_live().model.contract, arrived_at)
        sent = [_attempt(reader, item) for item in items]
        kept = await _judge(desk, sent, arrived_at)
        await _keep(desk, kept)
        return _reply(desk, kept, many=many)


class Reader:
    """Reads outcomes under one Contract."""

    def __init__(self, contract: Contract, now: datetime) -> None:
        self._contract = contract
        self._label: Callable[[object], str | None] = compile_label(contract)
        self._now = now

    def read(self, item: object) -> Sent:
        """Return one outcome. Raises Problem invalid_outcome with every bad field at once."""
        if not isinstance(item, dict):
            raise Problem("invalid_outcome", errors=[field_error("", "not_an_object")])
        errors = [field_error(name, "unknown_field") for name in item if name not in _FIELDS]
        prediction_id = self._read_id(item, errors)
        key = self._read_key(item, errors)
        value = self._read_value(item, errors)
        known_at = self._read_time(item, errors)
        if errors:
            raise Problem("invalid_outcome", errors=errors)
        return Sent(prediction_id, key, value, known_at)

    def _read_id(self, item: dict[str, Any], errors: list[FieldError]) -> str | None:
        if ("prediction_id" in item) == ("key" in item):
            errors.append(field_error("prediction_id", "conflict" if "key" in item else "missing"))
            return None
        value = item.get("prediction_id")
        if "key" in item:
            return None
        if not isinstance(value, str) or clock.made_at(value) is None:
            errors.append(field_error("prediction_id", "wrong_type"))
            return None
        return value.lower()

    def _read_key(self, item: dict[str, Any], errors: list[FieldError]) -> str | None:
        if "key" not in item:
            return None
        value = item["key"]
        if not isinstance(value, dict):
            errors.append(field_error("key", "not_an_object"))
            return None
        part = _key_part(self._contract)
        clean = compile_row(part)(value)
        reasons = clean.reasons + [(name, "unknown_field") for name in value if name not in part.by_name]
        if not part.columns and not value:
            reasons = [("", "unknown_field")]
        errors += [FieldError(f"key.{bad.field}", bad.code, bad.detail) for bad in field_errors(reasons, part.by_name)]
        return None if reasons else row_key(part, clean.values)

    def _read_value(self, item: dict[str, Any], errors: list[FieldError]) -> str:
        value = item.get("value")
        label = None if value is None else self._label(value)
        if label is None:
            code = "not_finite" if self._contract.target.task == "regression" else "unknown_class"
            errors.append(field_error("value", "missing" if value is None else code))
            return ""
        return label

    def _read_time(self, item: dict[str, Any], errors: list[FieldError]) -> datetime:
        text = item.get("known_at")
        if text is None:
            return self._now
        try:
            moment = clock.parse(text) if isinstance(text, str) else None
        except UsageError as error:
            code = "naive_time" if "time zone" in error.message else "bad_time"
            errors.append(field_error("known_at", code))
            return self._now
        if moment is None:
            errors.append(field_error("known_at", "wrong_type"))
        elif moment > self._now + FUTURE:
            errors.append(field_error("known_at", "future_time"))
        return moment or self._now


def _key_part(contract: Contract) -> Contract:
    """Return the Contract of a key alone: the row's key columns, each of them required."""
    columns = tuple(replace(column, required=True) for column in contract.columns if column.name in contract.row.key)
    return replace(contract, columns=columns, rules=())


def _read_items(value: object, limit: int) -> tuple[list[object], bool]:
    if not isinstance(value, dict):
        raise Problem("invalid_request", 'Send one outcome as an object, or many as {"outcomes": [...]}.')
    if "outcomes" not in value:
        return [value], False
    items = value["outcomes"]
    errors = [field_error(name, "unknown_field") for name in value if name != "outcomes"]
    if not isinstance(items, list):
        errors.append(field_error("outcomes", "not_a_list"))
    if errors or not isinstance(items, list):
        raise Problem("invalid_request", 'Many outcomes are {"outcomes": [...]} and nothing else.', errors=errors)
    if len(items) > limit:
        raise Problem("too_many_rows", f"Send at most {limit} outcomes at once.")
    return items, True


def _attempt(reader: Reader, item: object) -> Sent | Problem:
    try:
        return reader.read(item)
    except Problem as problem:
        return problem


async def _judge(desk: Desk, sent: list[Sent | Problem], arrived_at: datetime) -> list[Kept | Problem]:
    """Return the state of each outcome, in order: a later one of the same request sees the earlier ones."""
    wanted = [one for one in sent if isinstance(one, Sent)]
    try:
        before, known = await asyncio.to_thread(_look_up, desk, wanted)
    except StoreError as error:
        raise Problem("lookup_failed") from error
    kept: list[Kept | Problem] = []
    for one in sent:
        if isinstance(one, Problem):
            kept.append(one)
            continue
        subject = subject_of(one.prediction_id, one.key)
        state = _state(one, before.get(subject), known)
        before[subject] = one.value
        kept.append(Kept(state, subject, _record(one, arrived_at)))
    return kept


def _look_up(desk: Desk, sent: list[Sent]) -> tuple[dict[str, str], set[str]]:
    """Return the last known value by subject, and which prediction ids are known. Runs in a thread: it reads disks."""
    known: set[str] = set()
    before = last_outcomes(desk, {subject_of(one.prediction_id, one.key) for one in sent})
    for one in sent:
        if one.prediction_id is not None and _is_known(desk, one.prediction_id):
            known.add(one.prediction_id)
    return before, known


def last_outcomes(desk: Desk, subjects: Collection[str]) -> dict[str, str]:
    """Return the newest values by subject: those that any worker took lately before those in the lake."""
    found = desk.claims.find_outcomes(subjects).result()
    for subject in subjects:
        value = found.get(subject) or desk.index.last_outcome(subject)
        if value is not None:
            found[subject] = value
    return found


def _is_known(desk: Desk, prediction_id: str) -> bool:
    # The spool first: a record that is forwarded meanwhile is in the index before it leaves the spool.
    spooled = find_spooled(desk.spool.folder.parent, "prediction", prediction_id)
    return spooled is not None or desk.index.knows_prediction(prediction_id)


def _state(sent: Sent, last: str | None, known: set[str]) -> OutcomeState:
    if last is not None:
        return "repeated" if last == sent.value else "corrected"
    return "accepted" if sent.prediction_id is None or sent.prediction_id in known else "parked"


def _record(sent: Sent, arrived_at: datetime) -> OutcomeRecord:
    return OutcomeRecord(
        clock.uuid7(), sent.value, rfc3339(sent.known_at), rfc3339(arrived_at), sent.prediction_id, sent.key
    )


async def _keep(desk: Desk, kept: list[Kept | Problem]) -> None:
    """Keep what is new, and wait until it is durable: an outcome that cannot be kept is never acknowledged."""
    new = [one for one in kept if isinstance(one, Kept) and one.state != "repeated"]
    if not new:
        return
    commit = desk.keeper.keep([("outcome", one.record.id, encode(one.record)) for one in new])
    if await desk.settle(commit, 0) == "none":
        raise Problem("cannot_log")
    with suppress(SpoolFull):  # the Outcome itself is kept; that a repeat of it looks new is no loss
        await asyncio.wrap_future(desk.claims.note_outcomes([(one.subject, one.record.value) for one in new]))


def _reply(desk: Desk, kept: list[Kept | Problem], *, many: bool) -> Response:
    for one in kept:
        desk.meters.outcomes.add(one.code if isinstance(one, Problem) else one.state)
    if not many and isinstance(kept[0], Problem):
        raise kept[0]
    states = {one.state for one in kept if isinstance(one, Kept)}
    parts = [
        {"error": one.document()} if isinstance(one, Problem) else {"state": one.state, "value": one.record.value}
        for one in kept
    ]
    all_parked = states == {"parked"} and not any(isinstance(one, Problem) for one in kept)
    return json_reply({"results": parts} if many else parts[0], 202 if all_parked else 200)
