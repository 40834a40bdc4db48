"""A valid request made from a schema: from examples, defaults, enums, bounds, and what a name makes likely."""

from collections.abc import Mapping
from typing import Any

from trimtab.audit.answer import split_words
from trimtab.audit.schema import Schema, simplify
from trimtab.audit.shape import TENSOR_TYPES, Shape

_DEEPEST = 6
_NUMBERS: Mapping[str, float] = {
    "age": 35, "year": 2020, "month": 6, "day": 15, "hour": 12, "minute": 30, "weekday": 3, "lat": 40.0,
    "latitude": 40.0, "lon": -74.0, "lng": -74.0, "longitude": -74.0, "price": 100, "amount": 100, "income": 50_000,
    "salary": 50_000, "fare": 30, "rate": 0.5, "ratio": 0.5, "probability": 0.5, "percent": 50, "count": 3,
    "distance": 500, "height": 170, "weight": 70, "temperature": 20, "bmi": 24.0,
}  # fmt: skip
_TEXTS: Mapping[str, str] = {
    "sex": "male", "gender": "male", "country": "US", "city": "London", "email": "a@example.org", "date": "2024-06-15",
    "time": "2024-06-15T12:00:00Z", "currency": "USD", "language": "en", "text": "a text", "url": "https://example.org",
}  # fmt: skip
_FORMATS: Mapping[str, str] = {
    "date": "2024-06-15", "date-time": "2024-06-15T12:00:00Z", "time": "12:00:00", "email": "a@example.org",
    "uuid": "0190f5b0-0000-7000-8000-000000000000", "uri": "https://example.org", "ipv4": "192.0.2.1",
}  # fmt: skip
_ROWS = ("rows", "instances", "records", "dataframe_records", "samples", "examples", "inputs", "data", "items")
_LIST_LENGTH = 4


def build_value(schema: Any, name: str = "", depth: int = 0) -> Any:
    """Return a value that a schema allows, as far as the schema says it; `name` is the field's."""
    made = simplify(schema)
    shown = made.get("examples")
    listed = shown if isinstance(shown, list) else list(shown.values()) if isinstance(shown, Mapping) else []
    enum = made.get("enum") if isinstance(made.get("enum"), list) else []
    for value in (made.get("example"), *listed, made.get("default"), *(enum or ())):
        if value is not None:
            return value
    kind = made.get("type")
    if kind == "object" and depth < _DEEPEST:
        properties = made.get("properties")
        known = properties.items() if isinstance(properties, Mapping) else ()
        return {str(field): build_value(part, str(field), depth + 1) for field, part in known}
    if kind == "array" and depth < _DEEPEST:
        return _build_list(made, name, depth)
    return _build_scalar(made, name)


def _build_list(schema: Schema, name: str, depth: int) -> list[Any]:
    places = schema.get("prefixItems")
    if isinstance(places, list):
        return [build_value(part, name, depth + 1) for part in places]
    item = build_value(schema.get("items"), name, depth + 1)
    alone = isinstance(item, (dict, list)) or simplify(schema.get("items")).get("type") not in {"number", "integer"}
    least = schema.get("minItems")
    return [item] * (least if isinstance(least, int) and 0 < least <= 1000 else 1 if alone else _LIST_LENGTH)


def _build_scalar(schema: Schema, name: str) -> Any:
    kind = schema.get("type")
    if kind == "boolean":
        return True
    if kind in {"number", "integer"}:
        return build_number(schema, name, whole=kind == "integer")
    if kind == "string":
        hint = next((_TEXTS[word] for word in reversed(split_words(name)) if word in _TEXTS), "a")
        text = _FORMATS.get(str(schema.get("format")), hint)
        least, most = schema.get("minLength"), schema.get("maxLength")
        text = text.ljust(least, "a") if isinstance(least, int) and least < 10_000 else text
        return text[:most] if isinstance(most, int) else text
    return _NUMBERS.get(name, 1.0) if kind is None else None


