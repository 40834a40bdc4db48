"""monitor.5: what is no number, and what hardly is one, never ends in a failure or in an answer that is no number."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.contract.row import bounds
from trimtab.errors import TrimtabError
from trimtab.nouns import Column, State

ODD = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e308", "-1e308", "-0.0", "1e-320", "9" * 5000)
MOST_FIELDS = 30
_HERE = "__here__"


class Answering(Protocol):
    """What is asked: a server, as its client sees it."""

    def post_text(self, path: str, text: str) -> tuple[int, dict[str, Any]]:
        """Return status and reply."""
        ...

    def hang_up(self) -> None:
        """Let the next request open another connection."""
        ...


def check_numerics(ground: Ground) -> Found:
    """Send odd numbers in every numeric feature, one at a time."""
    numeric = [one for one in ground.wheel.contract.features if one.type in {"number", "integer"} and not one.pii]
    if not numeric:
        return Found(State.PASS, "no feature is a number", "")
    with ground.served() as (_, server):
        return ask_odd(server, ground.rows[0], numeric[:MOST_FIELDS])


def ask_odd(server: Answering, row: Mapping[str, object], columns: Sequence[Column]) -> Found:
    """Send a row with an odd number in each column; judge the replies."""
    sent, wrong = 0, list[str]()
    for column in columns:
        for literal in (*ODD, *_ends(column)):
            sent += 1
            wrong += _ask(server, row, column.name, literal)
    numbers = {"sent": sent, "wrong": len(wrong), "fields": len(columns)}
    said = f"{sent} odd numbers in {numbers['fields']} fields: {len(wrong)} ended in a failure or in no number"
    missing = f"see to these: {'; '.join(wrong[:3])}" if wrong else ""
    return Found(State.FAIL if wrong else State.PASS, said, missing, (), numbers)


def _ends(column: Column) -> Iterator[str]:
    yield from (json.dumps(end) for end in bounds(column, column.hard) if isfinite(end))


def _ask(server: Answering, row: Mapping[str, object], field: str, literal: str) -> Iterator[str]:
    body = json.dumps({**row, field: _HERE}).replace(f'"{_HERE}"', literal)
    what = f"'{field}' {literal[:12]}"
    try:
        status, reply = server.post_text("/predict", body)
    except (TrimtabError, ValueError) as error:
        server.hang_up()
        yield f"{what}: {type(error).__name__}"
        return
    if status >= 500:
        yield f"{what}: status {status}"
    elif status < 300 and not all(map(isfinite, numbers_in(reply))):
        yield f"{what}: an answer that is no number"


def numbers_in(reply: object) -> Iterator[float]:
    """Yield every number of a reply."""
    if isinstance(reply, Mapping):
        for one in reply.values():
            yield from numbers_in(one)
    elif isinstance(reply, list):
        for one in reply:
            yield from numbers_in(one)
    elif isinstance(reply, float | int) and not isinstance(reply, bool):
        yield float(reply)


CHECK = Check("monitor.5", "odd numbers over HTTP", check_numerics)
