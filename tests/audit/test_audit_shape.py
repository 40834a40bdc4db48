"""A row is read from a payload and put back, whatever its form; an answer is understood, whatever its words."""

import json
import subprocess
from typing import Any

import pytest

from trimtab.audit.answer import read_answer, without_changing
from trimtab.audit.payload import build_value, detect_shape
from trimtab.audit.result import Exchange, write_bytes

FLOWER = {"length": 5.1, "kind": "a"}
PAYLOADS: dict[str, tuple[Any, str]] = {
    "flat": (FLOWER, "flat"),
    "wrapped": ({"features": FLOWER}, "wrapped"),
    "wrapped twice, with an option": ({"explain": False, "data": {"row": FLOWER}}, "wrapped"),
    "trimtab's rows": ({"rows": [FLOWER], "ids": [None]}, "rows"),
    "instances": ({"instances": [FLOWER]}, "rows"),
    "dataframe_records": ({"dataframe_records": [FLOWER]}, "rows"),
    "a bare list": ([FLOWER], "rows"),
    "lists": ({"data": [[5.1, "a"]]}, "lists"),
    "one list": ({"features": [5.1, 2.0, 3.0]}, "list"),
    "dataframe_split": ({"dataframe_split": {"columns": ["length", "kind"], "data": [[5.1, "a"]]}}, "split"),
    "MLflow's inputs": ({"inputs": {"length": [5.1], "kind": ["a"]}}, "columns"),
    "tensors": (
        {
            "inputs": [
                {"name": "length", "shape": [1], "datatype": "FP64", "data": [5.1]},
                {"name": "kind", "shape": [1, 1], "datatype": "BYTES", "data": ["a"]},
            ]
        },
        "tensors",
    ),
    "one tensor of all": (
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [5.1, 2.0, 3.0]}]},
        "tensors",
    ),
}


@pytest.mark.parametrize(("payload", "kind"), PAYLOADS.values(), ids=PAYLOADS)
def test_row_is_read_and_put_back(payload: Any, kind: str) -> None:
    shape = detect_shape(payload)
    assert shape is not None
    assert shape.kind == kind
    row = shape.read(payload)
    assert next(iter(row.values())) == 5.1
    assert shape.write(payload, [row]) == payload
    changed = shape.write(payload, [{**row, next(iter(row)): 7}])
    assert shape.read(changed) == {**row, next(iter(row)): 7}
    assert shape.read(payload) == row, "the payload itself was changed"


@pytest.mark.parametrize(
    "name", ["instances", "lists", "dataframe_split", "MLflow's inputs", "tensors", "one tensor of all"]
)
def test_many_rows_are_put_in(name: str) -> None:
    payload, _ = PAYLOADS[name]
    shape = detect_shape(payload)
    assert shape is not None
    assert shape.batches
    row = shape.read(payload)
    twice = shape.write(payload, [row, row])
    assert shape.read(twice) == row
    assert json.dumps(twice).count("5.1") == 2


@pytest.mark.parametrize("payload", [{}, [], [[]], "text", 7, None, {"a": {}}, {"a": []}])
def test_what_holds_no_field_has_no_shape(payload: Any) -> None:
    assert detect_shape(payload) is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "number", "minimum": 3, "maximum": 5}, 4.0),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 2}, 1),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1),
        ({"type": ["null", "string"], "format": "date"}, "2024-06-15"),
        ({"anyOf": [{"type": "null"}, {"enum": ["x", "y"]}]}, "x"),
        ({"const": "only"}, "only"),
        ({"type": "string", "minLength": 3}, "aaa"),
        ({"type": "string", "maxLength": 0}, ""),
        ({"allOf": [{"properties": {"a": {"default": 1}}}, {"properties": {"b": {"example": 2}}}]}, {"a": 1, "b": 2}),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, [1.0, 1.0]),
        (
            {"type": "object", "properties": {"age": {"type": "integer"}, "sex": {"type": "string"}}},
            {"age": 35, "sex": "male"},
        ),
        ({"type": "object", "additionalProperties": True}, {}),
        ({"oneOf": [{"type": "string"}, {"properties": {"k": {"const": "dog"}}}]}, {"k": "dog"}),
    ],
)
def test_a_value_is_made_that_the_schema_allows(schema: dict[str, Any], value: Any) -> None:
    assert build_value(schema) == value


@pytest.mark.parametrize(
    ("body", "prediction", "probabilities"),
    [
        ({"prediction": "yes", "probability": 0.7, "prediction_id": "x", "latency_ms": 3}, "yes", [0.7]),
        ({"predictions": [0.25]}, 0.25, []),
        ({"outputs": [{"name": "y", "datatype": "FP64", "shape": [1], "data": [3.5]}]}, 3.5, []),
        ({"class": "a", "probabilities": {"a": 0.9, "b": 0.1}}, "a", [0.9, 0.1]),
        ({"results": [{"prediction": "no", "probability": 0.1}], "model": "m"}, "no", [0.1]),
        ([1], 1, []),
        (0.5, 0.5, []),
        ({"price": 100.0, "id": 7}, 100.0, []),
    ],
)
def test_an_answer_is_understood(body: Any, prediction: Any, probabilities: list[float]) -> None:
    answer = read_answer(body)
    assert answer is not None
    assert answer.prediction == prediction
    assert list(answer.probabilities.values()) == probabilities


def test_what_changes_by_its_nature_is_left_out() -> None:
    body = {
        "prediction": 1, "request_id": "a", "time": 3, "latency_ms": 1, "at": "2024-01-01T00:00:00Z",
        "token": "0190f5b0-0000-7000-8000-000000000000",
    }  # fmt: skip
    assert without_changing(body) == {"prediction": 1}
    assert without_changing({"id": 7}) == {"id": 7}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20_000,
        b'{"a":"' + b"x" * 2_000_000 + b'"}',
        b"\xff\xfe'\"\\\n\x00$`!",
        '{"a":"é"}'.encode(),
        b'{"a":' * 9000,
    ],
)
def test_the_line_to_repeat_a_request_makes_the_very_bytes(body: bytes) -> None:
    command = write_bytes(body)
    assert len(command) < 500
    assert subprocess.run(command, shell=True, capture_output=True, check=True).stdout == body  # noqa: S602 - that is the test


def test_the_line_to_repeat_a_request_hides_keys() -> None:
    exchange = Exchange(
        "POST", "http://127.0.0.1", {"authorization": "Bearer k3y"}, b"{}", secret=frozenset({"authorization"})
    )
    assert "k3y" not in exchange.curl()
    assert "authorization: ..." in exchange.curl()
