"""What goes in and comes out, as JSON Schemas: the row as the Contract says it, and our own shapes."""

from collections.abc import Mapping
from typing import Any

from trimtab.contract.row import compile_row
from trimtab.nouns import Column, Contract
from trimtab.nouns.project import ServeSpec
from trimtab.serve.ladder import KINDS
from trimtab.serve.predict import MAX_ID

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
ID: Mapping[str, Any] = {"type": "string", "format": "uuid"}
SOME_ID = "019a4f0e-0000-7000-8000-000000000000"
_NUMERIC = frozenset({"number", "integer"})


def write_schemas(contract: Contract | None, serve: ServeSpec) -> dict[str, Any]:
    """Return all schemas by name."""
    names = ("Row", "Rows", "Answer", "Outcome", "Outcomes", "Problem", "Explanation")
    ref = {name: {"$ref": f"#/components/schemas/{name}"} for name in names}
    error = {"type": "object", "properties": {"error": ref["Problem"]}, "required": ["error"]}
    states = {"type": "string", "enum": ["accepted", "parked", "repeated", "corrected"]}
    state = {"type": "object", "properties": {"state": states, "value": {"type": "string"}}, "required": ["state"]}
    ids = {"type": ["string", "null"], "minLength": 1, "maxLength": MAX_ID}
    given = {"type": "array", "items": ref["Row"], "maxItems": serve.limits.rows}
    rows = {"type": "object", "required": ["rows"], "properties": {"rows": given} | _many("ids", ids)}
    outcomes = {"type": "object", "required": ["outcomes"], "properties": _many("outcomes", ref["Outcome"])}
    return {
        "Row": _row(contract, serve) if contract is not None else {"type": "object"},
        "Rows": rows,
        "Request": {"anyOf": [ref["Row"], ref["Rows"]]},
        "Answer": _answer(contract),
        "Reply": {"anyOf": [ref["Answer"], _results({"anyOf": [ref["Answer"], error]})]},
        "Outcome": _outcome(contract),
        "Outcomes": outcomes,
        "OutcomeRequest": {"anyOf": [ref["Outcome"], ref["Outcomes"]]},
        "OutcomeReply": {"anyOf": [state, _results({"anyOf": [state, error]})]},
        "Prediction": _prediction(),
        "Explanation": _explanation(),
        "Explained": _explained(ref["Explanation"]),
        "Problem": _problem(),
    }


