"""The journal's text: how a Decision becomes a line that cannot be changed unnoticed, and how the chain is checked.

The body of a line is the canonical JSON of its Decision without `hash`; `hash` is the SHA-256 of the previous line's
hash followed by that body. So whoever changes, removes or inserts a line must write every later line again, and whoever
keeps any one hash elsewhere can tell.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace

import msgspec

from trimtab.nouns import Decision, Judgement, State, canonical

Line = tuple[int, str, str]
"""Number, body, hash."""


def write_line(decision: Decision, last: Line | None) -> tuple[Decision, Line]:
    """Return the Decision as it stands after the last line, with number and hashes, and its own line."""
    number, previous_hash = (last[0] + 1, last[2]) if last else (1, "")
    content = asdict(replace(decision, number=number, previous_hash=previous_hash))
    del content["hash"]
    body = canonical(content)
    line = (number, body, _hash(previous_hash, body))
    return read_line(line), line


def read_line(line: Line) -> Decision:
    """Return the Decision of a line, equal in every field to the one that was written."""
    return msgspec.convert({**json.loads(line[1]), "hash": line[2]}, Decision)


def judge_chain(lines: Iterable[Line], trims: Iterable[tuple[int, int]]) -> Judgement:
    """Return PASS, or FAIL with the first broken line; `trims` are (epoch, number of its Decision), oldest first.

    The chain alone cannot miss lines that were cut off its end; that each Trim's Decision is there catches most of it.
    """
    previous, count, epochs = "", 0, {}
    for number, body, stored in lines:
        count += 1
        fault = _find_fault(count, previous, (number, body, stored))
        if fault:
            return _broken(number, fault)
        epochs[number] = json.loads(body).get("epoch")
        previous = stored
    for epoch, number in trims:
        if epochs.get(number) != epoch:
            return _broken(number, f"epoch {epoch} says that it was decided here, and the journal does not")
    reason = (
        f"{count:,} decision{'s' * (count != 1)}; each hash follows from the one before, up to {previous[:12]}"
        if count
        else "no decision yet"
    )
    return Judgement("journal", State.PASS, (reason,), {"decisions": count, "hash": previous})


def _find_fault(expected: int, previous: str, line: Line) -> str:
    number, body, stored = line
    if number != expected:
        return f"decision {expected} is missing"
    if _hash(previous, body) != stored:
        return "its text does not have its hash"
    content = json.loads(body)
    if (content.get("number"), content.get("previous_hash")) != (number, previous):
        return "it does not follow the line before"
    return ""


def _broken(number: int, fault: str) -> Judgement:
    return Judgement(
        "journal", State.FAIL, (f"the journal is broken at decision {number}: {fault}",), {"number": number}
    )


def _hash(previous: str, body: str) -> str:
    return hashlib.sha256((previous + body).encode()).hexdigest()
