"""infra.3: ingest, pipeline, train, register, serve, predict, log, forward and join, on the project in small."""

import tempfile
from pathlib import Path

import polars as pl

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground, valid_rows, without_sources
from trimtab.audit.readiness.sample import open_sample
from trimtab.loop.cycle import ingest, train
from trimtab.loop.state import Wheel
from trimtab.loop.tick import tick
from trimtab.metrics.figures import count
from trimtab.nouns import State
from trimtab.serve.child import Server

MOST_SECONDS = 300.0
ASKED = 20


def check_whole(ground: Ground) -> Found:
    """Turn the whole wheel once on a sample of the project's own raw rows, with a real server."""
    began = clock.monotonic_ns()
    with (
        tempfile.TemporaryDirectory(dir=ground.scratch) as folder,
        open_sample(ground, Path(folder) / "small") as small,
    ):
        wheel = small.wheel
        read = ingest(wheel, tell=ground.tell)
        trained = train(wheel, tell=ground.tell)
        with Server(wheel.project.folder, wheel.project.folder / "server.log") as server:
            replies, taken = ask(wheel, server)
        tick(without_sources(wheel), drills=False, tell=ground.tell)  # they are what runs here
        kept = set(wheel.lake.read("predictions").select("id").collect()["id"])
        joined = wheel.lake.read("outcomes").filter(pl.col("prediction_id").is_not_null()).collect()["prediction_id"]
    seconds = (clock.monotonic_ns() - began) / 1e9
    lost = set(replies) - kept
    said = (
        f"{count(read.accepted, 'clean row')}, trained {trained.version.name} ({trained.version.family}), "
        f"{len(replies)} of {ASKED} answered over HTTP, {len(lost)} lost, {len(set(joined) & set(replies))} outcomes "
        f"joined, in {seconds:.0f} s"
    )
    numbers = {"rows": read.accepted, "answered": len(replies), "lost": len(lost), "seconds": round(seconds, 1)}
    done = len(replies) == taken == ASKED and not lost and set(joined) >= set(replies) and trained.promoted
    if done and seconds < MOST_SECONDS:
        return Found(State.PASS, said, "", ("a sample of the raw rows",), numbers)
    return Found(State.FAIL, said, "every step must be done within five minutes", (), numbers)


def ask(wheel: Wheel, server: Server) -> tuple[list[str], int]:
    """Ask rows and tell their outcomes; return the ids of the answers, and how many outcomes were taken."""
    rows = (valid_rows(wheel) * ASKED)[:ASKED]
    replies = server.predict(rows)
    ids = [reply["prediction_id"] for reply in replies if "prediction_id" in reply]
    outcomes = [{"prediction_id": one["prediction_id"], "value": one["prediction"]} for one in replies if ids]
    told = server.post("/outcomes", {"outcomes": outcomes})[1].get("results", [])
    return ids, sum(one.get("state") == "accepted" for one in told)


CHECK = Check("infra.3", "the whole wheel, in small", check_whole)
