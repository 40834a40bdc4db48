"""What a request may cost: bytes, seconds, and places in the queue."""

import asyncio
from collections.abc import Generator, Mapping
from types import coroutine
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from trimtab.nouns.project import Limits
from trimtab.serve.ladder import Problem

DRAIN_FACTOR = 32
"""A body that is too large is read to its end, and thrown away, up to this many times the limit: then the connection
stays usable and the client sees the 413. Beyond it the connection is closed."""

_CLOSE = {"connection": "close"}


class Headers(NamedTuple):
    """The few headers that matter to a body: its length, whether it is on its way, and the client's own id."""

    length: int | None = None
    waits_for_permission: bool = False
    client_id: str | None = None


def read_headers(scope: Scope) -> Headers:
    """Return the headers of a request with a body. Raises Problem wrong_media_type, cross_site or malformed."""
    found = dict(scope["headers"])
    _refuse_other_sites(found)
    kind = found.get(b"content-type")
    if kind and kind != b"application/json" and not _is_json(kind.decode("latin-1")):
        raise Problem("wrong_media_type", "Send content-type: application/json.")
    client_id = found.get(b"idempotency-key")
    return Headers(
        _length(found.get(b"content-length")),
        found.get(b"expect", b"").lower() == b"100-continue",
        client_id.decode("latin-1") if client_id is not None else None,
    )


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """Return the whole body. Raises Problem too_large or too_slow, and ClientDisconnect where nobody waits any more."""
    if headers.length is not None and headers.length > limits.body:
        await _discard(receive, headers, limits)
        raise _too_large(limits)
    waiting = receive().__await__()
    try:
        step, message = next(waiting), None
    except StopIteration as ready:  # nearly every body comes in one piece with its head, and needs no clock
        step, message = None, ready.value
        if not message.get("more_body"):
            return await _collect(message, receive, limits)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _collect(message or await _go_on(waiting, step), receive, limits)
    except TimeoutError:
        # A client that drips may not keep its connection: RFC 9110, 15.5.9.
        raise Problem("too_slow", f"Send the body within {limits.seconds:g} seconds.", headers=_CLOSE) from None


@coroutine
def _go_on(waiting: Generator[Any, Any, Message], step: object) -> Generator[Any, Any, Message]:
    """Await what was begun by hand and has made its first step."""
    try:
        yield step
    except BaseException:  # the time is over, or the server stops: what was begun by hand is ended by hand
        waiting.close()
        raise
    return (yield from waiting)


class Lane:
    """The places for requests that are being worked on; health routes do not need one.

    `with lane:` holds one place, or raises Problem busy. Only for the event loop's thread.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0

    def __enter__(self) -> None:
        if self.taken >= self.places:
            raise Problem("busy", "Too many requests wait at this worker; try again.")
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


async def _collect(message: Message, receive: Receive, limits: Limits) -> bytes:
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        if len(body) > limits.body:
            raise _too_large(limits)
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        size += len(message["body"])
        if size <= limits.body:
            parts.append(message["body"])
        elif size > limits.body * DRAIN_FACTOR:
            raise _too_large(limits, closing=True)
        if not message.get("more_body"):
            break
        message = await receive()
    if size > limits.body:
        raise _too_large(limits)
    return b"".join(parts)


async def _discard(receive: Receive, headers: Headers, limits: Limits) -> None:
    if headers.waits_for_permission or (headers.length or 0) > limits.body * DRAIN_FACTOR:
        raise _too_large(limits, closing=True)
    try:
        async with asyncio.timeout(limits.seconds):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    except TimeoutError:
        raise _too_large(limits, closing=True) from None


def _too_large(limits: Limits, *, closing: bool = False) -> Problem:
    return Problem("too_large", f"Send at most {limits.body} bytes.", headers=_CLOSE if closing else None)


def _is_json(kind: str) -> bool:
    essence, _, parameters = kind.lower().partition(";")
    essence = essence.strip()
    if essence != "application/json" and not (essence.startswith("application/") and essence.endswith("+json")):
        return False
    for parameter in filter(None, (part.strip() for part in parameters.split(";"))):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            return False
    return True


def _length(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 20 else None


def _refuse_other_sites(found: Mapping[bytes, bytes]) -> None:
    """Refuse a browser's request from another site's page: a loopback server is within reach of every web page."""
    if found.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem("wrong_media_type", "Send the body without content-encoding.")
    origin = found.get(b"origin")
    if origin is not None and urlsplit(origin).netloc != found.get(b"host"):
        raise Problem("cross_site", "The Origin header names another site than the Host header.")
