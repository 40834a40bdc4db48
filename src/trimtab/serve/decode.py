"""Bytes of a body to JSON values: one fast way for every body, and one slow way that explains a refused one.

msgspec decodes in one pass but says nothing about which field is wrong, and lets the last of two equal keys win.
So a body that it refuses, or whose count of colons does not rule out a repeated key, is read again, bounded in depth,
by the standard library with hooks. The slow way keeps what can be judged field by field (NaN, 1e400, a number of
5,000 digits, a lone surrogate) as a value that the Contract refuses under its own name.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from trimtab.serve.ladder import Problem, field_error

MAX_DEPTH = 64
MAX_DIGITS = 300
LONE_SURROGATE = {"lone_surrogate": True}
"""Stands for a text that is not Unicode: no column type takes an object, so the Contract answers `wrong_type`."""

_decode = cast("Callable[[bytes], object]", msgspec.json.Decoder().decode)
_key_end = re.compile(rb'"[ \t\r\n]*:')
_structure = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_CONTAINERS = frozenset({dict, list})
_surrogate = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> object:
    """Return the JSON value of a body.

    Raises Problem malformed, duplicate_key or too_deep. Linear in the size of the body, whatever it holds.
    """
    try:
        value = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return reread(body)
    return value if _keys_are_unique(body, value) else reread(body)


def reread(body: bytes) -> object:
    """Return the JSON value of a body, slowly, with every oddity named or kept as a value that the Contract refuses."""
    _refuse_depth(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Problem("malformed", f"The body is not UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(
            text, parse_constant=float, parse_float=float, parse_int=_whole_number, object_pairs_hook=_unique_object
        )
    except json.JSONDecodeError as error:
        raise Problem("malformed", f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    return _without_surrogates(value)


def _keys_are_unique(body: bytes, value: object) -> bool:
    """Say whether a count rules out repeated keys; False only means that somebody must look closely.

    Each key brings a colon, and `"` with `:` after it; so as many of either as decoded keys leaves room for no repeat.
    """
    keys = _count_keys(value)
    return body.count(b":") == keys or len(_key_end.findall(body)) == keys


def _count_keys(value: object) -> int:
    """Return how many keys all objects have together, level by level, which bounds the depth on the way."""
    keys, level = 0, [value]
    for _ in range(MAX_DEPTH):
        inside: list[object] = []
        for part in level:
            if type(part) is dict:
                keys += len(part)
                inside.extend(inner for inner in part.values() if type(inner) in _CONTAINERS)
            elif type(part) is list:
                inside.extend(inner for inner in part if type(inner) in _CONTAINERS)
        if not inside:
            return keys
        level = inside
    raise _too_deep()


def _refuse_depth(body: bytes) -> None:
    depth = 0
    for match in _structure.finditer(body):
        mark = body[match.start()]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif mark in b"]}":
            depth -= 1


def _too_deep() -> Problem:
    return Problem("too_deep", f"Nest at most {MAX_DEPTH} levels.")


def _whole_number(digits: str) -> int | float:
    """Return an integer, or infinity where it has more digits than any float: `int` itself refuses 5,000 of them."""
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = sorted({name for name, _ in pairs if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
        raise Problem("duplicate_key", errors=[field_error(name, "duplicate_key") for name in twice[:20]])
    if any(_surrogate.search(name) for name in found):
        raise Problem("malformed", "A key holds half of a surrogate pair, which is no Unicode text.")
    return found


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return dict(LONE_SURROGATE) if _surrogate.search(value) else value
    if isinstance(value, dict):
        return {name: _without_surrogates(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(inner) for inner in value]
    return value
