"""Whether a Source keeps what the role asks: the same rows each time, every place to stop is a place to go on.

The rules, by the name of their judgement:

    reads        `read(None)` ends without an error
    describes    `describe` is one short line without a secret
    chunks       each chunk has the right types, names and columns, the same in all chunks
    numbers      `_row` grows from row to row, `_offset` says where each is from
    repeatable   a second source reads the same rows and rejects the same pieces
    position     each position is plain JSON, and stays as it was given
    resumes      a read from each position gives the rest, with the same numbers; stopping early harms nothing
    finished     a read from the last position gives nothing
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from trimtab.errors import TrimtabError
from trimtab.ingest.base import Chunk, Rejected, Source, check_names
from trimtab.nouns import Judgement
from trimtab.nouns.verdict import State

MOST_PLACES = 12
"""Positions that are tried, spread over all: each costs one read."""

MAX_LINE = 300
_SECRET = re.compile(r"://[^/\s:@]+:(?!\*+@)[^@/\s]+@|(?:password|passwd|token|secret|api_?key)=(?!\*)", re.IGNORECASE)

Make = Callable[[], Source]
Reasons = Iterator[str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One whole read: its chunks, and each position as text at the moment when it was given."""

    chunks: tuple[Chunk, ...]
    positions: tuple[str, ...]


def check_source(make: Make, *, secrets: Sequence[str] = ()) -> tuple[Judgement, ...]:
    """Return a Judgement for each rule: pass, fail, or cannot tell, with reasons that hold no value of the data.

    `make` gives a new source over the same upstream each time; let it be small (all rows are held in memory) and of
    several chunks. `secrets` are texts that `describe` must not tell: passwords, tokens.
    """
    described = _judge("describes", _check_line(make, secrets))
    try:
        seen = _read(make(), None)
        again = _read(make(), None)
    except Exception as error:  # noqa: BLE001  # whatever a stranger's source raises is its judgement
        failed = Judgement("reads", State.FAIL, (f"read(None) raised {_say(error)}",))
        rest = [name for name, _ in _RULES if name != "repeatable"]
        return (failed, described, *(_untold(name, "read(None) failed") for name in ("repeatable", *rest)))
    judgements = [Judgement("reads", State.PASS, (f"{len(seen.chunks)} chunks, {_rows(seen)} rows",)), described]
    judgements += [_run(name, rule, make, seen, again) for name, rule in _RULES]
    return tuple(judgements)


def _run(name: str, rule: "Rule", make: Make, seen: _Seen, again: _Seen) -> Judgement:
    if not seen.chunks:
        return _untold(name, "the source gave nothing")
    if name == "resumes" and len(seen.chunks) < 2:
        return _untold(name, "there is one chunk only: make chunks smaller or the source larger")
    return _judge(name, rule(make, seen, again))


def _judge(name: str, against: Iterable[str]) -> Judgement:
    try:
        reasons = tuple(against)
    except Exception as error:  # noqa: BLE001  # as above
        reasons = (f"raised {_say(error)}",)
    return Judgement(name, State.FAIL if reasons else State.PASS, reasons or ("kept",))


def _untold(name: str, reason: str) -> Judgement:
    return Judgement(name, State.CANNOT_TELL, (reason,))


def _read(source: Source, since: Mapping[str, Any] | None) -> _Seen:
    chunks, positions = [], []
    for chunk in source.read(since):
        chunks.append(chunk)
        positions.append(repr(getattr(chunk, "position", None)))
    return _Seen(tuple(chunks), tuple(positions))


def _rows(seen: _Seen) -> int:
    return sum(_height(chunk) for chunk in seen.chunks)


def _height(chunk: Any) -> int:
    frame = getattr(chunk, "frame", None)
    return frame.height if isinstance(frame, pl.DataFrame) else 0


def _check_line(make: Make, secrets: Sequence[str]) -> Reasons:
    line: Any = make().describe()
    if not isinstance(line, str) or not line.strip() or "\n" in line or len(line) > MAX_LINE:
        yield f"describe() is one line of text, at most {MAX_LINE} characters"
    elif _SECRET.search(line) or any(secret in line for secret in secrets if secret):
        yield "describe() tells a secret: leave out passwords and the query of a URL"


def _check_chunks(_: Make, seen: _Seen, __: _Seen) -> Reasons:
    for number, chunk in enumerate(seen.chunks, start=1):
        yield from (f"chunk {number}: {reason}" for reason in _wrong_types(chunk))
    schemas = [dict(chunk.frame.schema) for chunk in seen.chunks if _height(chunk)]
    for number, (before, after) in enumerate(pairwise(schemas), start=2):
        changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
        if changed:
            yield f"chunk {number}: columns have other types than before: {', '.join(changed)[:200]}"


