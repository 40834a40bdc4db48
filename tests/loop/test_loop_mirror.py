"""A mirror that cannot be reached never stands in the way of a training; tests/world has it reach a real server."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec

import pytest
from tests.loop.conftest import SETTINGS, say_nothing

from trimtab.errors import ConfigError
from trimtab.loop.cycle import train
from trimtab.loop.doctor import examine
from trimtab.loop.mirror import mirror
from trimtab.loop.state import Wheel, open_wheel
from trimtab.nouns import State
from trimtab.store.mirror import PATIENCE


class EmptyServer(BaseHTTPRequestHandler):
    """Answers every question with nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        yield deaf.getsockname()[1]


def mirrored(make_wheel: Callable[..., Wheel], port: int) -> Wheel:
    return make_wheel(400, 400, f'{SETTINGS}[tracking]\nmlflow = "http://127.0.0.1:{port}"\n')


def test_without_a_server_nothing_is_said(make_wheel: Callable[..., Wheel]) -> None:
    assert train(make_wheel(400, 400), tell=say_nothing).mirrored == ""


def test_a_deaf_server_costs_a_training_seconds_and_a_sentence(
    make_wheel: Callable[..., Wheel], deaf_port: int
) -> None:
    wheel = mirrored(make_wheel, deaf_port)
    done = train(wheel, tell=say_nothing)
    assert done.promoted
    trials = len(wheel.catalog.trials.list())
    assert done.mirrored.startswith(f"MLflow was not told of {trials + 1} runs; the next turn tries again.")
    start = time.perf_counter()
    assert "does not answer" in mirror(wheel)
    assert time.perf_counter() - start < PATIENCE + 2
    judged = {one.name: one for one in examine(wheel.project.folder)}
    assert judged["mlflow"].state is State.FAIL


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="the extra is installed")
def test_a_missing_extra_is_named(make_wheel: Callable[..., Wheel]) -> None:
    with HTTPServer(("127.0.0.1", 0), EmptyServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = train(mirrored(make_wheel, server.server_port), tell=say_nothing).mirrored
        server.shutdown()
    assert told.endswith("MLflow's client is not installed. Next: pip install 'trimtab[mlflow]'")


def test_an_address_that_is_none_is_refused(make_wheel: Callable[..., Wheel]) -> None:
    folder = make_wheel(400, 400).project.folder
    with (folder / "trimtab.toml").open("a", encoding="utf-8") as file:
        file.write('[tracking]\nmlflow = "mlruns"\n')
    with pytest.raises(ConfigError, match="mistake") as caught:
        open_wheel(folder)
    assert caught.value.mistakes[0].where == "tracking.mlflow"
