"""The one table of routes. Whatever is not in it is answered 404, and another method 405.

OpenAPI and /docs are made of this table, and `tests/serve/test_serve_routes.py` asks the app about each of its cells.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from trimtab.serve import health, schema
from trimtab.serve.desk import Desk
from trimtab.serve.lookup import explanation, prediction
from trimtab.serve.outcomes import outcomes
from trimtab.serve.predict import predict

Scope = Literal["open", "predict", "outcomes", "read", "operate"]
Limit = Literal["body", "rows", "queue"]
Handler = Callable[[Desk, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row: who may call what, what answers, within which limits, and which problems it may answer with.

    `scope` is what a key will have to allow; `open` needs none. `limits` name those of `[serve] limits` that a request
    meets: `body` (its bytes and seconds), `rows`, and `queue` (a place among the requests that are worked on).
    """

    method: Literal["GET", "POST"]
    path: str
    scope: Scope
    handler: Handler
    doc: str
    limits: tuple[Limit, ...] = ()
    problems: tuple[str, ...] = ()


_BODY = ("malformed", "duplicate_key", "too_deep", "unknown_option", "cross_site", "too_slow", "too_large")
_SENT = (*_BODY, "too_many_rows", "wrong_media_type", "invalid_request", "busy", "no_model", "not_loaded", "cannot_log")
_FOUND = ("unknown_option", "not_found", "busy", "lookup_failed")
_ALL: tuple[Limit, ...] = ("body", "rows", "queue")

ROUTES: tuple[Route, ...] = (
    Route(
        *("POST", "/predict", "predict", predict, "Answer one row, or many as {rows, ids}."),
        limits=_ALL,
        problems=(*_SENT, "invalid_row", "id_reused", "id_in_use", "model_failed"),
    ),
    Route(
        *("POST", "/outcomes", "outcomes", outcomes, "Say what really happened, for one Prediction or key, or many."),
        limits=_ALL,
        problems=(*_SENT, "invalid_outcome", "lookup_failed"),
    ),
    Route(
        *("GET", "/predictions/{id}", "read", prediction, "Show a logged Prediction and its newest Outcome."),
        limits=("queue",),
        problems=_FOUND,
    ),
    Route(
        *("GET", "/predictions/{id}/explanation", "read", explanation, "Show what moved it, and make it again."),
        limits=("queue",),
        problems=_FOUND,
    ),
    Route(
        *("GET", "/model", "read", health.model, "Show the Version that answers."),
        problems=("no_model", "not_loaded"),
    ),
    Route("GET", "/livez", "open", health.livez, "Is the process alive?"),
    Route(
        *("GET", "/readyz", "open", health.readyz, "Are predictions answered?"),
        problems=("no_model", "not_loaded", "not_ready"),
    ),
    Route("GET", "/healthz", "read", health.healthz, "The state of this worker."),
    Route("GET", "/metrics", "read", health.metrics, "Figures for Prometheus."),
    Route("GET", "/openapi.json", "read", schema.openapi, "These routes and the row's fields, as OpenAPI 3.1."),
    Route("GET", "/docs", "read", schema.docs, "The same for people."),
)
