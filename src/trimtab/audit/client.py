"""A polite HTTP client that always comes back: capped, paced, and with one deadline for a whole exchange.

It is written with asyncio inside, because only a cancellation bounds a reply that drips, and a burst is many requests
at once; what it offers is synchronous. It sends a body as the bytes it is given, follows a redirect on the same origin
only, and ignores proxies and cookies.
"""

import asyncio
import ipaddress
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from trimtab import clock
from trimtab.audit.result import Exchange
from trimtab.errors import HostError, TrimtabError, UsageError

Failure = Literal["", "timeout", "dropped", "refused", "no trust", "too large", "redirected"]

MAX_REPLY = 1 << 20
"""Bytes of a reply that are read where nothing else is said; a longer one is cut and called too large."""

MAX_BODY = 2_500_000
"""Bytes of a request body."""

PATIENCE = 10.0
"""Seconds for one exchange, where neither the user nor a probe says otherwise."""

PACE = 0.2
"""Seconds between two requests to a host that is not loopback."""

OBEYED, LONGEST_PAUSE = 2, 5.0
"""How often a request that was answered 429 is sent again, and the seconds that it waits at most."""

MAX_FAILURES = 5
BURST = (32, 8)
"""The largest burst: so many connections at once, so many requests on each."""

_EXCERPT = 4096
_REDIRECTS = 3
_UNPACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class CapReached(TrimtabError):
    """The audit has sent as many requests as it may."""


class ServiceGone(TrimtabError):
    """Several requests in a row could not be answered, and a plain one cannot either."""


class Throttled(HostError):
    """A request was answered 429 as often as it was sent, so what it asked was never looked at."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `status` is None where nothing did, and `failure` says why. Header names are lower case."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    failure: Failure
    exchange: Exchange
    landed: str = ""
    """The URL that answered, where a redirect led there, else ''."""

    @property
    def accepted(self) -> bool:
        """Whether the status is 2xx and the answer is whole."""
        return self.status is not None and 200 <= self.status < 300 and not self.failure

    @property
    def rejected(self) -> bool:
        """Whether the status is 4xx: the service said that the request is wrong."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def broke(self) -> bool:
        """Whether the service failed: 5xx, no answer, or an answer that is not whole."""
        return self.status is None or self.status >= 500 or bool(self.failure)

    @property
    def told(self) -> str:
        """Return the outcome in a few words: `HTTP 422`, `timeout`, `HTTP 200, too large`."""
        parts = (f"HTTP {self.status}" if self.status is not None else "", self.failure)
        return ", ".join(part for part in parts if part)

    @property
    def text(self) -> str:
        """Return the body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as a value, None where it is no JSON.

        NaN and Infinity are read as the numbers they mean; half a surrogate pair, which no report can hold, as U+FFFD.
        """
        try:
            return make_writable(json.loads(self.body))
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    failure: Failure
    url: str = ""
    """What answered, '' where nothing did."""

    paused: float = 0.0
    """Seconds that this client waited before it followed a redirect."""


