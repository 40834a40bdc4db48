"""Polite and suspicious HTTP: GET with retries, limits and a fixed address, following nothing to another host.

The host's name is resolved once for a read, every address is checked, and connections go to those very addresses: a
name that changes its mind in between gains nothing. Proxies of the environment are not used.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from trimtab import clock
from trimtab.errors import ConfigError, HostError
from trimtab.ingest.addresses import find_addresses
from trimtab.nouns import SourceSpec

MAX_REPLY = 64 << 20
"""Bytes of one reply, unpacked."""

FIRST_PAUSE = 0.25
MAX_PAUSE = 60.0
"""Seconds before the first repetition, doubled each time; and the longest wait, also where the server asks for more."""

SLOWEST = 6
"""A whole reply takes at most so many times `timeout`, however steadily it drips."""

MAX_REDIRECTS = 5

_PIECE = 1 << 20
_ACCEPTED = {"json": "application/json", "jsonl": "application/x-ndjson, application/jsonl", "csv": "text/csv"}
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_LOOK_AT_HEADERS = {401, 403, 407}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: status (200, 304 or 404), body, ETag, Content-Type, and its Link to the next page."""

    status: int
    body: bytes = b""
    etag: str = ""
    kind: str = ""
    next: str = ""


class Fetcher:
    """Gets replies from one host, with a source's headers, timeout, rate, retries and trust.

    Raises ConfigError for an address that is none or is refused, HostError where no reply can be had.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._where = f"[sources.{spec.name}]"
        self._url = read_url(spec)
        self._addresses: dict[str, list[str]] = {}
        self._find(self._url.host)
        self._patience = spec.patience.total_seconds()
        self._client = httpx.Client(timeout=self._patience, trust_env=False, follow_redirects=False)
        self._next_turn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, params: Mapping[str, str], etag: str = "") -> Reply:
        """Return the reply to one GET; with an ETag, status 304 means that nothing changed. 404 is a reply, too."""
        return self._ask(self._url.copy_merge_params(params), etag)

    def follow(self, link: str) -> Reply:
        """Return the reply to a GET of an address that the server itself named."""
        try:
            url = self._url.join(link)
        except httpx.InvalidURL:
            raise self._give_up("names a next page that is no URL") from None
        return self._ask(self._stay(url, "names a next page at"), "")

    def _ask(self, url: httpx.URL, etag: str) -> Reply:
        for attempt in range(self._spec.retries + 1):
            try:
                reply, pause, reason = self._try(url, etag, attempt)
            except (httpx.LocalProtocolError, UnicodeEncodeError):  # their words hold the header
                raise ConfigError(
                    f"{self._where} headers cannot be sent.", hint="a header is one line of ASCII"
                ) from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reply, pause, reason = None, 0.0, _say(error)
            if reply is not None:
                return reply
            if attempt < self._spec.retries:
                clock.sleep(self._next_pause(attempt, pause, reason))
        raise self._give_up(f"does not answer ({reason}), {self._spec.retries + 1} times")

    def _try(self, url: httpx.URL, etag: str, attempt: int) -> tuple[Reply | None, float, str]:
        """Return the reply, or None with the pause that the server asks for and the reason."""
        for _ in range(MAX_REDIRECTS + 1):
            with self._send(url, etag, attempt) as response:
                if response.has_redirect_location:
                    url = self._stay(url.join(response.headers["location"]), "redirects to")
                    continue
                if response.status_code in _TRY_AGAIN:
                    return None, _asked_pause(response), f"status {response.status_code}"
                self._refuse_status(response)
                body = b"" if response.status_code != 200 else self._read(response)
                return _reply(url, response, body), 0.0, ""
        raise self._give_up(f"redirects more than {MAX_REDIRECTS} times")

    def _send(self, url: httpx.URL, etag: str, attempt: int) -> "_Sent":
        self._wait_turn()
        addresses = self._find(url.host)
        own = self._spec.headers if _origin(url) == _origin(self._url) else {}  # another host gets no token
        headers = {"Accept": _ACCEPTED.get(self._spec.format, "*/*"), **own, "Host": url.netloc.decode("ascii")}
        headers["Accept-Encoding"] = "gzip"
        if etag:
            headers["If-None-Match"] = etag
        request = self._client.build_request(
            "GET",
            url.copy_with(host=addresses[attempt % len(addresses)]),
            headers=headers,
            extensions={"sni_hostname": url.host},
        )
        request.extensions["timeout"] = httpx.Timeout(self._patience).as_dict()
        return _Sent(self._client, request)

    def _find(self, host: str) -> list[str]:
        """Return a host's addresses, looked up once in the life of this fetcher."""
        if host not in self._addresses:
            self._addresses[host] = find_addresses(host, self._where, allow_private=self._spec.allow_private)
        return self._addresses[host]

    def _wait_turn(self) -> None:
        """Wait until `rate` allows one more request: they are spread evenly, repetitions too."""
        if not self._spec.rate:
            return
        early = (self._next_turn - clock.monotonic_ns()) / 1e9
        if early > 0:
            clock.sleep(early)
        self._next_turn = clock.monotonic_ns() + round(1e9 / self._spec.rate)

    def _read(self, response: httpx.Response) -> bytes:
        begin, body = clock.monotonic_ns(), bytearray()
        limit = SLOWEST * self._patience
        for piece in self._unpacked(response):
            body += piece
            if len(body) > MAX_REPLY:
                hint = "ask for smaller pages: page = { size = ... }"
                raise HostError(f"{self._name()} sends more than {MAX_REPLY >> 20} MB in one reply.", hint=hint)
            if (clock.monotonic_ns() - begin) / 1e9 > limit:
                raise httpx.ReadTimeout(f"the reply took longer than {limit:g} s")
        return bytes(body)

    def _unpacked(self, response: httpx.Response) -> Iterable[bytes]:
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        if packing in {"gzip", "x-gzip"}:
            return unpack(response.iter_raw(_PIECE))
        if packing == "identity":
            return response.iter_raw(_PIECE)
        raise self._give_up("packs its reply otherwise than it was asked to (Content-Encoding)")

    def _refuse_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in {200, 304, 404}:
            return
        hint = "check headers of this source: the token" if status in _LOOK_AT_HEADERS else "check url of this source"
        raise HostError(f"{self._name()} answers with status {status}.", hint=hint)

    def _stay(self, target: httpx.URL, verb: str) -> httpx.URL:
        """Return where the server leads to, if that is its own scheme, host and port, or a host that is allowed."""
        allowed = target.scheme in {"https", self._url.scheme} and target.netloc.decode() in self._spec.allow_hosts
        if _origin(target) != _origin(self._url) and not allowed:
            hint = "if that is right: allow_hosts = [...] with it, or the new address as url of this source"
            raise HostError(f"{self._name()} {verb} {target.scheme}://{target.host}: not followed.", hint=hint)
        return target

    def _next_pause(self, attempt: int, asked: float, reason: str) -> float:
        if asked > MAX_PAUSE:
            raise self._give_up(f"asks to wait {asked:,.0f} s ({reason})")
        return max(asked, min(MAX_PAUSE, FIRST_PAUSE * float(2**attempt)))

    def _give_up(self, what: str) -> HostError:
        return HostError(f"{self._name()} {what}.", hint="nothing was lost; the next turn tries again")

    def _name(self) -> str:
        return f"{self._where}: {show_url(self._url)}"


