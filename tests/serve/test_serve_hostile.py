"""Hostile requests against a real worker: an answer of the ladder, nothing echoed, and a connection that goes on."""

import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.hostile import CANARY, HOSTILE, Hostile, ask, drip, write_page

PAGE = Path(__file__).parents[2] / "docs" / "hostile.md"
NAMED = {one.name: one for one in HOSTILE}


@pytest.mark.parametrize("one", HOSTILE, ids=lambda one: one.name)
def test_every_hostile_request_is_answered_and_nothing_is_echoed(server: Any, one: Hostile) -> None:
    reply = ask(server.client, one)
    assert reply.status_code == one.status
    assert reply.headers["content-type"] == "application/json" if one.status == 200 else "application/problem+json"
    assert CANARY not in reply.text
    assert "<script>" not in reply.text
    assert len(reply.content) < 4_000


def test_the_page_tells_what_is_answered(server: Any, tight: Any) -> None:
    """docs/hostile.md is what `make bench-hostile` would write now."""
    assert PAGE.read_text(encoding="utf-8") == write_page(server.url, tight.url)


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
    for name in ("a body that is cut", "a key twice", "`1e400`", "20,000 open brackets", "2 MB", "20 MB", "nothing"):
        assert post(line, NAMED[name].body) == NAMED[name].status
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
    begin = time.monotonic()
    assert drip(tight.url).startswith(b"HTTP/1.1 408")
    assert 0.2 < time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=UTF-8"}, 422),
        ({"content-type": "application/ld+json"}, 422),
        ({}, 422),
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
