"""Bodies become values, or a problem that names what is wrong: fast for good ones, bounded for hostile ones."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.serve.decode import LONE_SURROGATE, MAX_DEPTH, decode, reread
from trimtab.serve.ladder import Problem

NAMES = st.text(st.characters(codec="utf-8"), max_size=6)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | NAMES
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


@settings(deadline=None, max_examples=200)
@given(VALUES, st.booleans())
def test_the_fast_and_the_slow_way_give_the_same_value(value: Any, spaced: bool) -> None:
    body = json.dumps(value, indent=2 if spaced else None, ensure_ascii=spaced).encode()
    assert decode(body) == reread(body) == value


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMES, SCALARS, min_size=1, max_size=5), st.data(), st.sampled_from(["", " ", "\n\t"]))
def test_a_repeated_key_is_always_found(row: dict[str, Any], data: st.DataObject, gap: str) -> None:
    """Whatever the values hold (colons, quotes, escapes) and however the text is spaced."""
    pairs = [*row.items(), (data.draw(st.sampled_from(sorted(row))), data.draw(SCALARS))]
    text = ",".join(f"{json.dumps(name)}{gap}:{gap}{json.dumps(value)}" for name, value in pairs)
    with pytest.raises(Problem) as caught:
        decode(f"{{{text}}}".encode())
    assert caught.value.code == "duplicate_key"


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a" :2}', '{"\\u0061":1,"a":2}', '{"rows":[{"x":1},{"x":1,"x":2}]}', '{"a":{"b":1,"b":1}}', '{"":1,"":2}'],
)
def test_repeats_are_found_in_any_spelling_and_any_object(text: str) -> None:
    with pytest.raises(Problem, match="duplicate_key"):
        decode(text.encode())


@pytest.mark.parametrize(
    "text", ['{"a":"1:2:3"}', '{"a":"\\":"}', '{"a":": "}', '{"a":"12:00","b":"\\":\\":"}', "[]", "1"]
)
def test_colons_in_values_are_no_repeats(text: str) -> None:
    assert decode(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":NaN}', math.nan),
        ('{"a":-Infinity}', -math.inf),
        ('{"a":1e400}', math.inf),
        (f'{{"a":{"9" * 5000}}}', math.inf),
    ],
)
def test_numbers_that_are_not_finite_stay_for_the_contract(text: str, value: float) -> None:
    found: Any = decode(text.encode())
    assert repr(float(found["a"])) == repr(value)


def test_a_large_integer_keeps_every_digit() -> None:
    assert decode(b'{"a":123456789012345678901234567890}') == {"a": 123456789012345678901234567890}


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert decode(b'{"a":"\\ud800","b":["\\udfff x"]}') == {"a": LONE_SURROGATE, "b": [LONE_SURROGATE]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"   ", "malformed"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b'{"a":"\xff"}', "malformed"),
        (b'{"a":1}x', "malformed"),
        (b'{"a":01}', "malformed"),
        (b'{"a":+1}', "malformed"),
        (b"{'a':1}", "malformed"),
        (b'{"a":1,}', "malformed"),
        (b'{"a"', "malformed"),
        (b'{"a":"\x00"}', "malformed"),
        (b'{"\\ud800":1}', "malformed"),
        (b"[" * 20_000, "too_deep"),
        (b'{"a":' * 20_000, "too_deep"),
        (b"[" * 200 + b"]" * 200, "too_deep"),
    ],
)
def test_what_is_no_json_is_named(body: bytes, code: str) -> None:
    with pytest.raises(Problem, match=code):
        decode(body)


def test_the_deepest_allowed_nesting_is_allowed_both_ways() -> None:
    fine, deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
    assert decode(fine) == reread(fine)
    for way in (decode, reread):
        with pytest.raises(Problem, match="too_deep"):
            way(deep)


@pytest.mark.parametrize("part", [b'\\"', b'"', b'"\\', b"{", b'{"a":', b"\\", b'"a":', b"[[]],", b'"":1,'])
def test_a_megabyte_of_anything_is_read_in_linear_time(part: bytes) -> None:
    """An unanchored pattern for strings would need minutes here."""
    begin = time.perf_counter()
    with pytest.raises(Problem):
        decode(b'["' + part * (1_000_000 // len(part)))
    assert time.perf_counter() - begin < 3


def test_no_problem_repeats_a_value() -> None:
    with pytest.raises(Problem) as caught:
        decode(b'{"card":"4111-secret","card":"4111-secret"}')
    assert "4111" not in json.dumps(caught.value.document())