def build_number(schema: Mapping[str, Any], name: str, *, whole: bool) -> float:
    """Return a number within the bounds: what the name makes likely, else the middle, else next to the one bound."""
    low = _bound(schema, "minimum", "exclusiveMinimum", 1 if whole else 1e-3)
    high = _bound(schema, "maximum", "exclusiveMaximum", -1 if whole else -1e-3)
    likely = next((_NUMBERS[word] for word in reversed(split_words(name)) if word in _NUMBERS), 1)
    inside = (low is None or likely >= low) and (high is None or likely <= high)
    if inside and (low is None or high is None or likely != 1):
        value: float = likely
    elif low is not None and high is not None:
        value = (low + high) / 2
    else:
        value = low if low is not None else high if high is not None else likely
    return round(value) if whole else float(value)


def _bound(schema: Mapping[str, Any], plain: str, exclusive: str, step: float) -> float | None:
    edge, beyond = schema.get(plain), schema.get(exclusive)
    if isinstance(beyond, (int, float)) and not isinstance(beyond, bool):
        return beyond + step
    if not isinstance(edge, (int, float)):
        return None
    return edge + step if beyond is True else edge


def build_tensors(inputs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an Open Inference Protocol request for a model's declared inputs, one row."""
    made = []
    for tensor in inputs:
        shape = [size if isinstance(size, int) and size > 0 else 1 for size in tensor.get("shape", [1])] or [1]
        count = 1
        for size in shape[1:]:
            count *= size
        kind = {"type": TENSOR_TYPES.get(str(tensor.get("datatype")), "integer")}
        value = build_value(kind, str(tensor.get("name")))
        datatype = tensor.get("datatype", "FP64")
        made.append({"name": tensor["name"], "shape": [1, *shape[1:]], "datatype": datatype, "data": [value] * count})
    return {"inputs": made}


def detect_shape(payload: Any) -> Shape | None:
    """Return where the row stands in a payload, None where no scalar field can be found in it."""
    if isinstance(payload, list):
        return _shape_of_list(payload, ())
    if not isinstance(payload, Mapping):
        return None
    if _are_tensors(payload.get("inputs")):
        return Shape("tensors", ("inputs",))
    split = payload.get("dataframe_split")
    if isinstance(split, Mapping) and {"columns", "data"} <= split.keys():
        return Shape("split", ("dataframe_split",))
    return _shape_of_object(payload, ())


def _shape_of_object(payload: Mapping[str, Any], path: tuple[str | int, ...]) -> Shape | None:
    scalars = sum(not isinstance(value, (dict, list)) for value in payload.values())
    for name in (*(name for name in _ROWS if name in payload), *payload):
        found = _shape_of_list(payload[name], (*path, name)) if isinstance(payload[name], list) else None
        if found is not None and (found.kind in {"rows", "lists"} or scalars == 0):
            every = all(isinstance(value, list) for value in payload.values())
            return Shape("columns", path) if found.kind == "list" and every and (len(payload) > 1 or path) else found
    inner = {name: value for name, value in payload.items() if isinstance(value, Mapping) and value}
    if inner:
        name = max(inner, key=lambda one: _count_scalars(inner[one]))
        if _count_scalars(inner[name]) > scalars:
            found = _shape_of_object(inner[name], (*path, name))
            return Shape("wrapped", found.path) if found is not None and found.kind == "flat" else found
    return Shape("flat" if not path else "wrapped", path) if scalars else None


def _count_scalars(value: Any) -> int:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    return 1 if parts is None else sum(_count_scalars(part) for part in parts)


def _shape_of_list(values: list[Any], path: tuple[str | int, ...]) -> Shape | None:
    first = values[0] if values else None
    if isinstance(first, Mapping) and first:
        return Shape("rows", path)
    if isinstance(first, list) and first and not isinstance(first[0], (list, dict)):
        return Shape("lists", path)
    return Shape("list", path) if values and not isinstance(first, (list, dict)) else None


def _are_tensors(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(part, Mapping) and {"name", "data", "datatype"} <= part.keys() for part in value)
    )
