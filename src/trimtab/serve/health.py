"""Is it alive, is it ready, how is it, what answers: the routes that never wait in the queue."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trimtab.nouns import canonical
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import Problem
from trimtab.serve.predict import json_reply


async def livez(_desk: Desk, _request: Request) -> Response:
    """Say that the process runs its event loop."""
    return json_reply({"status": "live"})


async def readyz(desk: Desk, _request: Request) -> Response:
    """Say whether predictions are answered: ready or degraded, with a model; or 503."""
    if desk.stopping:
        raise Problem("not_ready", "This worker is shutting down.")
    desk.now_live()
    status = "degraded" if desk.troubles else "ready"
    return json_reply({"status": status, "model": "loaded", "reasons": list(desk.troubles.values())})


async def healthz(desk: Desk, _request: Request) -> Response:
    """Say everything about this worker's state, with 200 whatever it is."""
    records, oldest = desk.spool.depth()
    live = desk.live
    return json_reply(
        {
            "status": _status(desk),
            "reasons": list(desk.troubles.values()),
            "worker": desk.worker,
            "epoch": live.epoch if live else 0,
            "version": live.model.name if live else None,
            "spool": {"records": records, "oldest_seconds": round(oldest, 3)},
            "queue": {"taken": desk.lane.taken, "places": desk.lane.places},
        }
    )


async def metrics(desk: Desk, _request: Request) -> Response:
    """Give the figures of all workers of the folder in Prometheus' text format."""
    return Response(desk.pages.gather(desk.page()), headers={"content-type": desk.meters.content_type})


async def model(desk: Desk, _request: Request) -> Response:
    """Say which Version answers, how it was made, and how good it was on rows that it had not seen."""
    live = desk.now_live()
    one, target = live.model, live.model.contract.target
    facts: dict[str, Any] = {
        "model": desk.project.name,
        "question": desk.project.question,
        "version": one.name,
        "id": one.id,
        "epoch": live.epoch,
        "family": one.version.family,
        "task": target.task,
        "target": {"column": target.column, "meaning": target.meaning, "positive": target.positive or None},
        "classes": list(target.classes),
        "threshold": one.threshold,
        "interval": one.reach,
        "contract": one.contract.id,
        "features": [{"name": column.name, "type": column.type} for column in one.contract.features],
        "metrics": one.version.metrics,
        "made_at": one.version.made_at,
        "trained_on": {"rows": one.version.snapshot.rows, "until": one.version.snapshot.until},
        "previous": live.previous.name if live.previous else None,
    }
    return Response(canonical(facts), media_type="application/json")


def _status(desk: Desk) -> str:
    if desk.stopping:
        return "stopping"
    if desk.live is None:
        return "not_loaded" if desk.is_broken else "no_model"
    return "degraded" if desk.troubles else "ready"
