"""POST /predict: one row or many, each checked, answered, logged durably, and only then replied to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trimtab import clock
from trimtab.contract.row import event_time
from trimtab.errors import nearest
from trimtab.serve.answer import Given, answer_row
from trimtab.serve.decode import decode
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import FieldError, Problem, field_error, field_errors, shown
from trimtab.serve.limits import read_body, read_headers
from trimtab.serve.model import Live
from trimtab.serve.repeats import Kept
from trimtab.store.record import PredictionRecord, encode, features_text, json_text, prediction_text, rfc3339
from trimtab.store.spool import Record

BIG_BODY = 65_536
ROWS_AT_ONCE = 64
MAX_IGNORED = 20
MAX_ID = 200

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of a request with the client's ids; `many` is whether it came in the envelope."""

    rows: list[object]
    ids: list[str | None]
    many: bool


@dataclass(frozen=True, slots=True)
class Done:
    """One row's answer, its id, and the record to log; no record where the same question was answered before."""

    prediction_id: str
    given: Given
    epoch: int
    kept: Kept | None = None
    record: Record | None = None
    raw: str = ""
    client_id: str | None = None


async def predict(desk: Desk, request: Request) -> Response:
    """Answer rows with the Version that is live now."""
    headers = read_headers(request.scope)
    atomic = read_options(request.scope["query_string"])
    body = await read_body(request.receive, headers, desk.project.serve.limits)
    with desk.lane.place():
        begin = clock.monotonic_ns()
        live = desk.now_live()
        value = decode(body) if len(body) < BIG_BODY else await asyncio.to_thread(decode, body)
        asked = read_rows(value, desk.project.serve.limits.rows, headers.client_id)
        work = Work(desk, live, clock.now(), clock.monotonic_ns() - begin)
        done = await work.answer(asked)
        if atomic:
            refuse_any(done, many=asked.many)
        return await reply(desk, live, asked, done)


