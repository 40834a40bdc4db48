"""The one table of routes. Whatever is not in it is answered 404, and another method 405."""

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
Handler = Callable[[Desk, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row: who may call what, and what answers. `scope` is what a key will have to allow; `open` needs none."""

    method: Literal["GET", "POST"]
    path: str
    scope: Scope
    handler: Handler
    doc: str


ROUTES: tuple[Route, ...] = (
    Route("POST", "/predict", "predict", predict, "Answer one row, or many as {rows, ids}."),
    Route("POST", "/outcomes", "outcomes", outcomes, "Say what really happened, for one Prediction or key, or many."),
    Route("GET", "/predictions/{id}", "read", prediction, "Show a logged Prediction and its newest Outcome."),
    Route("GET", "/predictions/{id}/explanation", "read", explanation, "Show what moved it, and make it again."),
    Route("GET", "/model", "read", health.model, "Show the Version that answers."),
    Route("GET", "/livez", "open", health.livez, "Is the process alive?"),
    Route("GET", "/readyz", "open", health.readyz, "Are predictions answered?"),
    Route("GET", "/healthz", "read", health.healthz, "The state of this worker."),
    Route("GET", "/metrics", "read", health.metrics, "Figures for Prometheus."),
    Route("GET", "/openapi.json", "read", schema.openapi, "These routes and the row's fields, as OpenAPI 3.1."),
    Route("GET", "/docs", "read", schema.docs, "The same for people."),
)
