"""The real server in a child process, and a small client for it."""

import http.client
import json
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit

from trimtab import clock
from trimtab.errors import HostError

PATIENCE = 30.0
"""Seconds that the server may take to say that it is ready, or to stop. It needs two on a quiet machine."""


@dataclass
class Server:
    """`trimtab serve DIR` on a free port, until the end of the `with`, or of this process (see trimtab/leash.py).

    `log` is the file that gets the server's own words; `microseconds` holds how long each row asked alone took.
    """

    folder: Path
    log: Path
    process: subprocess.Popen[str] | None = None
    leash: subprocess.Popen[str] | None = None
    client: http.client.HTTPConnection | None = None
    microseconds: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self if self.client else self.start()

    def start(self) -> Self:
        """Start the server and wait until it is ready; `with` does it where nobody did."""
        command = [sys.executable, "-m", "trimtab.cli", "serve", str(self.folder), "--port", "0"]
        with self.log.open("w", encoding="utf-8") as log:
            self.process = start_apart(command, stdout=subprocess.PIPE, stderr=log)
        leash = [sys.executable, "-m", "trimtab.leash", str(self.process.pid)]
        self.leash = start_apart(leash, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        address = urlsplit(self._wait_ready())
        self.client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        self._stop()

    def predict(self, rows: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
        """Return the replies to rows, in order: one row alone as a flat object, several in an envelope."""
        if len(rows) > 1:
            reply = self.post("/predict", {"rows": rows})[1]
            return list(reply.get("results") or [reply] * len(rows))
        started = clock.monotonic_ns()
        reply = self.post("/predict", rows[0])[1]
        self.microseconds.append((clock.monotonic_ns() - started) // 1000)
        return [reply]

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Return status and reply of a request."""
        return self.post_text(path, json.dumps(body))

    def post_text(self, path: str, text: str) -> tuple[int, dict[str, Any]]:
        """Return status and reply of a body that may be no JSON."""
        status, reply = self._ask("POST", path, text, {"Content-Type": "application/json"})
        return status, json.loads(reply)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        status, reply = self._ask("GET", path, "", {})
        return status, reply.decode()

    def wait_epoch(self, epoch: int) -> bool:
        """Wait until the server answers with an epoch; False where it still does not after some seconds.

        The connection is new before and closed after: what comes between two months outlasts a server's patience.
        """
        followed = False
        self.hang_up()
        for _ in range(100):
            followed = json.loads(self._ask("GET", "/model", "", {})[1]).get("epoch") == epoch
            if followed:
                break
            clock.sleep(0.1)
        self.hang_up()
        return followed

    def _stop(self) -> None:
        """End the leash, then the server: in this order the leash can never mean another process."""
        if self.leash is not None:
            self.leash.kill()
            self.leash.communicate()
        stop(self.process)

    def hang_up(self) -> None:
        """Close the connection; the next request opens another."""
        if self.client is not None:
            self.client.close()

    def _ask(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self.client is None:
            raise HostError("The server is not running.")
        try:
            self.client.request(method, path, body.encode(), dict(headers))
            answer = self.client.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise HostError(
                f"The server stopped answering: {error}.", hint=f"its own words are in {self.log}"
            ) from error

    def _wait_ready(self) -> str:
        if self.process is None or self.process.stdout is None:
            raise HostError("The server was not started.")
        line = read_line(self.process.stdout, PATIENCE)
        address = next((word for word in line.split() if word.startswith("http://")), "")
        if not address:
            self._stop()
            words = self.log.read_text(encoding="utf-8").strip()[-500:]
            raise HostError(f"The server did not become ready within {PATIENCE:.0f} s: {line or words}")
        return address


def start_apart(command: Sequence[str], **streams: int | IO[str]) -> subprocess.Popen[str]:
    """Start a process that Ctrl-C does not reach: it is for this one, which then ends its children in their order."""
    return subprocess.Popen(command, text=True, start_new_session=True, **streams)  # type: ignore[call-overload,no-any-return]  # streams as Popen takes them


def read_line(stream: IO[str], seconds: float) -> str:
    """Return the next line of a child's output, or an empty text after so many seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline().strip() if selector.select(seconds) else ""


def stop(process: subprocess.Popen[str] | None) -> None:
    """Ask a process to finish its work and end; end it where it does not."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
