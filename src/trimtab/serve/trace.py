"""Whose request it is: an id for people (`X-Request-Id`) and one for tracing tools (W3C Trace Context, `traceparent`).

Both are taken from the request where it brings usable ones, made where it does not, written into every log line about
the request, and sent back.
"""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL)
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16


class Trace(NamedTuple):
    """One request: `trace_id` is the caller's or ours, `span_id` is our part in it, `parent_id` the caller's or ""."""

    request_id: str
    trace_id: str
    span_id: str
    parent_id: str
    flags: str

    def facts(self) -> dict[str, str]:
        """Return what a log line says of it."""
        parent = {"parent_id": self.parent_id} if self.parent_id else {}
        return {"request_id": self.request_id, "trace_id": self.trace_id, "span_id": self.span_id, **parent}

    def headers(self) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """Return the two headers of the reply."""
        parent = f"00-{self.trace_id}-{self.span_id}-{self.flags}"
        return (b"x-request-id", self.request_id.encode()), (b"traceparent", parent.encode())


def read_trace(headers: Iterable[tuple[bytes, bytes]]) -> Trace:
    """Return the Trace of a request's headers, names in lower case; what is not well formed counts as absent.

    >>> given = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    >>> trace = read_trace([(b"traceparent", given), (b"x-request-id", b"order-7")])
    >>> trace.request_id, trace.trace_id, trace.parent_id, trace.flags
    ('order-7', '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', '01')
    """
    given_id, given_parent = b"", b""
    for name, value in headers:
        if name == b"traceparent":
            given_parent = value
        elif name == b"x-request-id":
            given_id = value
    noise = os.urandom(24).hex()
    trace_id, parent_id, flags = (_read_parent(given_parent) if given_parent else None) or (noise[:32], "", "00")
    known = given_id.decode("ascii") if _REQUEST_ID.fullmatch(given_id) else trace_id
    return Trace(known, trace_id, noise[32:], parent_id, flags)


def _read_parent(value: bytes) -> tuple[str, str, str] | None:
    """Return trace id, parent id and flags of a traceparent; later versions may add parts behind them."""
    found = _TRACEPARENT.fullmatch(value)
    if found is None:
        return None
    version, trace_id, parent_id, flags = found.groups()
    longer = len(value) > 55
    if version == b"ff" or (version == b"00" and longer) or trace_id == _NO_TRACE or parent_id == _NO_SPAN:
        return None
    return trace_id.decode(), parent_id.decode(), f"{int(flags, 16) & 1:02x}"
