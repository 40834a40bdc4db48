"""infra.7: on a copy with a server, the previous champion answers again, quickly, and as it did when it was fitted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.contract.row import compile_row
from trimtab.errors import UsageError
from trimtab.loop.stand import rollback
from trimtab.loop.state import Wheel
from trimtab.nouns import State, canonical
from trimtab.serve.child import Server

MOST_SECONDS = 60.0
BY = "drill"
ANSWERS = ("prediction", "probability", "probabilities", "interval")


def check_rollback(ground: Ground) -> Found:
    """Roll back, time it, and compare the answers to the golden rows, bit for bit."""
    try:
        previous = ground.wheel.catalog.find_version("previous")
    except UsageError:
        return Found(State.CANNOT_TELL, "only one Version has ever answered", "let a second one be promoted")
    with ground.served() as (wheel, server):
        return roll_back(wheel, server, golden_rows(wheel, previous.id, ground.rows[0]))


def roll_back(wheel: Wheel, server: Server, rows: Sequence[tuple[Mapping[str, Any], str]]) -> Found:
    """Roll back while the server answers; judge the time and the answers to the rows, each with what it must be."""
    name = wheel.catalog.find_version("previous").name
    began = clock.monotonic_ns()
    decision = rollback(wheel, by=BY)
    followed = server.wait_epoch(decision.epoch or 0)
    replied = server.post("/predict", {"rows": [row for row, _ in rows]})[1]
    seconds = (clock.monotonic_ns() - began) / 1e9
    same = count_same(rows, replied.get("results", []))
    numbers = {"seconds": round(seconds, 2), "golden": len(rows), "same": same}
    said = f"{name} answered again after {seconds:.1f} s; {same} of {len(rows)} golden rows as at its fit, bit for bit"
    right = followed and replied.get("version") == name
    if right and seconds < MOST_SECONDS and same == len(rows) > 0:
        return Found(State.PASS, said, "", (f"Version {name} golden.jsonl",), numbers)
    missing = f"a rollback must be done within {MOST_SECONDS:.0f} s and give the same answers again"
    return Found(State.FAIL, said, missing, (), numbers)


def golden_rows(wheel: Wheel, version: str, valid: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Return the golden rows of a Version as a client sends them, each with the answer of its fit as text.

    They are made up, and hold features only: the other columns are those of a valid row, and a made-up row that a rule
    over several columns refuses is left out.
    """
    package = wheel.package(version)
    others = {
        one.name: valid[one.name] for one in package.contract.columns if one.role != "feature" and one.name in valid
    }
    judge, write = compile_row(package.contract), package.compile_output(None)
    lines = (wheel.blobs.path(version) / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[tuple[Mapping[str, Any], str]] = []
    for line in map(json.loads, lines):
        row = {**others, **{name: value for name, value in line["row"].items() if value is not None}}
        if not judge(row).reasons:
            rows.append((row, answer_text(write(line["answer"]))))
    return rows


def answer_text(output: Mapping[str, Any]) -> str:
    """Return what an answer says of its row, as text that shows every bit; who gave it and when is left out."""
    return canonical({name: output[name] for name in ANSWERS if name in output})


def count_same(rows: Sequence[tuple[Mapping[str, Any], str]], replies: Sequence[Mapping[str, Any]]) -> int:
    """Return how many replies are the answers of the fit."""
    if len(rows) != len(replies):
        return 0
    pairs = zip(rows, replies, strict=True)
    return sum("error" not in reply and answer_text(reply) == wanted for (_, wanted), reply in pairs)


CHECK = Check("infra.7", "a rollback on a copy with a server", check_rollback)