def unpack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip holds, at most a megabyte at a time, so that a bomb is seen before it is unpacked.

    Raises httpx.DecodingError where it is no gzip, or ends before its end.
    """
    engine = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if engine.eof:  # a reply may be packed in several members
                    engine = zlib.decompressobj(wbits=31)
                yield engine.decompress(rest, _PIECE)
                rest = engine.unconsumed_tail or engine.unused_data
        while not engine.eof and (out := engine.decompress(engine.unconsumed_tail, _PIECE)):
            yield out
    except zlib.error:
        raise httpx.DecodingError("the reply is no gzip, as its header says") from None
    if not engine.eof:
        raise httpx.DecodingError("the packed reply ends in the middle")


def _reply(url: httpx.URL, response: httpx.Response, body: bytes) -> Reply:
    link = response.links.get("next", {}).get("url", "")
    headers = response.headers
    return Reply(
        response.status_code,
        body,
        headers.get("etag", ""),
        headers.get("content-type", ""),
        str(url.join(link)) if link else "",
    )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _Sent:
    """A request as a context: the response, closed again at the end."""

    def __init__(self, client: httpx.Client, request: httpx.Request) -> None:
        self._response = client.send(request, stream=True)

    def __enter__(self) -> httpx.Response:
        return self._response

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()


def read_url(spec: SourceSpec) -> httpx.URL:
    """Return a source's address. Raises ConfigError where it is no http or https URL; the text is not repeated."""
    where, hint = f"[sources.{spec.name}] url", "write it like https://example.org/planes"
    try:
        url = httpx.URL(spec.url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigError(f"{where} is no URL.", hint=hint) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigError(f"{where} is no http or https URL.", hint=hint)
    if url.userinfo:
        raise ConfigError(
            f"{where} holds a name or password.", hint='send it as headers = { Authorization = "env:..." }'
        )
    return url


def show_url(url: httpx.URL) -> str:
    """Return an address for people: without its query, which may hold a token."""
    return str(url.copy_with(query=None, fragment=None))


def _asked_pause(response: httpx.Response) -> float:
    """Return the seconds that Retry-After asks for, as a number or a date; 0 where it asks for nothing clear."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until - clock.now()).total_seconds()) if until.tzinfo else 0.0
    except ValueError:
        return 0.0


def _say(error: Exception) -> str:
    """Return what went wrong, in the words of the system or else of the kind of error."""
    return (str(error).strip() or type(error).__name__)[:200]
