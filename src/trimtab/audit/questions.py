"""What several probes ask or look for in the same way: a route that reads, an answer seen before, a flag beside one."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trimtab.audit.answer import leaves, split_words
from trimtab.audit.client import Reply
from trimtab.audit.probe import judge_refusal
from trimtab.audit.result import Result, State
from trimtab.audit.service import Field, Item, Service, encode

_FLAGS = {"warning", "warnings", "flag", "flags", "note", "notes", "issue", "issues", "unseen", "unknown", "imputed"}
_SHORT = 2
"""Quick audits try so many cases of a list that a full one tries to its end."""


def some(service: Service, cases: Sequence[Item], quick: int = _SHORT) -> Sequence[Item]:
    """Return the cases that this audit has the budget for; the most telling ones stand first."""
    return cases[:quick] if service.quick else cases


def numbers(service: Service) -> tuple[Field, ...]:
    """Return the numeric fields that the budget allows."""
    return service.sample("number", "integer")


def refuses(service: Service, reply: Reply, field: Field) -> Result:
    """Judge a refusal of one field; a field that has only a position need not be named."""
    named = service.shape.named and not field.name.isdigit()
    return judge_refusal(service, reply, field.name if named else "")


def survives(reply: Reply, what: str) -> Result:
    """Judge odd but harmless input: it may be refused or answered, but the service must not fail of it."""
    if reply.broke:
        return Result(State.FAIL, f"{what}: {reply.told}", reply.exchange)
    if not is_finite(reply.json()):
        return Result(State.FAIL, f"{what}: the answer holds a number that is not finite", reply.exchange)
    return Result(State.PASS, f"{what}: {reply.told}", reply.exchange)


def judge_not_finite(service: Service, reply: Reply, field: Field, what: str) -> Result:
    """Judge a value that is no number: refused, or answered with a warning that says so."""
    if not reply.accepted:
        return judge_refusal(service, reply)
    if not is_finite(reply.json()):
        return Result(State.FAIL, f"{what} in '{field.name}': the answer is not finite either", reply.exchange)
    if is_flagged(reply) or field.nullable:
        return Result(State.WARN, f"{what} in '{field.name}': answered as a missing value", reply.exchange)
    said = f"{what} in '{field.name}': answered with {reply.told} as though it were a number"
    return Result(State.FAIL, said, reply.exchange)


def is_finite(value: Any) -> bool:
    """Whether every number of an answer is finite, also those written as text."""
    return all(
        math.isfinite(leaf)
        if isinstance(leaf, float)
        else str(leaf).lower() not in {"nan", "inf", "-inf", "infinity", "-infinity"}
        for _, leaf in leaves(value)
    )


def is_flagged(reply: Reply) -> bool:
    """Whether an answer says, in a part of its own, that something about the request was odd."""
    return any(
        set(split_words(".".join(path))) & _FLAGS and leaf not in {False, ""} for path, leaf in leaves(reply.json())
    )


def ask_once(service: Service, payload: Any) -> Reply:
    """Return the reply to a payload; where this audit has asked the same before, the reply that it got then."""
    body = encode(payload)
    url = service.client.url(service.path)
    for reply in service.client.history:
        if reply.exchange.body == body and reply.exchange.url == url and reply.accepted:
            return reply
    return service.post(payload)


def read_once(service: Service, path: str) -> Reply:
    """Return the reply to a GET; where this audit has read the same before, what it read then."""
    url = service.client.url(path)
    for reply in service.client.history:
        if reply.exchange.url == url and reply.exchange.method == "GET" and not reply.failure:
            return reply
    return service.get(path)


def find_routes(service: Service, words: Iterable[str], usual: Iterable[str]) -> Iterator[Reply]:
    """Yield what answers 200, and is no web page, at the declared GET routes of such a name, then at usual places."""
    wanted = set(words)
    declared = [
        path
        for path, operations in ((service.openapi or {}).get("paths") or {}).items()
        if "{" not in path and isinstance(operations, dict) and "get" in operations and wanted & set(split_words(path))
    ]
    for path in dict.fromkeys((*declared[:3], *usual)):
        reply = read_once(service, path)
        if reply.status == 200 and not is_page(reply):
            yield reply


def is_page(reply: Reply) -> bool:
    """Whether an answer is a web page, such as a front end that answers every path."""
    return "html" in reply.headers.get("content-type", "") or reply.text.lstrip()[:9].lower() in {"<!doctype", "<html>"}


def closeness(one: Any, other: Any) -> float:
    """Return the largest difference of two answers' numbers: 0 where they are equal, infinite where their form differs.

    >>> closeness({"p": 0.25}, {"p": 0.5}), closeness({"p": "no"}, {"p": "yes"})
    (0.25, inf)
    """
    if one == other:
        return 0.0
    first, second = dict(leaves(one)), dict(leaves(other))
    if first.keys() != second.keys():
        return math.inf
    return max(_difference(value, second[path]) for path, value in first.items())


def _difference(one: Any, other: Any) -> float:
    if one == other:
        return 0.0
    both = (one, other)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in both):
        return abs(float(one) - float(other))
    return math.inf


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies, of the values that were measured (nearest rank).

    >>> quantile([1, 2, 3, 4], 0.95), quantile([1, 2, 3, 4], 0.5)
    (4, 2)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def reorder(value: Any) -> bytes:
    """Return the same JSON value with its keys in the opposite order, and with white space."""

    def turn(item: Any) -> Any:
        if isinstance(item, dict):
            return {name: turn(item[name]) for name in reversed(item)}
        return [turn(part) for part in item] if isinstance(item, list) else item

    return json.dumps(turn(value), indent=4).encode()


_OPEN = {"text", "comment", "comments", "description", "message", "review", "title", "note", "notes", "body", "query"}
_OPEN |= {"sentence", "content", "summary", "prompt", "question", "name", "address", "url", "email"}


def is_open_text(service: Service, field: Field) -> bool:
    """Whether a field holds text that no list of categories can cover: by its name, or by its valid value."""
    value = service.row().get(field.name)
    if field.enum or not isinstance(value, str):
        return False
    return bool(set(split_words(field.name)) & _OPEN) or (len(value) > 24 and " " in value)


def ask_again(service: Service) -> Reply:
    """Return the reply to the valid request, sent once more."""
    service.client.forgive()
    return service.post(service.seed)


_LIVE = {"livez", "live", "liveness", "healthz", "health", "healthcheck", "ping"}
_LIVE_USUAL = ("/livez", "/healthz", "/health", "/live", "/ping", "/v2/health/live")


def find_liveness(service: Service) -> Reply | None:
    """Return the answer of the liveness route, None where there is none."""
    declared = service.declared.health
    return next(find_routes(service, _LIVE, (declared, *_LIVE_USUAL) if declared else _LIVE_USUAL), None)
