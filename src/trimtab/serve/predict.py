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
from trimtab.errors import HostError, nearest
from trimtab.serve.answer import Done, Given, answer_row
from trimtab.serve.decode import decode
from trimtab.serve.desk import Desk
from trimtab.serve.explain import explain_answer
from trimtab.serve.ladder import FieldError, Problem, field_error, field_errors, shown
from trimtab.serve.limits import read_body, read_headers
from trimtab.serve.model import Live
from trimtab.store.record import PredictionRecord, encode, features_text, json_text, prediction_text, rfc3339

BIG_BODY = 65_536
ROWS_AT_ONCE = 64
MAX_IGNORED = 20
MAX_ID = 200
EXPLAINED_ROWS = 100
OPTIONS = ("atomic", "explain")

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of a request with the client's ids; `many` is whether it came in the envelope."""

    rows: list[object]
    ids: list[str | None]
    many: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What the query asks for: one bad row refuses all, and each answer comes with its contributions."""

    atomic: bool = False
    explain: bool = False


async def predict(desk: Desk, request: Request) -> Response:
    """Answer rows with the Version that is live now."""
    headers = read_headers(request.scope)
    options = read_options(request.scope["query_string"])
    body = await read_body(request.receive, headers, desk.project.serve.limits)
    with desk.lane:
        begin = clock.monotonic_ns()
        live = desk.now_live()
        value = decode(body) if len(body) < BIG_BODY else await asyncio.to_thread(decode, body)
        asked = read_rows(value, desk.project.serve.limits.rows, headers.client_id)
        work = Work(desk, live, clock.now(), clock.monotonic_ns() - begin)
        done = await work.answer(asked)
        if options.atomic:
            refuse_any(done, many=asked.many)
        if options.explain:
            await explain_rows(desk, live, asked, done)
        done, logged = await settle(desk, asked, done, options)
        return reply(desk, live, asked, done, logged)


PLAIN = Options()


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
                self.desk.meters.predictions.add(problem.code)
                done.append(problem)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)  # many rows must not keep the health routes waiting
        return done

    def _answer_one(self, row: object, client_id: str | None) -> Done:
        if not isinstance(row, dict):
            raise Problem("invalid_row", "A row is a JSON object.", errors=[field_error("", "not_an_object")])
        raw = json_text(self.live.model.hide(row))
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
                self.desk.meters.rejected.add(name, code)

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
        return Done(identifier, given, self.live.epoch, ("prediction", identifier, encode(record)), raw, client_id)


async def explain_rows(desk: Desk, live: Live, asked: Asked, done: list[Done | Problem]) -> None:
    """Add to each answer what moved it, or the warning that the worker had no time for that."""
    if len(asked.rows) > EXPLAINED_ROWS:
        raise Problem("too_many_rows", f"Send at most {EXPLAINED_ROWS} rows at once with explain=true.")
    pairs = [(row, one) for row, one in zip(asked.rows, done, strict=True) if isinstance(one, Done)]
    found = await desk.explainer.run(_explain_each, live, pairs)
    for number, (_, one) in enumerate(pairs):
        one.explained = True
        if found is None:
            one.given.warnings = [*one.given.warnings, "shed:explanation"]
        else:
            one.explanation = found[number]


def _explain_each(live: Live, pairs: list[tuple[Any, Done]]) -> list[Mapping[str, Any]]:
    return [explain_answer(live, row, one.given) for row, one in pairs]


async def settle(
    desk: Desk, asked: Asked, done: list[Done | Problem], options: Options
) -> tuple[list[Done | Problem], str]:
    """Return the answers that are given, and whether they are durable: `durable` or `none`.

    Those that were given before under the clients' ids are given again; new ones are kept. Raises Problem cannot_log.
    """
    if not any(asked.ids) or not await _claim(desk, done):
        return done, await keep(desk, done)
    try:
        if options.atomic:
            refuse_any(done, many=asked.many)
        logged = await keep(desk, done)
    except BaseException:
        desk.repeats.release(done)
        raise
    if logged == "none":  # no promise to repeat what is not kept
        desk.repeats.release(done)
        for one in done:
            if isinstance(one, Done) and one.record is not None:
                one.said = None
    return done, logged


async def _claim(desk: Desk, done: list[Done | Problem]) -> bool:
    """Put the answers that stand in place, and return whether the clients' ids could be claimed."""
    try:
        done[:] = await desk.repeats.settle(done, lambda one: _encoder.encode(lay_out(desk, one, "durable")))
    except HostError as error:
        desk.report("spool", "the last answer could not be kept in the spool", error.message)
        if desk.project.serve.log == "required":
            raise Problem("cannot_log") from error
        return False
    return True