class Client:
    """Sends requests to one service and never more than `cap` of them, those of a burst included.

    `headers` are the user's own (a key, for example): sent with every request to the scheme, host and port of the base
    that is not anonymous; never shown.
    """

    def __init__(
        self,
        base: str,
        *,
        cap: int,
        pace: float = 0.0,
        patience: float = PATIENCE,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.cap, self.pace, self.patience = cap, pace, patience
        self.sent = 0
        self.history: list[Reply] = []
        """Every reply so far, bursts left out."""
        self.private = dict(headers or {})
        self._failures = 0
        self._next_turn = 0
        self._runner = asyncio.Runner()
        self._ssl = httpx.create_ssl_context() if base.startswith("https:") else False
        self._fresh = self._open(keep=0)
        self._kept = self._open(keep=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for client in (self._fresh, self._kept):
            self._runner.run(client.aclose())
        self._runner.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        fresh: bool = True,
        anonymous: bool = False,
        timeout: float | None = None,
        most: int = MAX_REPLY,
    ) -> Reply:
        """Return the reply to one request; `path` is put behind the base, or is a whole URL of the same host.

        `fresh` opens a connection of its own. A 429 is obeyed: the request waits and is sent again, twice at most.
        Raises CapReached, ServiceGone, Throttled where the last answer is 429 too, and UsageError for what may not be
        sent; whatever else the service does is a Reply.
        """
        request = self._build(method, path, body, headers, anonymous=anonymous)
        client = self._fresh if fresh else self._kept
        for again in range(OBEYED, -1, -1):
            self._take_turn()
            reply = self._runner.run(self._exchange(client, request, timeout or self.patience, most))
            self.history.append(reply)
            self._note(reply)
            if reply.status != 429:
                return reply
            if again:
                clock.sleep(_asked_pause(reply))
        raise Throttled(f"{method} {request.url} is always answered 429.", hint="let this client ask more often")

    def burst(
        self, path: str, body: bytes, headers: Mapping[str, str], *, connections: int, each: int, timeout: float = 30.0
    ) -> list[Reply]:
        """Return the replies to many equal POSTs, sent over several connections at once; at most BURST.

        No redirect is followed here: no more is sent than was counted.
        """
        connections, each = min(connections, BURST[0]), min(each, BURST[1])
        if self.sent + connections * each > self.cap:
            raise CapReached(f"A burst of {connections * each} is more than the cap of {self.cap} leaves.")
        self.sent += connections * each
        request = self._build("POST", path, body, headers)
        return self._runner.run(self._burst(request, connections, each, timeout))

    @property
    def gone(self) -> bool:
        """Whether the service seems gone: MAX_FAILURES requests in a row had no answer, and a plain GET neither."""
        return self._failures >= MAX_FAILURES

    def forgive(self) -> None:
        """Forget earlier failures: the next request is sent although the service seemed gone."""
        self._failures = 0

    def url(self, path: str) -> str:
        """Return the whole URL of a path."""
        return path if path.startswith(("http://", "https://")) else f"{self.base}{path}"

    def _open(self, keep: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_keepalive_connections=keep, max_connections=BURST[0])
        patience = httpx.Timeout(3600)  # the deadline of the whole exchange is the one that counts
        return httpx.AsyncClient(verify=self._ssl, timeout=patience, limits=limits, trust_env=False)

    def _take_turn(self) -> float:
        """Count a request and wait until it may be sent; return the seconds of that."""
        if self.sent >= self.cap:
            raise CapReached(f"The cap of {self.cap} requests is reached.")
        if self.gone:
            raise ServiceGone("The service no longer answers.")
        self.sent += 1
        early = max(0.0, (self._next_turn - clock.monotonic_ns()) / 1e9)
        if early:
            clock.sleep(early)
        self._next_turn = clock.monotonic_ns() + round(self.pace * 1e9)
        return early

    def _build(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None, *, anonymous: bool = False
    ) -> httpx.Request:
        if body is not None and len(body) > MAX_BODY:
            raise UsageError(f"A request of {len(body)} bytes is more than {MAX_BODY}.", hint="a smaller --example")
        url, base = self._locate(path), httpx.URL(self.base)
        own = self.private if not anonymous and _origin(url) == _origin(base) else {}
        every = {"User-Agent": f"trimtab-audit/{version('trimtab')}", "Accept": "*/*", "Accept-Encoding": "identity"}
        return httpx.Request(method, url, headers={**every, **own, **(headers or {})}, content=body)

    def _locate(self, path: str) -> httpx.URL:
        """Return the URL of a path. Raises UsageError where it is none, or is on another host."""
        hint = f"a whole URL on the host of {self.base}, or a path that begins with /"
        if path and not path.startswith(("/", "http://", "https://")):
            raise UsageError(f"'{path[:80]}' is neither URL nor path.", hint=hint)
        try:
            url = httpx.URL(self.url(path))
        except httpx.InvalidURL:
            raise UsageError(f"'{path[:80]}' is no URL.", hint=hint) from None
        if url.host != httpx.URL(self.base).host:
            raise UsageError(f"{path[:80]} is on another host, and an audit asks one only.", hint=hint)
        return url

    def _note(self, reply: Reply) -> None:
        """Count failures in a row; after MAX_FAILURES one plain GET decides whether the service is there at all."""
        self._failures = self._failures + 1 if reply.failure in {"timeout", "dropped", "refused", "no trust"} else 0
        if self._failures == MAX_FAILURES:
            self._failures = 0
            self._take_turn()
            request = self._build("GET", "/", None, None)
            plain = self._runner.run(self._exchange(self._fresh, request, self.patience))
            if plain.status is None and plain.failure != "redirected":
                self._failures = MAX_FAILURES

    async def _burst(self, request: httpx.Request, connections: int, each: int, patience: float) -> list[Reply]:
        async with self._open(keep=connections) as client:

            async def work() -> list[Reply]:
                return [await self._exchange(client, request, patience, redirects=0) for _ in range(each)]

            every = await asyncio.gather(*(work() for _ in range(connections)))
        return [reply for replies in every for reply in replies]

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        patience: float,
        most: int = MAX_REPLY,
        redirects: int = _REDIRECTS,
    ) -> Reply:
        begin = clock.monotonic_ns()
        raw = await _bounded(lambda: self._follow(client, request, most, redirects), patience)
        seconds = (clock.monotonic_ns() - begin) / 1e9 - raw.paused
        exchange = Exchange(
            method=request.method,
            url=str(request.url),
            headers={name: value for name, value in request.headers.items() if name not in {"host", "content-length"}},
            body=request.content if "content-length" in request.headers else None,
            status=raw.status,
            reply_headers=raw.headers,
            reply=raw.body[:_EXCERPT],
            seconds=seconds,
            failure=raw.failure,
            secret=frozenset(name.lower() for name in self.private),
        )
        landed = raw.url if raw.url != exchange.url else ""
        return Reply(raw.status, raw.headers, raw.body, seconds, raw.failure, exchange, landed)

    async def _follow(self, client: httpx.AsyncClient, request: httpx.Request, most: int, redirects: int) -> _Raw:
        """Return the reply, redirects on the same origin followed where they keep the method; each takes its turn."""
        paused = 0.0
        for hop in range(redirects + 1):
            paused += self._take_turn() if hop else 0.0
            response = await client.send(request, stream=True)
            try:
                target = _target(request, response)
                if target is None:
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    content, failure = await _read(response, most)
                    return _Raw(response.status_code, headers, content, failure, str(request.url), paused)
            finally:
                await response.aclose()
            request = httpx.Request(request.method, target, headers=request.headers, content=request.content)
        return _Raw(None, {}, b"", "redirected", paused=paused)


