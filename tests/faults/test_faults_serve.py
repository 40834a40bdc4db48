"""A serving worker that is killed, whose Versions change, whose disk is full: no answer lost, no request failed.

The short forms, with their negative controls, are in tests/serve.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from trimtab.errors import TrimtabError
from trimtab.store import open_catalog
from trimtab.train.artefact import open_version

pytestmark = pytest.mark.faults

Times = Callable[[int], int]
Tell = Callable[[str, int, int], None]


def test_two_hundred_kills_under_load_lose_nothing(small: Any, tmp_path: Path, times: Times, tell: Tell) -> None:
    small.make_project(tmp_path / "p")
    moments, kills = random.Random(11), times(200)
    acknowledged: list[str] = []
    for _ in range(kills):
        server = small.launch(tmp_path / "p")
        acknowledged += small.load_and_kill(server, small.row, moments.uniform(0, 0.4))
        server.stop(signal.SIGKILL)
    kept = small.kept_ids(tmp_path / "p")
    lost, repeated = len(set(acknowledged) - set(kept)), len(kept) - len(set(kept))
    tell(f"kills under load ({len(acknowledged):,} acknowledged)", kills, lost + repeated)
    assert len(set(acknowledged)) == len(acknowledged) > kills
    assert (lost, repeated) == (0, 0)


def test_a_hundred_promotions_under_load_fail_no_request(small: Any, tmp_path: Path, times: Times, tell: Tell) -> None:
    """Two workers; each promotion, forth and back, is answered for by both within two seconds.

    As in the wheel, a Version is kept before it is promoted.
    """
    project = small.make_project(tmp_path / "p")
    small.world.keep(project, "second")
    with closing(open_catalog(project)) as catalog:
        catalog.add_version(small.world.describe("second"))
    up, changes, waits = small.start_up(tmp_path / "p"), times(100), []
    failed: list[object] = []
    asked, done = [0], threading.Event()

    def load() -> None:
        with httpx.Client(base_url=up.url, timeout=10) as client:
            while not done.is_set():
                try:
                    reply = client.post("/predict", json=small.row)
                    failed.extend([] if reply.status_code == 200 else [reply.status_code])
                except httpx.HTTPError as error:
                    failed.append(error)
                asked[0] += 1

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    with one_client_each(up.url) as clients:
        for number in range(changes):
            small.promote(project, ("second", "first")[number % 2])
            begin = time.monotonic()
            while any(client.get("/healthz").json()["epoch"] != number + 2 for client in clients):
                assert time.monotonic() - begin < 30
                time.sleep(0.02)
            waits.append(time.monotonic() - begin)
    done.set()
    for thread in threads:
        thread.join()
    assert up.stop() == 0
    tell(f"promotions under load ({asked[0]:,} requests, slowest {max(waits):.2f} s)", changes, len(failed))
    assert failed == []
    assert max(waits) <= 2


class one_client_each:  # noqa: N801 - a context
    """A client for each of two workers: connections are tried until both are met."""

    def __init__(self, url: str) -> None:
        self._url, self._clients = url, dict[str, httpx.Client]()

    def __enter__(self) -> list[httpx.Client]:
        while len(self._clients) < 2:
            client = httpx.Client(base_url=self._url, timeout=10)
            worker = client.get("/healthz").json()["worker"]
            if worker in self._clients:
                client.close()
            else:
                self._clients[worker] = client
        return list(self._clients.values())

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("only root may mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_said_and_gone_when_there_is_room(small: Any, tiny_disk: Path, times: Times, tell: Tell) -> None:
    small.make_project(tiny_disk / "p")
    server, rounds, acknowledged, wrong = small.launch(tiny_disk / "p"), times(20), [], 0
    for _ in range(rounds):
        fill(tiny_disk / "filler")
        statuses = {server.ask({"rows": [small.row] * 20}).status_code for _ in range(40)}
        health = server.client.get("/livez").status_code
        (tiny_disk / "filler").unlink()
        replies = [server.ask(small.row) for _ in range(3)]
        acknowledged += [reply.json()["prediction_id"] for reply in replies if reply.status_code == 200]
        wrong += (not statuses <= {200, 507}) + (507 not in statuses) + (health != 200) + (len(acknowledged) % 3 > 0)
    code, _ = server.stop()
    kept = small.kept_ids(tiny_disk / "p")
    lost = len(set(acknowledged) - set(kept))
    tell("full disks", rounds, wrong + lost)
    assert (wrong, lost, code, len(kept) - len(set(kept))) == (0, 0, 0, 0)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue


def test_three_hundred_corrupt_versions_are_refused(small: Any, tmp_path: Path, times: Times, tell: Tell) -> None:
    """A byte changed, a bit flipped, cut short, grown, emptied, gone, swapped with another file, or one too many."""
    home, chance, tries = small.world.folders["first"], random.Random(5), times(300)
    accepted = []
    for number in range(tries):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for file in home.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        what = spoil(folder, chance)
        try:
            open_version(folder, expect=small.world.ids["first"])
            accepted.append(what)
        except TrimtabError:
            pass
    tell("corrupt Versions", tries, len(accepted))
    assert accepted == []
    open_version(home, expect=small.world.ids["first"])


def spoil(folder: Path, chance: random.Random) -> str:
    """Damage a Version's files in one way; return which."""
    file, other = chance.sample(sorted(folder.iterdir()), 2)
    data, way = bytearray(file.read_bytes()), chance.randrange(7)
    if way <= 1:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif way == 2:
        del data[chance.randrange(len(data)) :]
    elif way == 3:
        data += b"\n" if chance.random() < 0.5 else os.urandom(3)
    if way <= 3:
        file.write_bytes(data)
    elif way == 4:
        file.unlink()
    elif way == 5:
        kept = other.read_bytes()
        other.write_bytes(data)
        file.write_bytes(kept)
    else:
        (folder / "more.json").write_text("{}")
    return f"way {way}, {file.name}"
