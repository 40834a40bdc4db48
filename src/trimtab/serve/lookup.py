"""GET /predictions/{id} and /explanation: a logged Prediction, from the spools or, by a child process, the lake."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trimtab import clock, events
from trimtab.errors import SpoolFull, StoreError
from trimtab.nouns.record import subject_of
from trimtab.serve.desk import Desk
from trimtab.serve.explain import explain_record
from trimtab.serve.ladder import Problem
from trimtab.serve.outcomes import last_outcomes
from trimtab.serve.predict import json_reply
from trimtab.store.spool import find_spooled

JSON_FIELDS = ("raw", "features", "output", "latency_us")
LAKE_SECONDS = 15.0
LAKE_AT_ONCE = 2


async def prediction(desk: Desk, request: Request) -> Response:
    """Show one logged Prediction with its newest Outcome."""
    identifier = read_identifier(request)
    with desk.lane:
        body = await _find(desk, identifier)
        shown = show_prediction(msgspec.json.decode(body))
        shown["outcome"] = await asyncio.to_thread(_find_outcome, desk, identifier, shown.get("key"))
        return json_reply(shown)


async def explanation(desk: Desk, request: Request) -> Response:
    """Show what moved one logged Prediction, and the answer made again."""
    identifier = read_identifier(request)
    with desk.lane:
        live = desk.live
        record = msgspec.json.decode(await _find(desk, identifier))
        if live is None or record["epoch"] != live.epoch or record["worker"] == "batch":
            told = msgspec.json.decode(await _ask_relay(desk, identifier, "explanation") or b"null")
        else:
            told = await desk.explainer.run(explain_record, lambda *, text: live, record)  # noqa: ARG005 - it came as JSON
        if told is None:
            raise Problem("busy", "Explanations are the first thing that a busy worker leaves; try again.")
        return json_reply({"prediction_id": identifier, "epoch": record["epoch"], **told})


def read_identifier(request: Request) -> str:
    """Return the id in the path. Raises Problem not_found, or unknown_option: these routes take none."""
    if request.scope["query_string"]:
        raise Problem("unknown_option", "GET /predictions/{id} takes no options.")
    identifier: str = request.path_params["id"].lower()
    if clock.made_at(identifier) is None:
        raise Problem("not_found", "A prediction id looks like 019a4f0e-0000-7000-8000-000000000000.")
    return identifier


async def _find(desk: Desk, identifier: str) -> bytes:
    try:
        body, in_lake = await asyncio.to_thread(_look, desk, identifier)
    except StoreError as error:
        raise Problem("lookup_failed") from error
    if body is None and in_lake:
        body = await _ask_relay(desk, identifier, "record")
    if body is None:
        raise Problem("not_found", "No Prediction with this id is known here.")
    return body


def _look(desk: Desk, identifier: str) -> tuple[bytes | None, bool]:
    """Return the body where it is spooled, and whether the lake has it."""
    body = find_spooled(desk.spool.folder.parent, "prediction", identifier)
    return body, body is None and desk.index.knows_prediction(identifier)


def _find_outcome(desk: Desk, identifier: str, key: str | None) -> str | None:
    """Return the newest value that is known: of the Prediction itself, else of its key."""
    subjects = [subject_of(identifier, None)] + ([subject_of(None, key)] if key else [])
    try:
        found = last_outcomes(desk, subjects)
    except (StoreError, SpoolFull) as error:
        raise Problem("lookup_failed") from error
    return next((found[subject] for subject in subjects if subject in found), None)


async def _ask_relay(desk: Desk, identifier: str, what: str) -> bytes | None:
    """Return a record from the lake, or the explanation of an earlier epoch's answer.

    A child process finds it, because the lake's libraries, or more Versions, would double a worker's memory.
    """
    if desk.asking_lake >= LAKE_AT_ONCE:
        raise Problem("busy", "The lake is being asked already; try again.")
    desk.asking_lake += 1
    try:
        return await _run_relay(str(desk.project.folder), identifier, what)
    finally:
        desk.asking_lake -= 1


async def _run_relay(folder: str, identifier: str, what: str) -> bytes | None:
    arguments: list[Any] = [sys.executable, "-m", "trimtab.serve.relay", folder, identifier, what]
    child = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(LAKE_SECONDS):
            output, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        raise Problem("lookup_failed", "The lake did not answer in time.") from None
    if child.returncode != 0:
        events.tell("lookup_failed", exit_code=child.returncode)
        raise Problem("lookup_failed")
    return output.strip() or None


def show_prediction(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a logged Prediction as a reply: JSON texts unfolded, meta columns under their plain names."""
    shown = {name.lstrip("_"): value for name, value in record.items()}
    for name in JSON_FIELDS:
        if isinstance(shown.get(name), str):
            shown[name] = msgspec.json.decode(shown[name])
    shown["prediction_id"] = shown.pop("id")
    return shown