def _wrong_types(chunk: Any) -> Reasons:
    if not isinstance(chunk, Chunk):
        yield f"read yields Chunk, not {type(chunk).__name__}"
        return
    if not isinstance(chunk.frame, pl.DataFrame):
        yield "frame is a polars DataFrame"
    elif chunk.frame.columns[-2:] != ["_row", "_offset"] or chunk.frame.dtypes[-2:] != [pl.Int64(), pl.String()]:
        yield "the last two columns of frame are _row (Int64) and _offset (String)"
    else:
        try:
            check_names(chunk.frame.columns[:-2], "frame")
        except TrimtabError as error:
            yield f"columns cannot be called so: {'; '.join(str(one) for one in error.mistakes) or error.message}"
    position, rejected = _as_they_are(chunk)
    if not isinstance(position, dict):
        yield "position is a dict"
    if not isinstance(rejected, tuple) or not all(isinstance(one, Rejected) for one in rejected):
        yield "rejected is a tuple of Rejected"
    elif not all(one.reason for one in chunk.rejected):
        yield "each Rejected has a reason"


def _as_they_are(chunk: Any) -> tuple[Any, Any]:
    """Return position and rejected without a belief about their types: a stranger's class may hold anything."""
    return chunk.position, chunk.rejected


def _check_numbers(_: Make, seen: _Seen, __: _Seen) -> Reasons:
    frame = _join(seen.chunks)
    numbers = frame["_row"]
    if numbers.null_count() or (numbers.diff().drop_nulls() <= 0).any():
        yield "_row grows from row to row, over all chunks"
    if frame["_offset"].null_count() or (frame["_offset"] == "").any():
        yield "_offset says of each row where it is from"


def _check_repeatable(_: Make, seen: _Seen, again: _Seen) -> Reasons:
    yield from _differences(seen.chunks, again.chunks, "a second read")


def _differences(wanted: Sequence[Chunk], found: Sequence[Chunk], what: str) -> Reasons:
    expected, got = _join(wanted), _join(found)
    if expected.height != got.height:
        yield f"{what} gives {got.height} rows instead of {expected.height}"
    elif not expected.equals(got):
        yield f"{what} gives other rows, another order or other numbers"
    if _rejected(wanted) != _rejected(found):
        yield f"{what} rejects other pieces"


def _rejected(chunks: Sequence[Chunk]) -> list[Rejected]:
    return [one for chunk in chunks for one in chunk.rejected]


def _join(chunks: Sequence[Chunk]) -> pl.DataFrame:
    """Return all rows as one frame, columns in the order of their names: a column may appear late."""
    frames = [chunk.frame for chunk in chunks if chunk.frame.height]
    empty = pl.DataFrame(schema={"_row": pl.Int64, "_offset": pl.String})
    joined = pl.concat(frames, how="diagonal_relaxed") if frames else empty
    return joined.select(sorted(joined.columns))


def _check_position(_: Make, seen: _Seen, __: _Seen) -> Reasons:
    for number, chunk in enumerate(seen.chunks, start=1):
        try:
            same = json.loads(json.dumps(chunk.position, allow_nan=False)) == chunk.position
        except (TypeError, ValueError):
            same = False
        if not same:
            yield f"chunk {number}: its position does not survive as JSON (tuples, times, NaN, keys that are no text?)"
        if repr(chunk.position) != seen.positions[number - 1]:
            yield f"chunk {number}: its position was changed after it was given: give a copy"


def _check_resumes(make: Make, seen: _Seen, _: _Seen) -> Reasons:
    for number in _spread(len(seen.chunks) - 1):
        half = iter(make().read(None))
        for _chunk in range(number):
            next(half)
        if close := getattr(half, "close", None):
            close()
        rest = _read(make(), _copy(seen.chunks[number - 1])).chunks
        yield from _differences(seen.chunks[number:], rest, f"a read from the position of chunk {number}")


def _spread(places: int) -> list[int]:
    """Return at most MOST_PLACES numbers from 1 to `places`, the first and the last among them."""
    if places <= MOST_PLACES:
        return list(range(1, places + 1))
    return sorted({1 + round(step * (places - 1) / (MOST_PLACES - 1)) for step in range(MOST_PLACES)})


def _copy(chunk: Chunk) -> dict[str, Any]:
    """Return a position as the record gives it back."""
    kept: dict[str, Any] = json.loads(json.dumps(chunk.position))
    return kept


def _check_finished(make: Make, seen: _Seen, _: _Seen) -> Reasons:
    yield from _differences((), _read(make(), _copy(seen.chunks[-1])).chunks, "a read from the last position")


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}" if str(error) else type(error).__name__


Rule = Callable[[Make, _Seen, _Seen], Iterable[str]]
_RULES: tuple[tuple[str, Rule], ...] = (
    ("chunks", _check_chunks),
    ("numbers", _check_numbers),
    ("repeatable", _check_repeatable),
    ("position", _check_position),
    ("resumes", _check_resumes),
    ("finished", _check_finished),
)
