"""kill -9 under load: what was acknowledged is in the spool. A control acknowledges too early, and loses some."""

import random
import threading
import time
from typing import Any

import httpx

from trimtab.store.spool import segments

KILLS = 3

HASTY = """
import sys, threading
from concurrent.futures import Future
from pathlib import Path
from trimtab.serve import worker
from trimtab.store.spool import Spool

class HastySpool(Spool):
    '''Says durable at once and commits a little later.'''
    def put(self, records):
        done = Future()
        done.set_result(None)
        threading.Timer(0.05, super().put, [records]).start()
        return done

worker.Spool = HastySpool
worker.run(Path(sys.argv[1]), port=0)
"""


def load_and_kill(server: Any, good: dict[str, Any], seconds: float) -> list[str]:
    """Ask from two threads, kill the worker at some moment, and return the ids that were acknowledged."""
    acknowledged: list[str] = []

    def load() -> None:
        with httpx.Client(base_url=server.url, timeout=5) as client:
            try:
                while True:
                    reply = client.post("/predict", json={"rows": [good] * 3}).json()
                    assert reply["logged"] == "durable"
                    acknowledged.extend(one["prediction_id"] for one in reply["results"])
            except httpx.TransportError:
                return

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    while not acknowledged:
        assert any(thread.is_alive() for thread in threads), "nobody was answered"
        time.sleep(0.01)
    time.sleep(seconds)
    server.process.kill()
    server.process.wait()  # a dying process still holds its lock, and what it wrote is not sealed
    for thread in threads:
        thread.join()
    return acknowledged


def kept_ids(folder: Any) -> list[str]:
    return [identifier for segment in segments(folder / ".trimtab/spool") for _, identifier, _ in segment.records()]


def test_no_acknowledged_prediction_is_lost(world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """Three kills on one folder (twenty in tests/faults); each new worker starts on what the killed one left behind."""
    world.make_project(tmp_path / "p")
    moments = random.Random(7)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        acknowledged += load_and_kill(serving(tmp_path / "p"), good, moments.uniform(0, 0.15))
    kept = kept_ids(tmp_path / "p")
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))


def test_acknowledging_before_the_commit_loses_some(
    world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    """The control: without it the test above might pass for any server."""
    lost = 0
    for number in range(3):
        folder = tmp_path / f"p{number}"
        world.make_project(folder)
        lost += len(set(load_and_kill(serving(folder, code=HASTY), good, 0.05)) - set(kept_ids(folder)))
        if lost:
            break
    assert lost > 0