def _many(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {name: {"type": "array", "items": item}}


def _results(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["results"], "properties": _many("results", item)}


def _row(contract: Contract, serve: ServeSpec) -> dict[str, Any]:
    required = [column.name for column in contract.columns if column.required]
    row = example(contract)
    return {
        "type": "object",
        "properties": {column.name: field_schema(column) for column in contract.columns},
        **({"required": required} if required else {}),
        **({"additionalProperties": False} if serve.extra_fields == "reject" else {}),
        **({"examples": [row]} if row is not None else {}),
    }


def row_examples(contract: Contract | None) -> dict[str, Any]:
    """Return bodies of POST /predict that are answered with 200."""
    row = example(contract) if contract is not None else None
    if row is None:
        return {}
    return {"one row": row, "many rows": {"rows": [row, row], "ids": ["order-17", None]}}


def outcome_examples(contract: Contract | None) -> dict[str, Any]:
    """Return bodies of POST /outcomes that are taken."""
    if contract is None:
        return {}
    target = contract.target
    value = 1.5 if target.task == "regression" else target.positive or target.classes[0]
    told: dict[str, Any] = {"of a Prediction": {"prediction_id": SOME_ID, "value": value}}
    if contract.row.key:
        key = {column.name: _example(column) for column in contract.columns if column.name in contract.row.key}
        told["of a key"] = {"key": key, "value": value}
    return told


def field_schema(column: Column) -> dict[str, Any]:
    """Return one column as a JSON Schema: type, hard range, values where others are refused, unit, and null."""
    schema = dict(_TYPES[column.type])
    if column.type in _NUMERIC and column.hard is not None:
        low, high = column.hard
        schema |= {name: edge for name, edge in (("minimum", low), ("maximum", high)) if abs(edge) != float("inf")}
    if column.type == "category" and column.values:
        listed = list(column.values) if column.unseen == "reject" else None
        schema |= {"enum": listed} if listed else {"examples": list(column.values[:20])}
    kinds = [schema["type"], *(["string"] if column.numeric_text == "repair" and column.type in _NUMERIC else [])]
    if not column.required:
        kinds.append("null")
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    schema["type"] = kinds if len(kinds) > 1 else kinds[0]
    notes = [part for part in (column.unit and f"unit: {column.unit}", _usual(column), _role(column)) if part]
    return schema | ({"description": "; ".join(notes)} if notes else {})


def example(contract: Contract) -> dict[str, Any] | None:
    """Return a row that keeps the Contract, None where no simple one does because of its rules."""
    row = {column.name: _example(column) for column in contract.columns if column.required or column.role == "feature"}
    return None if compile_row(contract)(row).reasons else row


def _example(column: Column) -> Any:
    if column.type == "category" and column.values:
        return column.values[0]
    if column.type in {"number", "integer"}:
        low, high = column.soft or column.hard or (1, 1)
        middle = (low + high) / 2 if abs(low) + abs(high) != float("inf") else max(low, min(high, 1))
        return round(middle) if column.type == "integer" else round(middle, 6)
    return _EXAMPLES[column.type]


def _usual(column: Column) -> str:
    return f"usually {column.soft[0]:g} to {column.soft[1]:g}" if column.soft is not None else ""


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
    explained = {"explanation": {"anyOf": [{"$ref": "#/components/schemas/Explanation"}, {"type": "null"}]}}
    ours: dict[str, Any] = {
        "prediction_id": ID,
        "model": {"type": "string"},
        "version": {"type": "string"},
        "epoch": {"type": "integer"},
        "logged": {"type": "string", "enum": ["durable", "spooled", "none"]},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    return {"type": "object", "properties": {**properties, **ours, **explained}, "required": [*required, *ours]}


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
            "prediction_id": ID,
            "key": key,
            "value": value,
            "known_at": {"type": "string", "format": "date-time", "description": "default: now"},
        },
        "required": ["value"],
        "oneOf": [{"required": ["prediction_id"]}, {"required": ["key"]}],
    }


def _prediction() -> dict[str, Any]:
    text, moment = {"type": "string"}, {"type": "string", "format": "date-time"}
    return {
        "type": "object",
        "description": "As it was logged: `raw` came from the client, `features` is what the model saw.",
        "properties": {
            **dict.fromkeys(("prediction", "version", "contract", "fallback", "worker"), text),
            **{name: {"type": "object"} for name in ("raw", "features", "output", "latency_us")},
            **{name: {"type": ["string", "null"]} for name in ("key", "client_id", "key_id", "outcome")},
            "prediction_id": ID,
            "event_at": moment,
            "arrived_at": moment,
            "epoch": {"type": "integer"},
            "probability": {"type": ["number", "null"]},
            "warnings": {"type": "array", "items": text},
        },
        "required": ["prediction_id", "raw", "features", "output", "version", "epoch", "outcome"],
    }


def _explanation() -> dict[str, Any]:
    number = {"type": "number"}
    return {
        "type": "object",
        "description": "`base` and all `parts` add up to `score`, in `unit`; `raw` is the answer that it stands for.",
        "properties": {
            "unit": {"type": "string"},
            "base": number,
            "parts": {"type": "object", "additionalProperties": number},
            "score": number,
            "raw": number,
        },
        "required": ["unit", "base", "parts", "score", "raw"],
    }


def _explained(explanation: Mapping[str, Any]) -> dict[str, Any]:
    maybe = {"anyOf": [explanation, {"type": "null"}]}
    return {
        "type": "object",
        "properties": {
            "prediction_id": ID,
            "epoch": {"type": "integer"},
            "version": {"type": "string"},
            "explanation": maybe,
            "calibration": {"type": "string", "description": "the map that makes the answer of the score"},
            "members": {"type": "array", "items": {"type": "object", "properties": {"explanation": maybe}}},
            "again": {"type": "object"},
            "same": {"type": "boolean", "description": "whether the answer made again has the logged bytes"},
        },
        "required": ["prediction_id", "epoch", "version", "explanation", "again", "same"],
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
