"""JSON lines: one object a line, into rows with columns of one lasting type each, or a reason.

The types are those of all lines of the first file, as with an API, and stay as they were found.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Never

import numpy as np

from trimtab.errors import DataError
from trimtab.ingest.base import check_names
from trimtab.ingest.blocks import CHUNK_ROWS, Cursor, Lines, read_blocks
from trimtab.ingest.delimited import HEAD, refuse_packed
from trimtab.ingest.encoding import Codec, found_mark
from trimtab.ingest.items import Sort, build_frame, find_misfit, find_sorts
from trimtab.ingest.records import MAX_VALUE, Bad, Portion

MAX_DEPTH = 64
_NO_VALUE = "an object without any value"


def read_mark(file: BinaryIO, where: str) -> Codec:
    """Return how a file of JSON lines is decoded: UTF-8, with or without its mark. Raises DataError otherwise."""
    file.seek(0)
    head = file.read(HEAD)
    refuse_packed(head, where, "JSON lines")
    marked, length = found_mark(head)
    if marked not in {"", "utf-8"}:
        raise DataError(f"{where} is in {marked}; JSON lines are in UTF-8.", hint="write the file in UTF-8")
    return Codec("utf-8", length)


def read_object(line: bytes) -> dict[str, Any] | str | None:
    """Return the object on a line, the reason why there is none, or None for a blank line.

    JSON is strict: UTF-8, no NaN, no name twice, no number beyond all limits, no nesting deeper than MAX_DEPTH.
    """
    if not line.strip():
        return None
    try:
        found = _DECODER.decode(line.decode())
    except RecursionError:
        return f"JSON that is nested deeper than {MAX_DEPTH} levels"
    except UnicodeDecodeError:
        return "bytes that are not UTF-8"
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg.removesuffix(' at')} at character {error.colno}"
    except ValueError as error:
        return f"no JSON: {str(error)[:60]}"
    return _what_is_wrong(found, line) or found


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number beyond all limits")
    return number


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_read_float, object_pairs_hook=_read_pairs, strict=True
)


def _what_is_wrong(found: Any, line: bytes) -> str:
    if not isinstance(found, dict):
        return "JSON, but no object"
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _depth(found) > MAX_DEPTH:
        return f"JSON that is nested deeper than {MAX_DEPTH} levels"
    if b"\\u" in line and not _is_whole(found):
        return "half of a character, which is no text"
    if len(line) > MAX_VALUE and any(_length(value) > MAX_VALUE for value in found.values()):
        return f"a value is longer than {MAX_VALUE:,} characters"
    return ""


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, (dict, list)) else 0


def _is_whole(value: Any) -> bool:
    """Whether all text can be written; an escape may spell half of a character."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


def find_types(
    text: Lines, cursor: Cursor, known: Mapping[str, Sort], key: Sequence[str]
) -> tuple[dict[str, Sort], set[str]]:
    """Return the sort of every column, as known or by all objects from `cursor` to the end, and the names met there."""
    met: set[str] = set()

    def objects() -> Iterator[dict[str, Any]]:
        for item in (item for lines in _read_lines(text, ahead) for item in map(read_object, lines)):
            if isinstance(item, dict):
                met.update(item)
                yield item

    ahead = Cursor(cursor.at, cursor.lines)
    sorts = find_sorts(objects(), known, key)
    check_names([*sorts], text.where)
    return sorts, met


def _read_lines(text: Lines, cursor: Cursor) -> Iterator[list[bytes]]:
    """Yield blocks of lines without making rows of them."""
    lines: list[bytes] = []

    def take(block: bytes, last: bool) -> Portion:  # noqa: ARG001
        lines[:] = block.split(b"\n")
        return Portion(build_frame([], {}), np.empty(0, dtype=np.int64), (), _count(block))

    for _ in read_blocks(text, cursor, take):
        yield lines


def read_jsonl(text: Lines, cursor: Cursor, sorts: Mapping[str, Sort], *, rows: int = CHUNK_ROWS) -> Iterator[Portion]:
    """Yield the rows from `cursor` to the end; the cursor stands behind each portion when it is yielded."""

    def read_block(block: bytes, last: bool) -> Portion:  # noqa: ARG001
        return _read_block(block, sorts)

    return read_blocks(text, cursor, read_block, rows=rows)


def _read_block(block: bytes, sorts: Mapping[str, Sort]) -> Portion:
    items: list[dict[str, Any]] = []
    begins: list[int] = []
    bad: list[Bad] = []
    for number, line in enumerate(block.split(b"\n")):
        found = read_object(line)
        if found is None:
            continue
        reason = found if isinstance(found, str) else find_misfit(found, sorts) or _NO_VALUE * (not sorts)
        if reason:
            bad.append(Bad(number, line.decode(errors="replace"), reason))
        elif isinstance(found, dict):
            items.append(found)
            begins.append(number)
    return Portion(build_frame(items, sorts), np.array(begins, dtype=np.int64), tuple(bad), _count(block))


def _count(block: bytes) -> int:
    return block.count(b"\n") + (not block.endswith(b"\n"))


def finished_lines(file: BinaryIO, size: int, where: str) -> int:
    """Return how many bytes may be read: all, or all but a last line without end that is no object yet."""
    codec = read_mark(file, where)
    begin = size
    tail = b""
    while begin > codec.mark and b"\n" not in tail and len(tail) <= 1 << 20:
        length = min(1 << 16, begin - codec.mark)
        begin -= length
        file.seek(begin)
        tail = file.read(length) + tail
    line = tail.rpartition(b"\n")[2]
    return size if not line.strip() or isinstance(read_object(line), dict) else size - len(line)
