"""GET /openapi.json and GET /docs: the routes, and the row's fields as the Contract says them."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trimtab.nouns import Column, Contract
from trimtab.serve.desk import Desk
from trimtab.serve.ladder import KINDS
from trimtab.serve.page import POLICY, render

if TYPE_CHECKING:
    from trimtab.serve.routes import Route  # the table names this module's handlers, and reaches them at run time

_TYPES: Mapping[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "category": {"type": "string", "maxLength": 10_000},
    "text": {"type": "string", "maxLength": 10_000},
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}
_EXAMPLES: Mapping[str, Any] = {
    "number": 1.5,
    "integer": 1,
    "boolean": True,
    "category": "a",
    "text": "a text",
    "time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
}
_ID = {"type": "string", "format": "uuid"}


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
    schemas = _schemas(contract)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": desk.project.name,
            "version": desk.live.model.name if desk.live is not None else "no version yet",
            "summary": desk.project.question or "Answers of a model that is kept on its course.",
        },
        "paths": _paths(routes),
        "components": {"schemas": schemas},
    }


def _paths(routes: Sequence["Route"]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        operation: dict[str, Any] = {
            "summary": route.doc,
            "operationId": route.handler.__name__,
            "responses": {
                "200": {"description": "The answer."},
                "default": _content("Problem", "application/problem+json"),
            },
        }
        if route.path in _BODIES:
            request, reply = _BODIES[route.path]
            operation["requestBody"] = {"required": True, **_content(*request)}
            operation["responses"]["200"] = _content(*reply)
        if "{id}" in route.path:
            operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": _ID}]
        if route.path == "/predict":
            operation["parameters"] = [_ATOMIC, _CLIENT_ID]
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return paths


_BODIES = {
    "/predict": (("Request",), ("Reply",)),
    "/outcomes": (("OutcomeRequest",), ("OutcomeReply",)),
}
_ATOMIC = {
    "name": "atomic",
    "in": "query",
    "description": "One bad row refuses them all.",
    "schema": {"type": "boolean", "default": False},
}
_CLIENT_ID = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your own id of one row: a repeat gets the first answer again.",
    "schema": {"type": "string", "maxLength": 200},
}


def _content(name: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": name, "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _schemas(contract: Contract | None) -> dict[str, Any]:
    row = _row(contract) if contract is not None else {"type": "object"}
    answer = _answer(contract)
    outcome = _outcome(contract)
    ref = {
        name: {"$ref": f"#/components/schemas/{name}"} for name in ("Row", "Answer", "Outcome", "Problem", "Outcomes")
    }
    error = {"type": "object", "properties": {"error": ref["Problem"]}, "required": ["error"]}
    states = {"type": "string", "enum": ["accepted", "parked", "repeated", "corrected"]}
    state = {"type": "object", "properties": {"state": states, "value": {"type": "string"}}, "required": ["state"]}
    rows = {
        "type": "object",
        "required": ["rows"],
        "properties": _many("rows", ref["Row"]) | _many("ids", {"type": "string"}),
    }
    return {
        "Row": row,
        "Rows": rows,
        "Request": {"oneOf": [ref["Row"], {"$ref": "#/components/schemas/Rows"}]},
        "Answer": answer,
        "Reply": {"oneOf": [ref["Answer"], _results({"oneOf": [ref["Answer"], error]})]},
        "Outcome": outcome,
        "Outcomes": {"type": "object", "required": ["outcomes"], "properties": _many("outcomes", ref["Outcome"])},
        "OutcomeRequest": {"oneOf": [ref["Outcome"], ref["Outcomes"]]},
        "OutcomeReply": {"oneOf": [state, _results({"oneOf": [state, error]})]},
        "Problem": _problem(),
    }


def _many(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {name: {"type": "array", "items": item}}


def _results(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["results"], "properties": _many("results", item)}


def _row(contract: Contract) -> dict[str, Any]:
    required = [column.name for column in contract.columns if column.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {column.name: field_schema(column) for column in contract.columns},
        "examples": [example(contract)],
    }
    return schema | ({"required": required} if required else {})


def field_schema(column: Column) -> dict[str, Any]:
    """Return one column as a JSON Schema: type, hard range, values where others are refused, unit, and null."""
    schema = dict(_TYPES[column.type])
    if column.type in {"number", "integer"} and column.hard is not None:
        low, high = column.hard
        schema |= {name: edge for name, edge in (("minimum", low), ("maximum", high)) if abs(edge) != float("inf")}
    if column.type == "category" and column.values:
        listed = list(column.values) if column.unseen == "reject" else None
        schema |= {"enum": listed} if listed else {"examples": list(column.values[:20])}
    if not column.required:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    notes = [part for part in (column.unit and f"unit: {column.unit}", _role(column)) if part]
    return schema | ({"description": "; ".join(notes)} if notes else {})


def example(contract: Contract) -> dict[str, Any]:
    """Return a row that keeps the Contract."""
    return {column.name: _example(column) for column in contract.columns if column.required or column.role == "feature"}


def _example(column: Column) -> Any:
    if column.type == "category" and column.values:
        return column.values[0]
    if column.type in {"number", "integer"}:
        low, high = column.soft or column.hard or (1, 1)
        middle = (low + high) / 2 if abs(low) + abs(high) != float("inf") else max(low, min(high, 1))
        return round(middle) if column.type == "integer" else round(middle, 6)
    return _EXAMPLES[column.type]


def _role(column: Column) -> str:
    return "" if column.role == "feature" else f"role: {column.role}, not seen by the model"


def _answer(contract: Contract | None) -> dict[str, Any]:
    task = contract.target.task if contract is not None else "binary"
    number = {"type": "number"}
    classes = {
        "type": "string",
        **({"enum": list(contract.target.classes)} if contract and contract.target.classes else {}),
    }
    properties: dict[str, Any] = {"prediction": number if task == "regression" else classes}
    if task == "binary":
        properties["probability"] = {"type": "number", "minimum": 0, "maximum": 1}
    if task == "multiclass":
        properties["probabilities"] = {"type": "object", "additionalProperties": number}
    required = list(properties)
    if task == "regression":  # what a Version made before intervals answers has none
        properties["interval"] = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    ours: dict[str, Any] = {
        "prediction_id": _ID,
        "model": {"type": "string"},
        "version": {"type": "string"},
        "epoch": {"type": "integer"},
        "logged": {"type": "string", "enum": ["durable", "spooled", "none"]},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    return {"type": "object", "properties": {**properties, **ours}, "required": [*required, *ours]}


def _outcome(contract: Contract | None) -> dict[str, Any]:
    target = contract.target if contract is not None else None
    value: dict[str, Any] = (
        {"type": "number"} if target and target.task == "regression" else {"type": ["string", "boolean", "number"]}
    )
    if target is not None and target.meaning:
        value["description"] = target.meaning
    key = {
        "type": "object",
        "description": "the row's key columns",
        "required": list(contract.row.key if contract else ()),
    }
    return {
        "type": "object",
        "properties": {
            "prediction_id": _ID,
            "key": key,
            "value": value,
            "known_at": {"type": "string", "format": "date-time", "description": "default: now"},
        },
        "required": ["value"],
        "oneOf": [{"required": ["prediction_id"]}, {"required": ["key"]}],
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    bad = {"type": "object", "properties": {"field": text, "code": text, "detail": text}}
    return {
        "type": "object",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(KINDS)},
            "detail": text,
            "errors": {"type": "array", "items": bad},
        },
        "required": ["type", "title", "status", "code"],
    }
