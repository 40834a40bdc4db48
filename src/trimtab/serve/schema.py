"""GET /openapi.json and GET /docs: the routes, and the row's fields as the Contract says them."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trimtab.nouns import Contract
from trimtab.nouns.project import ServeSpec
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import KINDS
from trimtab.serve.page import POLICY, render
from trimtab.serve.predict import MAX_ID
from trimtab.serve.shapes import ID, outcome_examples, row_examples, write_schemas

if TYPE_CHECKING:
    from trimtab.serve.routes import Route  # the table names this module's handlers, and reaches them at run time


async def openapi(desk: Desk, request: Request) -> Response:
    """Give the OpenAPI document of this worker."""
    return Response(msgspec.json.encode(describe(desk, request.app.state.routes)), media_type="application/json")


async def docs(desk: Desk, request: Request) -> Response:
    """Give the same as a page without scripts."""
    page = render(describe(desk, request.app.state.routes), html.escape(desk.project.question))
    headers = {"content-security-policy": POLICY, "x-content-type-options": "nosniff"}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def describe(desk: Desk, routes: Sequence["Route"]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document: routes from the table, the row from the Contract that is live."""
    contract = desk.live.model.contract if desk.live is not None else desk.contract
    return {
        "openapi": "3.1.0",
        "info": {
            "title": desk.project.name,
            "version": desk.live.model.name if desk.live is not None else "no version yet",
            "summary": desk.project.question or "Answers of a model that is kept on its course.",
        },
        "paths": _paths(routes, contract, desk.project.serve),
        "components": {"schemas": write_schemas(contract, desk.project.serve)},
    }


def _paths(routes: Sequence["Route"], contract: Contract | None, serve: ServeSpec) -> dict[str, Any]:
    examples = {"/predict": row_examples(contract), "/outcomes": outcome_examples(contract)}
    paths: dict[str, Any] = {}
    for route in routes:
        operation: dict[str, Any] = {
            "summary": route.doc,
            "operationId": route.handler.__name__,
            "x-scope": route.scope,
            "x-limits": _limits(route, serve),
            "responses": {"200": _reply(route), **_problems(route)},
        }
        if route.path in _BODIES:
            body = _content(_BODIES[route.path])
            body["content"]["application/json"]["examples"] = {
                name: {"value": value} for name, value in examples[route.path].items()
            }
            operation["requestBody"] = {"required": True, **body}
        if route.path == "/outcomes":
            operation["responses"]["202"] = {
                **_reply(route),
                "description": "All of it is parked, its Prediction unknown.",
            }
        parameters = [_PATH_ID] if "{id}" in route.path else [_ATOMIC, _EXPLAIN, _CLIENT_ID]
        if "{id}" in route.path or route.path == "/predict":
            operation["parameters"] = parameters
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return paths


def _limits(route: "Route", serve: ServeSpec) -> dict[str, float]:
    """Return the limits that a request meets, as numbers."""
    known: dict[str, dict[str, float]] = {
        "body": {"bytes": serve.limits.body, "seconds": serve.limits.seconds},
        "rows": {"rows": serve.limits.rows},
        "queue": {"queue": serve.limits.queue},
    }
    return {name: number for limit in route.limits for name, number in known[limit].items()}


def _reply(route: "Route") -> dict[str, Any]:
    name, media_type = _REPLIES.get(route.path, ("", "application/json"))
    if name:
        return _content(name)
    kind = "object" if media_type == "application/json" else "string"
    return {"description": "The answer.", "content": {media_type: {"schema": {"type": kind}}}}


def _problems(route: "Route") -> dict[str, Any]:
    """Return the problems that a route may answer with, by status; each says its codes."""
    codes: dict[str, list[str]] = {}
    for code in (*route.problems, "internal"):
        codes.setdefault(str(KINDS[code].status), []).append(code)
    found = {}
    for status, known in sorted(codes.items()):
        told = "; ".join(f"`{code}`: {KINDS[code].title}" for code in known)
        found[status] = {**_content("Problem", "application/problem+json"), "description": told}
        if any(KINDS[code].retry_after for code in known):
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


_BODIES = {"/predict": "Request", "/outcomes": "OutcomeRequest"}
_REPLIES = {
    "/predict": ("Reply", ""),
    "/outcomes": ("OutcomeReply", ""),
    "/predictions/{id}": ("Prediction", ""),
    "/predictions/{id}/explanation": ("Explained", ""),
    "/metrics": ("", "text/plain"),
    "/docs": ("", "text/html"),
}
_PATH_ID = {"name": "id", "in": "path", "required": True, "schema": ID}
_ATOMIC = {
    "name": "atomic",
    "in": "query",
    "description": "One bad row refuses them all.",
    "schema": {"type": "boolean", "default": False},
}
_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Each answer tells what moved it; 100 rows at most.",
    "schema": {"type": "boolean", "default": False},
}
_CLIENT_ID = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your own id of one row: a repeat within 24 hours gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID},
}


def _content(name: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": name, "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
