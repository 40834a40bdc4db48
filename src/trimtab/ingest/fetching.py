"""Polite and suspicious HTTP: GET with retries, limits and a fixed address, following nothing to another host.

The host's name is resolved once for a read, every address is checked, and connections go to those very addresses: a
name that changes its mind in between gains nothing. Proxies of the environment are not used.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import TracebackType
from typing import Self

import httpx

from trimtab import clock
from trimtab.errors import ConfigError, HostError
from trimtab.nouns import SourceSpec

MAX_REPLY = 64 << 20
"""Bytes of one reply, unpacked."""

FIRST_PAUSE = 0.25
MAX_PAUSE = 60.0
"""Seconds before the first repetition, doubled each time; and the longest wait, also where the server asks for more."""

SLOWEST = 6
"""A whole reply takes at most so many times `timeout`, however steadily it drips."""

MAX_REDIRECTS = 5

_NAT64 = ip_network("64:ff9b::/96")
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_LOOK_AT_HEADERS = {401, 403, 407}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: status (200, 304 or 404), body, ETag."""

    status: int
    body: bytes = b""
    etag: str = ""


class Fetcher:
    """Gets replies from one host, with a source's headers, timeout, retries and trust.

    Raises ConfigError for an address that is none or is refused, HostError where no reply can be had.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._where = f"[sources.{spec.name}]"
        self._url = read_url(spec)
        self._addresses = _find_addresses(self._url, self._where, allow_private=spec.allow_private)
        self._client = httpx.Client(timeout=spec.timeout.total_seconds(), trust_env=False, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, params: Mapping[str, str], etag: str = "") -> Reply:
        """Return the reply to one GET; with an ETag, status 304 means that nothing changed. 404 is a reply, too."""
        url = self._url.copy_merge_params(params)
        for attempt in range(self._spec.retries + 1):
            try:
                reply, pause, reason = self._follow(url, etag, attempt)
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

    def _follow(self, url: httpx.URL, etag: str, attempt: int) -> tuple[Reply | None, float, str]:
        """Return the reply, or None with the pause that the server asks for and the reason."""
        for _ in range(MAX_REDIRECTS + 1):
            with self._send(url, etag, attempt) as response:
                if response.has_redirect_location:
                    url = self._stay(url.join(response.headers["location"]))
                    continue
                if response.status_code in _TRY_AGAIN:
                    return None, _asked_pause(response), f"status {response.status_code}"
                self._refuse_status(response)
                body = b"" if response.status_code != 200 else self._read(response)
                return Reply(response.status_code, body, response.headers.get("etag", "")), 0.0, ""
        raise self._give_up(f"redirects more than {MAX_REDIRECTS} times")

    def _send(self, url: httpx.URL, etag: str, attempt: int) -> "_Sent":
        address = self._addresses[attempt % len(self._addresses)]
        headers = {"Accept": "application/json", **self._spec.headers, "Host": url.netloc.decode("ascii")}
        if etag:
            headers["If-None-Match"] = etag
        request = self._client.build_request(
            "GET", url.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host}
        )
        request.extensions["timeout"] = httpx.Timeout(self._spec.timeout.total_seconds()).as_dict()
        return _Sent(self._client, request)

    def _read(self, response: httpx.Response) -> bytes:
        begin, body = clock.monotonic_ns(), bytearray()
        limit = SLOWEST * self._spec.timeout.total_seconds()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_REPLY:
                hint = "ask for smaller pages: page = { size = ... }"
                raise HostError(f"{self._name()} sends more than {MAX_REPLY >> 20} MB in one reply.", hint=hint)
            if (clock.monotonic_ns() - begin) / 1e9 > limit:
                raise httpx.ReadTimeout(f"the reply took longer than {limit:g} s")
        return bytes(body)

    def _refuse_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in {200, 304, 404}:
            return
        hint = "check headers of this source: the token" if status in _LOOK_AT_HEADERS else "check url of this source"
        raise HostError(f"{self._name()} answers with status {status}.", hint=hint)

    def _stay(self, target: httpx.URL) -> httpx.URL:
        """Return where a redirect leads to, if that is the same scheme, host and port."""
        if (target.scheme, target.host, target.port) != (self._url.scheme, self._url.host, self._url.port):
            hint = "if that is right, write the new address as url of this source"
            raise HostError(f"{self._name()} redirects to {target.scheme}://{target.host}: not followed.", hint=hint)
        return target

    def _next_pause(self, attempt: int, asked: float, reason: str) -> float:
        if asked > MAX_PAUSE:
            raise self._give_up(f"asks to wait {asked:,.0f} s ({reason})")
        return max(asked, min(MAX_PAUSE, FIRST_PAUSE * float(2**attempt)))

    def _give_up(self, what: str) -> HostError:
        return HostError(f"{self._name()} {what}.", hint="nothing was lost; the next turn tries again")

    def _name(self) -> str:
        return f"{self._where}: {show_url(self._url)}"


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


def _find_addresses(url: httpx.URL, where: str, *, allow_private: bool) -> list[str]:
    try:
        found = socket.getaddrinfo(url.host, url.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HostError(f"{where}: the name {url.host} cannot be resolved.", hint="check url and network") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        hint = "if you mean it: allow_private = true"
        raise ConfigError(f"{where} url: {url.host} is a private, local or special address: refused.", hint=hint)
    return addresses


def is_public(text: str) -> bool:
    """Whether an address belongs to the open Internet, also where an IPv4 address hides in an IPv6 one.

    >>> is_public("93.184.216.34"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    address: IPv4Address | IPv6Address | None = ip_address(text.partition("%")[0])
    while isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is None:
            break
        address = inner
    return address is not None and address.is_global and not address.is_multicast


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