def _asked_pause(reply: Reply) -> float:
    """Return the seconds that a 429 asks to wait."""
    asked = reply.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else 1.0


async def _bounded(ask: Callable[[], Awaitable[_Raw]], patience: float) -> _Raw:
    """Return what an exchange gives, or which way it failed."""
    try:
        async with asyncio.timeout(patience):
            return await ask()
    except (TimeoutError, httpx.TimeoutException):
        return _Raw(None, {}, b"", "timeout")
    except httpx.ConnectError as error:
        return _Raw(None, {}, b"", "no trust" if "SSL" in str(error) else "refused")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
        return _Raw(None, {}, b"", "dropped")


def _target(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    """Return where to go on, None where this reply is the last."""
    keeps = response.status_code in {307, 308} or (request.method in {"GET", "HEAD"} and response.has_redirect_location)
    if not keeps or "location" not in response.headers:
        return None
    target = request.url.join(response.headers["location"])
    return target if _origin(target) == _origin(request.url) else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _read(response: httpx.Response, most: int) -> tuple[bytes, Failure]:
    """Return at most so many bytes, unpacked where the service packs although it was not asked to."""
    kind = response.headers.get("content-encoding", "").strip().lower()
    engine = zlib.decompressobj(wbits=_UNPACKED[kind]) if kind in _UNPACKED else None
    body = bytearray()
    async for piece in response.aiter_raw():
        try:
            body += engine.decompress(piece, most + 1) if engine else piece
        except zlib.error:
            return bytes(body), "dropped"
        if len(body) > most:
            return bytes(body[:most]), "too large"
    return bytes(body), ""


def make_writable(value: Any) -> Any:
    """Return a JSON value without halves of surrogate pairs: a file or a terminal takes none."""
    if isinstance(value, dict):
        return {make_writable(name): make_writable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [make_writable(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def is_loopback(base: str) -> bool:
    """Return whether a URL is of this machine, by its address or the name localhost; no name is looked up."""
    host = urlsplit(base).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
