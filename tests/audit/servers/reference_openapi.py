"""What the reference service says of itself: its fields, and its OpenAPI document."""

from typing import Any

KEY = "reference-key"
CITIES = ("Lisbon", "Oslo", "Quito")
BOUNDS = {"age": (18, 100), "income": (0, 1_000_000), "visits": (0, 10_000)}
REQUIRED = ("age", "income", "city", "member")


def describe(mutant: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Renewals", "version": "1"},
        "paths": {
            "/predict": {"post": _predict()},
            "/feedback": {"post": {"summary": "What really happened", "responses": {"202": {"description": "Kept"}}}},
        },
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
            "schemas": {"Row": _row(bounded=mutant != "contract.constraints"), "Reply": _REPLY, "Problem": _PROBLEM},
        },
    }
    if mutant == "contract.route":
        document["components"]["schemas"]["Row"]["examples"] = [{"age": 7}]
    if mutant == "operability.feedback":
        del document["paths"]["/feedback"]
    return document


def _predict() -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "summary": "Predict whether a customer renews",
        "operationId": "predict",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": _json("Row")},
        "responses": {
            "200": {"description": "The answer", "content": _json("Reply")},
            **{str(status): {"description": "Refused", "content": problem} for status in (400, 401, 413, 415, 422)},
        },
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _row(*, bounded: bool) -> dict[str, Any]:
    def number(kind: str, name: str) -> dict[str, Any]:
        low, high = BOUNDS[name]
        return {"type": kind, **({"minimum": low, "maximum": high} if bounded else {})}

    return {
        "type": "object",
        "required": list(REQUIRED),
        "additionalProperties": False,
        "properties": {
            "age": number("integer", "age"),
            "income": number("number", "income"),
            "city": {"type": "string", **({"enum": list(CITIES)} if bounded else {})},
            "member": {"type": "boolean"},
            "visits": number("integer", "visits"),
        },
        "examples": [{"age": 41, "income": 52_000.0, "city": "Oslo", "member": True}],
    }


_REPLY = {
    "type": "object",
    "required": ["prediction", "probability", "prediction_id", "model_version"],
    "properties": {
        "prediction": {"enum": ["yes", "no"]},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "prediction_id": {"type": "string"},
        "model_version": {"type": "string"},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}},
}
