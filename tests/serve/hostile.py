"""Hostile requests in words, and the page `docs/hostile.md` that tells what a worker answers to each."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

CANARY = "canary-4111"
MEGABYTE = 1_000_000
LINE = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

HEAD = """# Hostile requests and what they get

Made by `make bench-hostile`, which sends each of these to a worker of its own; `tests/serve/test_serve_hostile.py`
sends them again and compares this page. The row's fields: `size` is a required number from 0 to 1000, `color` is `red`
or `blue` and nothing else, `age` an integer, `Größe (cm)` a number that may come as text. Every refusal is
`application/problem+json`; none echoes a value that was sent, and none is a 5xx.

| sent | status | code | fields named, or warnings | connection |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request: what it is in words, its body, and the status that it must get."""

    name: str
    body: bytes
    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def _row(text: str, status: int, name: str) -> Hostile:
    return Hostile(name, text.encode(), status)


HOSTILE: tuple[Hostile, ...] = (
    Hostile("nothing", b"", 400),
    Hostile("a blank", b" \n", 400),
    _row("null", 422, "`null`"),
    _row(f'"{CANARY}"', 422, "a text"),
    _row("[]", 422, "a list"),
    _row(f'{{"size":"{CANARY}', 400, "a body that is cut"),
    Hostile("invalid UTF-8", b'{"size":"\xff\xfe"}', 400),
    Hostile("UTF-16", '{"size":1}'.encode("utf-16"), 400),
    Hostile("a byte order mark", b'\xef\xbb\xbf{"size":1}', 400),
    Hostile("a NUL in a text", b'{"size":"\x00"}', 400),
    _row('{"size":NaN,"color":"green"}', 422, "`NaN`, and a colour that is none"),
    _row('{"size":-Infinity}', 422, "`-Infinity`"),
    _row('{"size":1e400}', 422, "`1e400`"),
    _row('{"size":' + "9" * 5000 + "}", 422, "an integer of 5,000 digits"),
    _row('{"size":1,"color":"red","age":' + "9" * 5000 + "}", 422, "the same for an integer field"),
    _row('{"size":true}', 422, "`true` for a number"),
    _row('{"size":"12"}', 422, "a number as text where that is not agreed"),
    _row('{"size":1,"color":"red","Größe (cm)":"181.5"}', 200, "a number as text where it is"),
    _row('{"size":"x","age":true,"color":"green"}', 422, "three bad fields"),
    _row('{"size":"\\ud800"}', 422, "half a surrogate pair"),
    _row('{"size":1,"color":"red","x":"\\ud800"}', 200, "half a surrogate pair in an unknown field"),
    _row('{"\\ud800":1}', 400, "half a surrogate pair in a key"),
    _row(f'{{"size":1,"size":"{CANARY}"}}', 400, "a key twice"),
    _row('{"size":1,"\\u0073ize":2}', 400, "a key twice, once escaped"),
    Hostile("20,000 open brackets", b"[" * 20_000, 400),
    Hostile("20,000 objects in each other", b'{"a":' * 20_000, 400),
    Hostile("70 levels in an unknown field", b'{"size":1,"x":' + b"[" * 70 + b"]" * 70 + b"}", 400),
    Hostile(
        "10,000 unknown fields",
        b'{"size":1,"color":"red",' + b",".join(b'"f%d":1' % number for number in range(10_000)) + b"}",
        200,
    ),
    _row('{"size":null,"' + "x" * 100_000 + '":1}', 422, "an unknown name of 100,000 letters"),
    _row('{"size":null,"<script>alert(1)</script>\\u0000\\u202e":1}', 422, "an unknown name that is a script"),
    _row('{"size":1,"color":"red","<script>alert(1)</script>":1}', 200, "the same beside good fields"),
    _row('{"rows":[{}],"ids":[{}]}', 422, "an id that is an object"),
    Hostile("1,001 rows", b'{"rows":[' + b",".join([b"{}"] * 1001) + b"]}", 413),
    Hostile("half a megabyte of quotes", b'{"size":"' + b'\\"' * 499_000, 400),
    Hostile("2 MB", b'{"size":"' + b"x" * (2 * MEGABYTE) + b'"}', 413),
    Hostile("20 MB", b'{"size":"' + b"x" * (20 * MEGABYTE) + b'"}', 413),
    Hostile("`text/plain`", b"{}", 415, {"content-type": "text/plain"}),
    Hostile("a form", b"size=1", 415, {"content-type": "application/x-www-form-urlencoded"}),
    Hostile("JSON in Latin-1", b"{}", 415, {"content-type": "application/json; charset=latin-1"}),
    Hostile("a body that is gzipped", b"{}", 415, {"content-encoding": "gzip"}),
    Hostile("a page of another site", b"{}", 403, {"origin": "https://evil.example"}),
)


def ask(client: httpx.Client, one: Hostile) -> httpx.Response:
    """Return a worker's answer to a hostile request."""
    return client.post("/predict", content=one.body, headers=dict(one.headers))


def drip(url: str) -> bytes:
    """Return all that a worker says to a body that does not come, until it closes the connection."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(LINE + b"content-length: 9\r\n\r\n{")
        return b"".join(iter(lambda: raw.recv(4096), b""))


def write_page(patient: str, hurried: str) -> str:
    """Return the page for a worker at the address `patient`; the one at `hurried` waits a moment only for a body."""
    with httpx.Client(base_url=patient, timeout=30) as client:
        lines = [_line(one.name, ask(client, one)) for one in HOSTILE]
    head, _, body = drip(hurried).partition(b"\r\n\r\n")
    slow = httpx.Response(int(head.split()[1]), content=body, headers={"connection": "close"})
    return HEAD + "\n".join([*lines, _line("a body that does not come in time", slow)]) + "\n"


def _line(name: str, reply: httpx.Response) -> str:
    document: dict[str, Any] = reply.json()
    named = [f"`{bad['field'] or '(the row)'}` {bad['code']}" for bad in document.get("errors", [])]
    named += [f"`{warning}`" for warning in document.get("warnings", [])]
    more = f", and {len(named) - 4} more" if len(named) > 4 else ""
    kept = "is closed" if reply.headers.get("connection") == "close" else "goes on"
    return f"| {name} | {reply.status_code} | {document.get('code', '')} | {', '.join(named[:4])}{more} | {kept} |"
