"""Mends a request from what the service says about it: missing, of another type, out of range, not one of."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trimtab.audit.client import Reply
from trimtab.audit.payload import build_value
from trimtab.audit.shape import Row, Shape

MOST = 5
"""Attempts."""

_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"


def _spot(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("NUMBER", _NUMBER), re.IGNORECASE)


_AT_LEAST = _spot(r"(?:greater than or equal to|>=|at least|minimum(?: of)?|not be less than)\s*NUMBER")
_ABOVE = _spot(r"(?:greater than|more than|above|>)\s*NUMBER")
_AT_MOST = _spot(r"(?:less than or equal to|<=|at most|maximum(?: of)?|not be greater than)\s*NUMBER")
_BELOW = _spot(r"(?:less than|below|<)\s*NUMBER")
_BETWEEN = _spot(r"(?:between|outside|range)\D{0,12}NUMBER\s*(?:and|to|,|-)\s*NUMBER")
_ONE_OF = _spot(r"(?:one of|expected|allowed|choose from|must be|should be|choices)\D{0,80}?['\"]([^'\"]+)['\"]")
_ONE_OF_LIST = _spot(r"(?:one of|allowed|choose from|choices)[^\[(:]{0,80}[\[(:]\s*([\w .-]+?)\s*[,\])]")
_WIDTH = _spot(r"(?:expect(?:s|ing|ed)?|requires?|needs?)\D{0,20}(\d+)\s+(?:features|values|columns|items)")
_EXTRA = _spot(r"extra|unexpected|unknown|not permitted|unrecognized|not allowed|additional propert")
_MISSING = _spot(r"missing|required")
_TYPES = (
    ("integer", _spot(r"valid integer|an integer|whole number|type int")),
    ("number", _spot(r"valid number|a number|numeric|type float|be float")),
    ("boolean", _spot(r"valid boolean|a boolean|true or false")),
    ("array", _spot(r"valid list|a list|an array")),
    ("date-time", _spot(r"datetime|date-time|timestamp")),
    ("date", _spot(r"valid date|a date")),
    ("string", _spot(r"valid string|a string|be str|a text")),
)


def repair(payload: Any, shape: Shape, reply: Reply) -> Any:
    """Return a mended copy of a payload, None where the answer gives no hint that can be used."""
    row = shape.read(payload)
    mended = dict(row)
    for name, text in find_complaints(reply):
        _mend(mended, name, text, shape)
    made = shape.write(payload, [mended])
    return made if mended != row else None


def find_complaints(reply: Reply) -> Iterator[tuple[str, str]]:
    """Yield (field, what is said about it); the field is '' where the answer names none."""
    value = reply.json()
    found = list(_walk(value)) if value is not None else []
    yield from found or [("", reply.text[:5000])]


def _walk(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    if not isinstance(value, Mapping):
        return
    place = next((value[key] for key in ("loc", "field", "param", "path", "name", "property") if key in value), None)
    texts = [str(value[key]) for key in ("msg", "message", "detail", "reason", "code", "type") if key in value]
    more = value.get("ctx")
    texts += [f"{key} {item}" for key, item in more.items()] if isinstance(more, Mapping) else []
    if place is not None and texts:
        steps = place if isinstance(place, list) else str(place).strip("/$").replace("/", ".").split(".")
        yield str(steps[-1]) if steps else "", " ".join(texts)
        return
    for key, item in value.items():
        if isinstance(item, list) and item and all(isinstance(part, str) for part in item):
            yield str(key), " ".join(item)
        elif isinstance(item, str) and key in {"detail", "message", "error", "msg"}:
            yield "", item
        else:
            yield from _walk(item)


def _mend(row: Row, name: str, text: str, shape: Shape) -> None:
    width = _WIDTH.search(text)
    if width and not shape.named and int(width.group(1)) <= 10_000:
        values = list(row.values()) or [1.0]
        made = [*values, *[values[-1]] * int(width.group(1))][: int(width.group(1))]
        row.clear()
        row.update({str(position): value for position, value in enumerate(made)})
        return
    if name not in row and not _MISSING.search(text):
        name = next((known for known in row if re.search(rf"(?<!\w){re.escape(known)}(?!\w)", text)), "")
    if name and _EXTRA.search(text) and name in row and not _ONE_OF.search(text):
        del row[name]
    elif name and (name in row or _MISSING.search(text)):
        row[name] = _suggest(name, text, row.get(name))


def _suggest(name: str, text: str, old: Any) -> Any:
    """Return a value that a complaint asks for."""
    whole = isinstance(old, int)
    between = _BETWEEN.search(text)
    if between:
        middle = (float(between.group(1)) + float(between.group(2))) / 2
        return round(middle) if whole else middle
    for pattern, step in ((_AT_LEAST, 0), (_ABOVE, 1), (_AT_MOST, 0), (_BELOW, -1)):
        found = pattern.search(text)
        if found and not isinstance(old, (str, list, dict)):
            value = float(found.group(1)) + step
            return round(value) if whole else value
    for pattern in (_ONE_OF, _ONE_OF_LIST):
        chosen = pattern.search(text)
        if chosen:
            return chosen.group(1)
    for kind, pattern in _TYPES:
        if pattern.search(text):
            return build_value({"type": "string", "format": kind} if kind.startswith("date") else {"type": kind}, name)
    return build_value({"type": "number"}, name) if old is None else old
