"""kill -9 under load: what was acknowledged is in the lake, and there once.

    python tests/faults/kill_battery.py MODE [KILLS]

    write      kill a worker that spools; every id that it printed must be kept
    hasty      the same with a spool that answers before it commits: must lose
    forward    kill the forwarding to the lake: nothing lost, nothing twice
    careless   the same without transaction ids: must repeat

Prints one JSON object: how many kills cut work short, how many records were acknowledged, how many of them are lost,
how many came twice. kill -9 leaves what the kernel holds, so it cannot show a missing fsync: `test_store_lake.py` and
`test_store_spool.py` look at the calls themselves.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from functools import partial
from itertools import count
from pathlib import Path
from threading import Semaphore

import polars as pl

from trimtab.store.lake import Lake
from trimtab.store.spool import Record, Spool, segments

_WAITING = 64
_BODY = b'{"filler":"' + b"x" * 400 + b'"}'


class HastySpool(Spool):
    """Says that a record is kept as soon as it is queued."""

    def put(self, records: "list[Record]") -> "Future[None]":  # type: ignore[override]  # narrower, and its own only
        super().put(records)
        answered: Future[None] = Future()
        answered.set_result(None)
        return answered


def write_until_killed(folder: Path, run: str, *, hasty: bool) -> None:
    """Put records, never more than some waiting, and print each id when its future is resolved."""
    spool = (HastySpool if hasty else Spool)(folder, "w0", segment_bytes=300_000)
    room = Semaphore(_WAITING)
    for number in count():
        room.acquire()
        spool.put([("prediction", f"{run}-{number}", _BODY)]).add_done_callback(partial(tell, f"{run}-{number}", room))


def tell(id_: str, room: Semaphore, done: "Future[None]") -> None:
    if done.exception() is None:
        os.write(1, f"{id_}\n".encode())
    room.release()


def forward_all(folder: Path, root: Path, *, careless: bool = False) -> None:
    """Append every sealed segment to the lake once, and drop it when it is durable there."""
    lake = Lake(root)
    for segment in segments(folder):
        records = list(segment.records())
        frame = pl.DataFrame({"id": [id_ for _, id_, _ in records], "raw": [body.decode() for _, _, body in records]})
        lake.append("predictions", frame, app=None if careless else segment.app, number=segment.number)
        segment.drop()


def kill_one(mode: str, folder: Path, extra: str, delay: float) -> list[str]:
    """Start a child, kill it `delay` seconds after its first word, and return the whole lines that it printed."""
    command = [sys.executable, __file__, f"child-{mode}", str(folder), extra]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        printed = first + child.stdout.read()
    return printed.decode().split("\n")[:-1]


def judge(home: Path, acknowledged: list[str], cut_short: int) -> dict[str, int]:
    forward_all(home / "spool", home / "lake")
    kept = Lake(home / "lake").read("predictions").select("id").collect()["id"].to_list()
    lost, repeated = set(acknowledged) - set(kept), len(kept) - len(set(kept))
    return {"cut_short": cut_short, "acknowledged": len(acknowledged), "lost": len(lost), "repeated": repeated}


def kill_writers(mode: str, kills: int, chance: random.Random, home: Path) -> dict[str, int]:
    acknowledged: list[str] = []
    cut_short = 0
    for run in range(kills):
        acknowledged += kill_one(mode, home / "spool", f"r{run}", chance.uniform(0.0, 0.25))
        cut_short += any((home / "spool").glob("*/*.open"))
        if chance.random() < 0.5:  # else the next child finds its predecessor's leftovers
            segments(home / "spool")
    return judge(home, acknowledged, cut_short)


def kill_forwarders(mode: str, kills: int, chance: random.Random, home: Path) -> dict[str, int]:
    acknowledged: list[str] = []
    cut_short = 0
    for run in range(kills):
        spool = Spool(home / "spool", "w0", segment_bytes=4_000)
        for part in range(15):  # a segment each, so that the forwarding takes longer than the longest delay
            ids = [f"f{run}-{part}-{number}" for number in range(20)]
            spool.put([("prediction", id_, _BODY) for id_ in ids]).result()
            acknowledged += ids
        spool.close()
        kill_one(mode, home / "spool", str(home / "lake"), chance.uniform(0.0, 0.12))
        cut_short += bool(segments(home / "spool"))
    return judge(home, acknowledged, cut_short)


def run_child(mode: str, folder: Path, extra: str) -> None:
    if mode in {"child-forward", "child-careless"}:
        os.write(1, b"ready\n")
        forward_all(folder, Path(extra), careless=mode == "child-careless")
    else:
        write_until_killed(folder, extra, hasty=mode == "child-hasty")


def main(mode: str, *rest: str) -> None:
    if mode.startswith("child-"):
        run_child(mode, Path(rest[0]), rest[1])
        return
    kills, chance = int(rest[0]) if rest else 20, random.Random(7)
    kill = kill_forwarders if mode in {"forward", "careless"} else kill_writers
    with tempfile.TemporaryDirectory() as home:
        result = kill(mode, kills, chance, Path(home))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
