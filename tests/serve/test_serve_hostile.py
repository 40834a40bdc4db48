"""Hostile requests against a real worker: an answer of the ladder, nothing echoed, and a connection that goes on."""

import http.client
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

CANARY = "canary-4111"
MEGABYTE = 1_000_000

BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "blank": (b" \n", 400),
    "null": (b"null", 422),
    "text": (f'"{CANARY}"'.encode(), 422),
    "list": (b"[]", 422),
    "cut": (f'{{"size":"{CANARY}'.encode(), 400),
    "not utf-8": (b'{"size":"\xff\xfe"}', 400),
    "utf-16": ('{"size":1}'.encode("utf-16"), 400),
    "byte order mark": (b'\xef\xbb\xbf{"size":1}', 400),
    "nul": (b'{"size":"\x00"}', 400),
    "NaN": (b'{"size":NaN}', 422),
    "infinity": (b'{"size":-Infinity}', 422),
    "overflow": (b'{"size":1e400}', 422),
    "5,000 digits": (b'{"size":' + b"9" * 5000 + b"}", 422),
    "half a surrogate": (b'{"size":"\\ud800"}', 422),
    "half a surrogate in an unknown field": (b'{"size":1,"color":"red","customer":"c","x":"\\ud800"}', 200),
    "half a surrogate in a key": (b'{"\\ud800":1}', 400),
    "twice": (f'{{"size":1,"size":"{CANARY}"}}'.encode(), 400),
    "twice, escaped": (b'{"size":1,"\\u0073ize":2}', 400),
    "20,000 levels": (b"[" * 20_000, 400),
    "20,000 objects": (b'{"a":' * 20_000, 400),
    "70 levels in an unknown field": (b'{"size":1,"x":' + b"[" * 70 + b"]" * 70 + b"}", 400),
    "10,000 unknown fields": (
        b'{"size":1,"color":"red",' + b",".join(b'"f%d":1' % n for n in range(10_000)) + b"}",
        200,
    ),
    "a long unknown name": (b'{"size":null,"' + b"x" * 100_000 + b'":1}', 422),
    "naughty names": (b'{"size":null,"<script>alert(1)</script>\\u0000\\u202e":1}', 422),
    "null id": (b'{"rows":[{}],"ids":[{}]}', 422),
    "1,001 rows": (b'{"rows":[' + b",".join([b"{}"] * 1001) + b"]}", 413),
    "a megabyte of quotes": (b'{"size":"' + b'\\"' * 499_000, 400),
    "2 MB": (b'{"size":"' + b"x" * (2 * MEGABYTE) + b'"}', 413),
    "20 MB": (b'{"size":"' + b"x" * (20 * MEGABYTE) + b'"}', 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_hostile_body_is_answered_and_nothing_is_echoed(server: Any, name: str) -> None:
    body, status = BODIES[name]
    reply = server.ask(body, "/predict?atomic=true" if name == "null id" else "/predict")
    assert reply.status_code == status
    assert CANARY not in reply.text
    assert "<script>" not in reply.text
    assert len(reply.content) < 4_000


@pytest.fixture
def line(server: Any) -> Iterator[http.client.HTTPConnection]:
    """One connection that is never opened anew: `auto_open` would hide a closed one."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.connect()
    connection.auto_open = 0
    yield connection
    connection.close()


def post(line: http.client.HTTPConnection, body: bytes, **headers: str) -> int:
    line.request("POST", "/predict", body, {"content-type": "application/json", **headers})
    response = line.getresponse()
    response.read()
    return response.status


def test_the_connection_stays_usable_after_each_refusal(line: http.client.HTTPConnection) -> None:
    for name in ("cut", "twice", "overflow", "20,000 levels", "2 MB", "20 MB", "1,001 rows", "empty"):
        body, status = BODIES[name]
        assert post(line, body) == status
    assert post(line, b"{}", **{"content-type": "text/plain"}) == 415
    assert post(line, b'{"size":1,"color":"red"}') == 200


def test_a_client_that_asks_before_sending_too_much_is_stopped(server: Any) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            b"content-type: application/json\r\ncontent-length: 90000000\r\n\r\n"
        )
        assert raw.recv(64).startswith(b"HTTP/1.1 413")


def test_a_body_that_drips_is_cut_off(tight: Any) -> None:
    """408, and the connection is closed: a client that drips may not hold it for ever."""
    host, port = tight.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
        )
        begin = time.monotonic()
        reply = b"".join(iter(lambda: raw.recv(4096), b""))
    assert reply.startswith(b"HTTP/1.1 408")
    assert 0.2 < time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=UTF-8"}, 422),
        ({"content-type": "application/ld+json"}, 422),
        ({}, 422),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_media_types_and_foreign_pages(server: Any, headers: dict[str, str], status: int) -> None:
    """A body without a type is taken for JSON; a wrong one, or another site's page, is refused."""
    assert httpx.post(f"{server.url}/predict", content=b"{}", headers=headers).status_code == status


@pytest.mark.parametrize(
    "identifier", ["x", "../../etc/passwd", "%2e%2e%2f", "0" * 5000, "019a4f0e-0000-4000-8000-000000000000", "%00"]
)
def test_odd_ids_are_not_found(server: Any, identifier: str) -> None:
    reply = server.client.get(f"/predictions/{identifier}")
    assert reply.status_code == 404
    assert reply.json()["code"] == "not_found"


def test_no_hostile_request_was_a_bug(server: Any) -> None:
    """Runs last in this file: the worker counted no 500 for any of them."""
    assert 'code="500"' not in server.client.get("/metrics").text
