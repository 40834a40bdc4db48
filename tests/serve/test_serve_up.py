"""`trimtab up`: several workers and a loop, kept up, and ended in good order."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from trimtab import config
from trimtab.errors import Busy, HostError
from trimtab.serve import supervisor
from trimtab.serve.listener import bind, reserve
from trimtab.serve.supervisor import LOOP, PAUSES, run
from trimtab.store import open_lake

LOOP_TABLE = '[loop]\nevery = "1s"\n'
LIGHT = "import sys, trimtab.cli.up; print([name for name in sys.modules if name.startswith(%r)])"
OF_PROCESSES = ("trimtab.loop", "trimtab.serve.worker", "trimtab.serve.app", "fastapi", "uvicorn", "polars", "lightgbm")


@dataclass
class Up:
    """A running `trimtab up` with two workers, and what it has said."""

    folder: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.readers = [
            threading.Thread(target=lambda pipe=pipe, into=into: into.extend(iter(pipe.readline, "")))
            for pipe, into in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self.readers:
            reader.start()
        self.wait_for(lambda: len(self.lines) >= 3, 60)

    @property
    def url(self) -> str:
        return str(re.findall(r"http://[0-9.:]+[0-9]", self.lines[1])[0])

    @property
    def pids(self) -> dict[str, int]:
        return {name: int(pid) for line in self.lines for name, pid in re.findall(r"(\w+) \(process (\d+)\)", line)}

    def wait_for(self, check: Callable[[], bool], seconds: float) -> float:
        begin = time.monotonic()
        while not check():
            assert time.monotonic() < begin + seconds, "".join((*self.lines, *self.errors))
            assert self.process.poll() is None or check(), "".join((*self.lines, *self.errors))
            time.sleep(0.02)
        return time.monotonic() - begin

    def ask(self, worker: str, path: str, body: object = None) -> httpx.Response:
        """Ask on new connections until the wanted worker is the one that answers."""
        for _ in range(200):
            with httpx.Client(base_url=self.url, timeout=20) as client:
                if client.get("/healthz").json()["worker"] == worker:  # the connection stays with this worker
                    return client.get(path) if body is None else client.post(path, json=body)
        raise AssertionError(f"{worker} is never asked")

    def stop(self) -> int:
        self.process.terminate()
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        """Wait until all of its processes have closed their ends of the pipes."""
        for reader, pipe in zip(self.readers, (self.process.stdout, self.process.stderr), strict=True):
            reader.join(timeout=40)
            assert not reader.is_alive()
            assert pipe is not None
            pipe.close()
        return self.process.wait()


def start(folder: Path) -> Up:
    command = [sys.executable, "-m", "trimtab.cli", "up", str(folder), "--port", "0", "--workers", "2"]
    return Up(folder, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))


@pytest.fixture(scope="module")
def up(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up") / "p"
    world.make_project(folder)
    with (folder / "trimtab.toml").open("a") as file:
        file.write(LOOP_TABLE)
    running = start(folder)
    yield running
    running.process.terminate()
    running.wait_for_end()


def test_it_says_what_runs_where_and_refuses_a_second_one(up: Up) -> None:
    assert up.lines[0].startswith(f"churn is up (process {up.process.pid})")
    assert set(up.pids) >= {"w0", "w1", LOOP}
    with pytest.raises(Busy, match=rf"already up \(process {up.process.pid}\)"):
        run(up.folder, print, port=0)
    with pytest.raises(HostError, match="in use"):
        reserve("127.0.0.1", int(up.url.rpartition(":")[2]))


def test_a_prediction_is_found_by_every_worker_in_the_spool_and_in_the_lake(up: Up, good: dict[str, Any]) -> None:
    ids = [up.ask(worker, "/predict", good).json()["prediction_id"] for worker in ("w0", "w1") for _ in range(3)]
    lake = open_lake(config.load(up.folder))
    found = [up.ask(worker, f"/predictions/{one}") for worker in ("w1", "w0") for one in (ids[0], ids[-1])]
    assert [reply.json()["worker"] for reply in found] == ["w0", "w1", "w0", "w1"]
    up.wait_for(lambda: set(ids) <= set(lake.read("predictions").collect()["id"]), 30)
    assert up.ask("w0", f"/predictions/{ids[-1]}").json()["worker"] == "w1"
    kept = lake.read("predictions").collect()["id"].to_list()
    assert len(kept) == len(set(kept))


def test_whichever_is_asked_tells_the_figures_of_all(up: Up, good: dict[str, Any]) -> None:
    for worker in ("w0", "w1"):
        up.ask(worker, "/predict", good)
    time.sleep(1.2)
    for worker in ("w0", "w1"):
        page = up.ask(worker, "/metrics").text
        for one in ("w0", "w1"):
            assert re.search(rf'trimtab_predictions_total{{result="ok",worker="{one}"}} [1-9]', page)
            assert f'trimtab_epoch{{worker="{one}"}} 1.0' in page
        assert page.count("# TYPE trimtab_epoch gauge") == 1


def test_a_dead_and_a_stuck_worker_are_replaced_within_ten_seconds(up: Up, good: dict[str, Any]) -> None:
    before = up.pids
    os.kill(before["w0"], signal.SIGKILL)
    os.kill(before["w1"], signal.SIGSTOP)
    seconds = up.wait_for(lambda: sum("is ready" in line for line in up.lines) == 2, 30)
    assert seconds < 10, "the work of two starts must fit, however busy the machine is"
    assert any(f"w0 (process {before['w0']}) was ended by SIGKILL" in line for line in up.lines)
    assert any(f"w1 (process {before['w1']}) has been silent" in line for line in up.lines)
    assert [up.ask(worker, "/predict", good).json()["logged"] for worker in ("w0", "w1")] == ["durable"] * 2


def test_it_ends_all_of_them_in_good_order(up: Up) -> None:
    assert up.stop() == 0
    assert up.lines[-1] == "churn is down.\n"
    told = [json.loads(line) for line in up.errors]
    assert sorted(one["worker"] for one in told if one["event"] == "stop") == [LOOP, "w0", "w1"]
    assert any(one["event"] == "turn" and one["forwarded"]["predictions"] > 0 for one in told)


def test_workers_end_when_their_supervisor_is_killed(world: Any, tmp_path: Path) -> None:
    world.make_project(tmp_path / "p", promoted=None)
    running = start(tmp_path / "p")
    running.process.kill()
    running.wait_for_end()
    assert sum('"event":"alone"' in line for line in running.errors) == 3


def test_the_supervisor_imports_none_of_what_it_starts() -> None:
    command = [sys.executable, "-c", LIGHT % (OF_PROCESSES,)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_a_process_that_cannot_start_ends_it_all(world: Any, tmp_path: Path) -> None:
    world.make_project(tmp_path / "p", promoted=None)
    (tmp_path / "p/.trimtab").mkdir()
    (tmp_path / "p/.trimtab/spool").write_text("no folder")
    with pytest.raises(HostError, match="w0 does not start: it ended with code 3"):
        run(tmp_path / "p", print, port=0)


def test_pauses_keep_the_promise_of_ten_seconds() -> None:
    assert max(PAUSES) + supervisor.LOOK_SECONDS < 6
    assert supervisor.STUCK_SECONDS < 6


def test_a_port_that_is_kept_can_be_shared_by_nobody_else() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(HostError, match="in use"):
        reserve("127.0.0.1", taken.getsockname()[1])
