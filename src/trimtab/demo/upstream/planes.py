"""The register of planes as a small HTTP API: `GET /planes?page=1&size=500`, on loopback, at any free port.

200  {"items": [{"tailnum": "N10156", ...}], "page": 1, "pages": 7}   with ETag; a page behind the last one is empty
304  where If-None-Match holds the ETag
400  for a page or size that is none; 404 for another path        {"error": "..."}
"""

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit

from trimtab.errors import HostError

MOST = 1000
"""Items of a page at most."""
USUAL = 100
"""Items of a page where the request does not say."""

Item = Mapping[str, Any]


class PlanesApi:
    """The API over a list of planes, answering from `start` to `stop` in threads of this process."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the planes are. Raises HostError before `start`."""
        if self._server is None:
            raise HostError("the API of planes is not running.", hint="start the world first")
        return f"http://127.0.0.1:{self._server.server_address[1]}/planes"

    def start(self) -> None:
        """Listen. Raises HostError where no port can be had."""
        items = self._items

        class Handler(_Handler):
            planes = items

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        except OSError as error:
            raise HostError(f"the API of planes cannot listen on 127.0.0.1: {error}.") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="planes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and wait for the thread."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    planes: Sequence[Item] = ()
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        try:
            status, content = HTTPStatus.OK, _page(self.planes, target.path, target.query)
        except LookupError as error:
            status, content = HTTPStatus.NOT_FOUND, {"error": str(error.args[0])}
        except ValueError as error:
            status, content = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        self._reply(status, json.dumps(content, separators=(",", ":")).encode())

    def _reply(self, status: HTTPStatus, body: bytes) -> None:
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == HTTPStatus.OK and self.headers.get("If-None-Match") == etag:
            status, body = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            self.send_header("ETag", etag)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing: the demonstration tells its own story."""


def _page(items: Sequence[Item], path: str, query: str) -> dict[str, Any]:
    if path != "/planes":
        raise LookupError("there is only /planes")
    asked = parse_qs(query)
    number = _count(asked, "page", 1, None)
    size = _count(asked, "size", USUAL, MOST)
    start = (number - 1) * size
    return {"items": items[start : start + size], "page": number, "pages": ceil(len(items) / size)}


def _count(asked: Mapping[str, Sequence[str]], name: str, default: int, most: int | None) -> int:
    text = asked.get(name, [str(default)])[-1]
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not 1 <= int(text) <= (most or int(text)):
        raise ValueError(f"{name} is a whole number from 1" + (f" to {most}" if most else ""))
    return int(text)
