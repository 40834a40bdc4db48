"""The process: how it starts, whom it refuses, what it must not load, and how it stops."""

import json
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from trimtab import config
from trimtab.errors import Busy, HostError, NotBuiltYet, UsageError
from trimtab.serve.listener import bind, refuse_open_host
from trimtab.serve.worker import run

FORBIDDEN = {
    *("sklearn", "lightgbm", "scipy", "pandas", "deltalake", "duckdb", "altair", "polars", "pyarrow", "alembic"),
    *("optuna", "skl2onnx", "rich", "cyclopts", "hypothesis"),
}

LOOK_INSIDE = """
import json, os, signal, sys, threading, time, urllib.request
from pathlib import Path
from trimtab.serve.worker import run

def look():
    while not ports:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{ports[0]}"
    body = b'{"size": 3, "color": "red"}'
    ask = lambda path, data=None: urllib.request.urlopen(
        urllib.request.Request(url + path, data, {"content-type": "application/json"})).read()
    reply = json.loads(ask("/predict", body))
    for path in ("/predictions/" + reply["prediction_id"], "/model", "/healthz", "/metrics", "/openapi.json", "/docs"):
        ask(path)
    ask("/outcomes", json.dumps({"prediction_id": reply["prediction_id"], "value": "yes"}).encode())
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    print(json.dumps({"modules": sorted(sys.modules), "rss_kb": int(status), "cpu_seconds": used[0]}), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

ports = [int(sys.argv[2])]
used = []
original = sys.stdout.write
def write(text):
    original(text)
    if "ready on" in text:
        used.append(time.process_time())
        threading.Thread(target=look).start()
sys.stdout.write = write
run(Path(sys.argv[1]), port=ports[0])
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_live_worker_is_light_and_quick(world: Any, serving: Any, tmp_path: Any) -> None:
    """After an answer and each page: no training library, at most 150 MB, two seconds of work to start."""
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p", port=free_port(), code=LOOK_INSIDE)
    output, errors = server.process.communicate(timeout=30)
    assert server.process.returncode == 0, errors
    inside = json.loads(output)
    loaded = {name.partition(".")[0] for name in inside["modules"]}
    assert loaded.isdisjoint(FORBIDDEN)
    assert "trimtab.store.lake" not in inside["modules"]
    assert inside["rss_kb"] < 150_000
    assert inside["cpu_seconds"] < 2, "the work of a start must fit into two seconds, however busy the machine is"


def test_a_second_worker_on_the_folder_is_refused(server: Any) -> None:
    with pytest.raises(Busy, match=f"already served by process {server.process.pid}"):
        run(server.folder, port=0)


def test_a_port_in_use_is_named(world: Any, tmp_path: Any) -> None:
    world.make_project(tmp_path / "p", promoted=None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HostError, match=rf"Port {port} .* in use[\s\S]*--port"):
            run(tmp_path / "p", port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])  # noqa: S104 - refused is the point
def test_an_open_address_is_refused(host: str) -> None:
    with pytest.raises(NotBuiltYet, match=r"bind 127\.0\.0\.1"):
        refuse_open_host(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_this_machines_own_addresses_are_fine(host: str) -> None:
    refuse_open_host(host)
    bind(host, 0).close()


def test_no_port_at_all(world: Any) -> None:
    with pytest.raises(UsageError, match="70000"):
        bind("127.0.0.1", 70_000)


def test_port_and_host_come_from_the_folder(world: Any, tmp_path: Any) -> None:
    project = world.make_project(tmp_path / "p", serve='host = "0.0.0.0"', promoted=None)
    assert project.serve.host == config.load(tmp_path / "p").serve.host
    with pytest.raises(NotBuiltYet):
        run(tmp_path / "p")


def test_a_stop_lets_accepted_work_finish(world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """Readiness turns to 503 at once, a body that is still arriving is answered, then the process ends with 0.

    Its events are its start and its stop, and no value that a client sent.
    """
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    server.ask({**good, "customer": "canary-1", "size": "canary-2", "canary-3": 1})
    server.ask('{"size":"canary-4')
    asked, body = threading.Event(), json.dumps(good).encode()

    def slowly() -> Iterator[bytes]:
        yield body[:10]
        asked.set()
        threading.Event().wait(0.8)
        yield body[10:]

    replies: list[httpx.Response] = []
    slow = threading.Thread(target=lambda: replies.append(httpx.post(f"{server.url}/predict", content=slowly())))
    slow.start()
    asked.wait()
    server.process.send_signal(signal.SIGTERM)
    server.wait_for(lambda: server.client.get("/readyz").status_code == 503, seconds=0.4)
    _, errors = server.process.communicate(timeout=30)
    slow.join()
    assert replies[0].json()["logged"] == "durable"
    assert server.process.returncode == 0
    assert [json.loads(line)["event"] for line in errors.splitlines()] == ["start", "request", "request", "stop"]
    assert "canary" not in errors
    assert not list((tmp_path / "p/.trimtab/spool/w0").glob("*.open"))


def test_a_full_queue_says_when_to_come_back(tight: Any, good: dict[str, Any]) -> None:
    """Health routes have their own lane."""
    statuses: list[tuple[int, bool]] = []

    def load() -> None:
        with httpx.Client(base_url=tight.url) as client:
            for _ in range(20):
                if len(set(statuses)) == 2:
                    return
                reply = client.post("/predict", json={"rows": [good] * 50})
                statuses.append((reply.status_code, "retry-after" in reply.headers))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert tight.client.get("/livez").status_code == 200
    for thread in threads:
        thread.join()
    assert set(statuses) == {(200, False), (429, True)}
