"""Upstreams of the tests' own: an HTTP server that answers as a test says, and a PostgreSQL server.

The PostgreSQL server begins when the first test asks for it, serves the whole session, and is gone at its end.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from tests.ingest.apis import Api

from trimtab.ingest import fetching

NAME = "postgres"
HINT = "there is no PostgreSQL server here: apt-get install --no-install-recommends postgresql"


@dataclass
class Postgres:
    """The server's address. `schema()` gives an empty schema of a test's own, as the URL that looks at it."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def schema(self) -> str:
        name = f"test_{next(self._numbers)}"
        self.run("", f"create schema {name}")
        return f"postgresql+psycopg://{NAME}@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{name}"

    def run(self, url: str, *statements: str, role: str = NAME) -> None:
        """Run statements where a URL looks at."""
        with self.connect(url, role) as connection:
            for statement in statements:
                connection.execute(statement)

    def connect(self, url: str, role: str = NAME) -> psycopg.Connection:
        options = url.partition("options=")[2].replace("%3D", "=")
        return psycopg.connect(host="127.0.0.1", port=self.port, user=role, dbname="postgres", options=options)


def _find_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    here = shutil.which("initdb")
    return found[-1].parent if found else Path(here).parent if here else None


def _as_server_user(folder: Path) -> list[str]:
    """Return what stands before a command: the server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(NAME)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["runuser", "-u", NAME, "--"]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    binaries = _find_binaries()
    if binaries is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HINT)
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    user, data, port = _as_server_user(folder), str(folder / "data"), _free_port()
    initial = [*user, str(binaries / "initdb"), "-D", data, "-U", NAME, "-A", "trust", "--no-sync", "-E", "UTF8"]
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c timezone=America/New_York"
    control = [*user, str(binaries / "pg_ctl"), "-D", data, "-w"]
    try:
        subprocess.run([*initial, "--locale=C.UTF-8"], check=True, capture_output=True, cwd="/")
        subprocess.run(
            [*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, capture_output=True, cwd="/"
        )
        yield Postgres(port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Give a server on loopback; what fails is asked for again at once."""
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            target = urlsplit(self.path)
            api.asked.append((self.path, dict(self.headers)))
            query = {name: values[-1] for name, values in parse_qs(target.query).items()}
            status, headers, body = api.answer(query, dict(self.headers))
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    api.port = server.server_address[1]
    yield api
    server.shutdown()
    thread.join()
    server.server_close()
