"""Little services that are right in a way that a hasty audit would call wrong."""

import json
import math
import socket
from collections.abc import Callable, Mapping
from typing import Any

from tests.audit.servers import odd

Judge = Callable[[dict[str, Any]], object]
"""What a service answers to a row; a ValueError refuses it, with the field's name as its text."""


def service(properties: Mapping[str, Any], judge: Judge, *, optional: tuple[str, ...] = ()) -> odd.Talk:
    """Return a service with these fields; all are required but the optional ones."""
    document = json.loads(json.dumps(odd.GOOD))
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    required = [name for name in properties if name not in optional]
    body["schema"] = {"type": "object", "required": required, "properties": properties}

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/openapi.json":
            odd.answer_json(connection, 200, document)
        elif path != "/predict" or method != "POST":
            odd.answer_json(connection, 404 if path != "/predict" else 405, {"detail": "not here"})
        else:
            status, value = _reply(judge, required, body)
            odd.answer_json(connection, status, value)

    return talk


def batched(judge: Callable[[list[dict[str, Any]]], object]) -> odd.Talk:
    """Return a service that takes rows `{"instances": [{"size": 1}]}` and answers them together."""
    document = json.loads(json.dumps(odd.GOOD))
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    row = {"type": "object", "required": ["size"], "properties": {"size": {"type": "number", "maximum": 9}}}
    body["schema"] = {"type": "object", "properties": {"instances": {"type": "array", "items": row}}}

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/openapi.json":
            odd.answer_json(connection, 200, document)
        elif path == "/predict" and method == "POST":
            odd.answer_json(connection, 200, judge(json.loads(body)["instances"]))
        else:
            odd.answer_json(connection, 404, {"detail": "not here"})

    return talk


def _reply(judge: Judge, required: list[str], body: bytes) -> tuple[int, object]:
    try:
        row = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return 400, {"detail": "no JSON"}
    if not isinstance(row, dict):
        return 422, {"detail": "an object, please"}
    missing = [name for name in required if name not in row]
    if missing:
        return 422, {"detail": f"missing: {missing[0]}"}
    try:
        return 200, judge(row)
    except ValueError as error:
        return 422, {"detail": f"{error} is wrong"}


def _refuse(name: str) -> float:
    raise ValueError(name)


def a_number(row: Mapping[str, Any], name: str) -> float:
    """Return a number of the row as a lax parser reads it: also from text and from a truth value."""
    try:
        value = float(row[name])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(name) from None
    if not math.isfinite(value):
        raise ValueError(name)
    return value


def a_text(row: Mapping[str, Any], name: str) -> str:
    """Return a text of the row."""
    value = row[name]
    if isinstance(value, str):
        return value
    raise ValueError(name)


def open_text(row: dict[str, Any]) -> object:
    """Say whether a text is friendly; any text will do, and the answer is a class alone."""
    a_text(row, "text")
    return {"label": "good" if "excellent" in row["text"] else "other"}


def normalising(row: dict[str, Any]) -> object:
    """Read a category whatever its case and the space around it."""
    city = row["city"].strip().lower() if isinstance(row["city"], str) else ""
    if city not in {"oslo", "quito"}:
        raise ValueError("city")
    return {"probability": 0.25 if city == "oslo" else 0.75}


def unbounded(row: dict[str, Any]) -> object:
    """Take any finite number: a temperature, a balance, a coordinate."""
    return {"probability": 1 / (1 + math.exp(-math.atan(a_number(row, "balance"))))}


def nullable(row: dict[str, Any]) -> object:
    """Answer also where the optional number is missing, as it declares."""
    size = row.get("size")
    return {"probability": 0.5 if size is None else a_number(row, "size") / 1000}


def flagging(row: dict[str, Any]) -> object:
    """Answer about an unseen category, and say that it was unseen."""
    a_text(row, "city")
    seen = row["city"] in {"oslo", "quito"}
    return {"probability": 0.25 if row["city"] == "oslo" else 0.75, "warnings": [] if seen else ["unseen: city"]}


def wordless(row: dict[str, Any]) -> object:
    """Answer about an unseen category as though it were known: the control, which is not right."""
    a_text(row, "city")
    return {"probability": 0.25 if row["city"] == "oslo" else 0.75}


def limited(talk: odd.Talk) -> odd.Talk:
    """Return a service that tells every third caller to come again at once."""
    calls = 0

    def slow_down(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            odd.answer(connection, 429, b"{}", extra="retry-after: 0\r\n")
        else:
            talk(method, path, body, connection)

    return slow_down