async def keep(desk: Desk, done: list[Done | Problem]) -> str:
    """Return `durable` or `none` for all the new answers of one request together. Raises Problem cannot_log."""
    new = [one for one in done if isinstance(one, Done) and one.record is not None]
    begin = clock.monotonic_ns()
    records = [one.record for one in new if one.record is not None]
    logged = await desk.settle(desk.keeper.keep(records), len(records)) if records else "durable"
    desk.meters.stages.add("log", clock.monotonic_ns() - begin)
    for one in new:
        desk.meters.predictions.add(one.given.fallback or "ok")
        desk.meters.count_warnings(one.given.warnings)
    return logged if any(isinstance(one, Done) for one in done) else "none"


def reply(desk: Desk, live: Live, asked: Asked, done: list[Done | Problem], logged: str) -> Response:
    """Lay out the reply: one answer, or many under `results`."""
    if not asked.many:
        (one,) = done
        if isinstance(one, Problem):
            raise one
        return json_reply(lay_out(desk, one, logged))
    rows = [lay_out(desk, one, logged) for one in done]
    version, epoch = _spoken_by(done) or (live.model.name, live.epoch)
    return json_reply(
        {"results": rows, "model": desk.project.name, "version": version, "epoch": epoch, "logged": logged}
    )


def _spoken_by(done: list[Done | Problem]) -> tuple[str, int] | None:
    """Return the version and epoch of answers that all were given before, by one epoch: so the reply is the same."""
    said = [one.said for one in done if isinstance(one, Done) and one.record is None and one.said is not None]
    if not said or len(said) < len(done):
        return None
    parts = [msgspec.json.decode(part) for part in said]
    spoken = {(part["version"], part["epoch"]) for part in parts}
    return spoken.pop() if len(spoken) == 1 else None


def lay_out(desk: Desk, one: Done | Problem, logged: str) -> dict[str, Any] | msgspec.Raw:
    """Return one row's part of the reply: the answer, or its problem under `error`."""
    if isinstance(one, Problem):
        return {"error": one.document()}
    if one.said is not None:
        return msgspec.Raw(one.said)
    part = {
        **one.given.output,
        "prediction_id": one.prediction_id,
        "model": desk.project.name,
        "version": one.given.version_name,
        "epoch": one.epoch,
        "logged": logged,
        "warnings": one.given.warnings,
    }
    return {**part, **(one.explanation or {"explanation": None})} if one.explained else part


class JsonReply(Response):
    """A response whose two headers need no thought."""

    def __init__(self, body: bytes, status: int) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]


def json_reply(value: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return JsonReply(_encoder.encode(value), status)


def read_options(query: bytes) -> Options:
    """Return what the query asks for. Raises Problem unknown_option: no option is ignored."""
    if not query:
        return PLAIN
    found = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in OPTIONS:
            errors = [field_error(name, "unknown_option")]
            raise Problem("unknown_option", f"Known: {', '.join(OPTIONS)}{nearest(name, OPTIONS)}", errors=errors)
        if value.lower() not in {"true", "false", "1", "0"}:
            raise Problem("unknown_option", f"`{name}` is true or false.")
        found[name] = value.lower() in {"true", "1"}
    return Options(**found)


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
