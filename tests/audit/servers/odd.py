"""Little servers, each named by how it misbehaves; over plain sockets, so that they can lie about anything."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[str, str, bytes, socket.socket], None]
"""What a server does with one request: its method, path, body, and the connection to answer on."""

BOMB = gzip.compress(bytes(8 << 20))
GOOD = {
    "openapi": "3.1.0",
    "info": {"title": "odd", "version": "1"},
    "paths": {
        "/predict": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {"size": {"type": "number"}, "kind": {"type": "string"}},
                            }
                        }
                    }
                },
                "responses": {"200": {"description": "an answer"}},
            }
        }
    },
}


def answer(
    connection: socket.socket, status: int, body: bytes = b"", kind: str = "application/json", extra: str = ""
) -> None:
    """Send a plain answer."""
    head = f"HTTP/1.1 {status} Odd\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
    head += f"connection: close\r\n{extra}\r\n"
    connection.sendall(head.encode() + body)


def answer_json(connection: socket.socket, status: int, value: object) -> None:
    """Send a value."""
    answer(connection, status, json.dumps(value).encode())


@contextmanager
def serve(talk: Talk) -> Iterator[str]:
    """Give the URL of a server that talks like this."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.settimeout(0.1)
    done = threading.Event()

    def work(connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError, RecursionError):
            connection.settimeout(5)
            talk(*_read(connection), connection)

    def accept() -> None:
        while not done.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=work, args=(listener.accept()[0],), daemon=True).start()
        listener.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()


def _read(connection: socket.socket) -> tuple[str, str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("nobody speaks")
        data += piece
        if data.startswith(b"\x16"):  # a client that wants TLS
            answer(connection, 400)
            raise ValueError("no HTTP")
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    method, path, _ = lines[0].split(" ")
    return method, path, body


def plain(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave: a document, and predictions."""
    if path == "/openapi.json":
        answer_json(connection, 200, GOOD)
    elif path == "/predict" and method == "POST":
        try:
            value = json.loads(body)
            answer_json(connection, 200, {"prediction": value["size"] > 1, "probability": 0.5})
        except (ValueError, KeyError, TypeError):
            answer_json(connection, 422, {"detail": "size is wrong"})
    else:
        answer_json(connection, 404, {"detail": "not found"})


def web_page(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Answer everything with a page."""
    answer(connection, 200, b"<!doctype html><title>Hello</title>", "text/html")


def mute(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Take a request and say nothing."""
    time.sleep(4)


def hanging_up(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Close without a word."""


def dripping(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Send a head one byte at a time, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def endless(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave for the document; answer predictions with a body that never ends."""
    if path != "/predict":
        plain(method, path, body, connection)
        return
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    while True:
        connection.sendall(b"1," * 65536)


def circling(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Redirect every request to another path."""
    answer(connection, 307, b"", extra=f"location: {path}x\r\n")


def leading_away(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Redirect every request to another host."""
    answer(connection, 307, b"", extra="location: http://192.0.2.1/openapi.json\r\n")


def promising_more(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave for the document; promise more bytes than come."""
    if path != "/predict":
        plain(method, path, body, connection)
        return
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n{"prediction": 1}')


def sending_more(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave for the document; send more bytes than were promised."""
    if path != "/predict":
        plain(method, path, body, connection)
        return
    connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{"prediction": 1}GARBAGE GARBAGE\r\n\r\n')


def locked(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Ask for a key, except for the document."""
    if path == "/openapi.json":
        plain(method, path, body, connection)
    else:
        answer_json(connection, 401, {"detail": "who are you?"})


def locked_up(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Ask for a key, whatever is wanted."""
    answer_json(connection, 401, {"detail": "who are you?"})


def no_http(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Speak something else."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


def zip_bomb(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave for the document; answer predictions with more zeros than anybody reads."""
    if path != "/predict":
        plain(method, path, body, connection)
        return
    answer(connection, 200, BOMB, extra="content-encoding: gzip\r\n")


def document_of(text: bytes) -> Talk:
    """Return a server whose document is this text."""

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/openapi.json":
            answer(connection, 200, text)
        else:
            plain(method, path, body, connection)

    return talk


def dying_after(requests: int) -> Talk:
    """Return a server that behaves for so many requests, and then hangs up on everybody."""
    left = [requests]

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        left[0] -= 1
        if left[0] >= 0:
            plain(method, path, body, connection)

    return talk


def moved(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Behave, but send predictions on to the same path with a slash."""
    if path == "/predict":
        answer(connection, 307, extra="location: /predict/\r\n")
    else:
        plain(method, path.rstrip("/"), body, connection)


def counting(talk: Talk) -> tuple[Talk, list[str]]:
    """Return a server that talks like another one, and the list of what it was asked."""
    seen: list[str] = []

    def count(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        seen.append(f"{method} {path}")
        talk(method, path, body, connection)

    return count, seen


def throttling_after(requests: int) -> tuple[Talk, list[str]]:
    """Return a server that behaves for so many requests and then answers 429, and the list of what it did not take."""
    left, refused = [requests], list[str]()

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        left[0] -= 1
        if left[0] >= 0:
            plain(method, path, body, connection)
        else:
            refused.append(f"{method} {path}")
            answer(connection, 429, b"{}", extra="retry-after: 0\r\n")

    return talk, refused