class Work:
    """The rows of one request under one epoch."""

    def __init__(self, desk: Desk, live: Live, arrived_at: datetime, decode_ns: int) -> None:
        self.desk = desk
        self.live = live
        self.arrived_at = arrived_at
        self.arrived_text = rfc3339(arrived_at)
        self.decode_ns = decode_ns
        self.known = live.model.contract.by_name

    async def answer(self, asked: Asked) -> list[Done | Problem]:
        """Answer each row in order; a bad one becomes its Problem."""
        done: list[Done | Problem] = []
        for number, (row, client_id) in enumerate(zip(asked.rows, asked.ids, strict=True), 1):
            try:
                done.append(self._answer_one(row, client_id))
            except Problem as problem:
                self.desk.meters.predictions.labels(problem.code).inc()
                done.append(problem)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)  # many rows must not keep the health routes waiting
        return done

    def _answer_one(self, row: object, client_id: str | None) -> Done:
        if not isinstance(row, dict):
            raise Problem("invalid_row", "A row is a JSON object.", errors=[field_error("", "not_an_object")])
        raw = json_text(self.live.model.hide(row))
        kept = self.desk.repeats.find(client_id, raw)
        if kept is not None:
            return Done(kept.prediction_id, kept.given, kept.epoch, kept=kept)
        started = clock.monotonic_ns()
        given = self._check(row)
        checked = clock.monotonic_ns()
        encoded = answer_row(self.live, self.desk.breaker, self.desk.project.serve.fallback, row, given)
        spent = {
            "decode": self.decode_ns,
            "check": checked - started,
            "encode": encoded - checked,
            "model": clock.monotonic_ns() - encoded,
        }
        return self._record(given, raw, client_id, spent)

    def _check(self, row: Mapping[str, object]) -> Given:
        """Return the cleaned row, not answered yet. Raises Problem invalid_row with every bad field."""
        model = self.live.model
        clean = model.row(row)
        ignored = [name for name in row if name not in self.known] if not row.keys() <= self.known.keys() else []
        errors = field_errors(clean.reasons, self.known)
        if ignored and self.desk.project.serve.extra_fields == "reject":
            errors += tuple(field_error(name, "unknown_field") for name in ignored[:MAX_IGNORED])
        if errors:
            self._count_rejected(clean.reasons)
            raise Problem("invalid_row", errors=errors)
        warnings = clean.warnings + ignored_warnings(ignored) if ignored else clean.warnings
        return Given({}, clean.values, warnings, model.id, model.name, model.contract.id)

    def _count_rejected(self, reasons: list[tuple[str, str]]) -> None:
        for name, code in reasons:
            if name in self.known:
                self.desk.meters.rejected.labels(name, code).inc()

    def _record(self, given: Given, raw: str, client_id: str | None, spent: dict[str, int]) -> Done:
        model = self.live.previous if given.fallback == "previous" and self.live.previous else self.live.model
        identifier = clock.uuid7()
        record = PredictionRecord(
            id=identifier,
            event_at=rfc3339(event_time(model.contract, given.values) or self.arrived_at),
            arrived_at=self.arrived_text,
            raw=raw,
            features=features_text(model.columns, given.values),
            prediction=prediction_text(given.output),
            output=json_text(given.output),
            version=given.version,
            epoch=self.live.epoch,
            contract=given.contract,
            key=model.key(given.values),
            client_id=client_id,
            probability=given.output.get("probability"),
            warnings=given.warnings,
            latency_us=json_text({stage: nanoseconds // 1000 for stage, nanoseconds in spent.items()}),
            fallback=given.fallback,
            worker=self.desk.worker,
        )
        self.desk.meters.time_stages(spent)
        return Done(
            identifier, given, self.live.epoch, None, ("prediction", identifier, encode(record)), raw, client_id
        )


async def reply(desk: Desk, live: Live, asked: Asked, done: list[Done | Problem]) -> Response:
    """Keep the answers, wait until they are durable, and lay out the reply."""
    logged = await keep(desk, [one for one in done if isinstance(one, Done)])
    for one in done:
        if isinstance(one, Done) and one.record is not None:
            desk.meters.predictions.labels(one.given.fallback or "ok").inc()
            desk.meters.count_warnings(one.given.warnings)
    shown_rows = [lay_out(desk, one, logged) for one in done]
    if not asked.many:
        if isinstance(done[0], Problem):
            raise done[0]
        return json_reply(shown_rows[0])
    return json_reply(
        {
            "results": shown_rows,
            "model": desk.project.name,
            "version": live.model.name,
            "epoch": live.epoch,
            "logged": logged,
        }
    )


async def keep(desk: Desk, done: list[Done]) -> str:
    """Return `durable` or `none` for all the answers of one request together. Raises Problem cannot_log."""
    records = [one.record for one in done if one.record is not None]
    begin = clock.monotonic_ns()
    waiting = [one.kept.commit for one in done if one.kept is not None]
    if records:
        commit = desk.keeper.keep(records)
        waiting.append(commit)
        for one in done:
            if one.record is not None and one.client_id is not None:
                desk.repeats.keep(one.client_id, Kept(one.raw, one.prediction_id, one.given, one.epoch, commit))
    states = [await desk.settle(commit, len(records)) for commit in waiting]
    desk.meters.stages["log"].observe((clock.monotonic_ns() - begin) / 1e9)
    return "none" if "none" in states or not states else "durable"


def lay_out(desk: Desk, one: Done | Problem, logged: str) -> dict[str, Any]:
    """Return one row's part of the reply: the answer, or its problem under `error`."""
    if isinstance(one, Problem):
        return {"error": one.document()}
    return {
        **one.given.output,
        "prediction_id": one.prediction_id,
        "model": desk.project.name,
        "version": one.given.version_name,
        "epoch": one.epoch,
        "logged": logged,
        "warnings": one.given.warnings,
    }


def json_reply(value: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(_encoder.encode(value), status_code=status, media_type="application/json")


def read_options(query: bytes) -> bool:
    """Return whether the request is atomic. Raises Problem unknown_option or not_built_yet: no option is ignored."""
    atomic = False
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name == "explain":
            raise Problem("not_built_yet", "`explain` is not built yet; leave it out.")
        if name != "atomic":
            errors = [field_error(name, "unknown_option")]
            raise Problem("unknown_option", f"Known: atomic{nearest(name, ['atomic'])}", errors=errors)
        if value.lower() not in {"true", "false", "1", "0"}:
            raise Problem("unknown_option", "`atomic` is true or false.")
        atomic = value.lower() in {"true", "1"}
    return atomic


def read_rows(value: object, limit: int, client_id: str | None) -> Asked:
    """Return the rows of a decoded body: a flat object is one, `{"rows": [...], "ids": [...]}` is many."""
    if not isinstance(value, dict):
        raise Problem("invalid_request", 'Send one row as an object, or many as {"rows": [...]}.')
    if "rows" not in value:
        return Asked([value], [read_id(client_id, "Idempotency-Key")], many=False)
    errors = [field_error(name, "unknown_field") for name in value if name not in {"rows", "ids"}]
    rows, ids = value["rows"], value.get("ids")
    if not isinstance(rows, list):
        errors.append(field_error("rows", "not_a_list"))
    elif ids is not None and (not isinstance(ids, list) or len(ids) != len(rows)):
        errors.append(field_error("ids", "wrong_length"))
    elif ids is not None and _has_repeats(ids):
        errors.append(field_error("ids", "duplicate_key"))
    if client_id is not None:
        errors.append(field_error("Idempotency-Key", "conflict"))
    if errors or not isinstance(rows, list):
        raise Problem("invalid_request", 'Many rows are {"rows": [...], "ids": [...]} and nothing else.', errors=errors)
    if len(rows) > limit:
        raise Problem("too_many_rows", f"Send at most {limit} rows at once.")
    return Asked(rows, [read_id(one, "ids") for one in ids or [None] * len(rows)], many=True)


def _has_repeats(ids: list[object]) -> bool:
    texts = [one for one in ids if isinstance(one, str)]
    return len(set(texts)) != len(texts)


def read_id(value: object, where: str) -> str | None:
    """Return a client's own id for a row."""
    if value is None or (isinstance(value, str) and 0 < len(value) <= MAX_ID):
        return value
    raise Problem(
        "invalid_request", f"An id is a text of 1 to {MAX_ID} characters.", errors=[field_error(where, "wrong_type")]
    )


def refuse_any(done: list[Done | Problem], *, many: bool) -> None:
    """Refuse the whole request where one row is bad, with the bad fields of all rows. Nothing is logged."""
    errors: list[FieldError] = []
    for number, one in enumerate(done):
        if isinstance(one, Problem):
            if one.code != "invalid_row" or not many:
                raise one
            errors += [FieldError(f"rows[{number}].{bad.field}", bad.code, bad.detail) for bad in one.errors]
    if errors:
        raise Problem("invalid_row", "Nothing was predicted: atomic=true and a row is bad.", errors=errors)


def ignored_warnings(names: list[str]) -> list[str]:
    """Return the warnings for fields that the contract does not know, the first twenty by name."""
    warnings = [f"ignored:{shown(name)}" for name in names[:MAX_IGNORED]]
    more = len(names) - MAX_IGNORED
    return [*warnings, f"ignored:+{more} more"] if more > 0 else warnings
