"""monitor.2: a batch with invalid rows, sent to a server on the copy: each refused by name, and counted."""

from collections.abc import Iterator, Sequence

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.audit.readiness.spoil import Row, Spoiled, spoil_row
from trimtab.nouns import State
from trimtab.serve.child import Server

COUNTER = "trimtab_rejected_fields_total"
BATCH = 100


def check_invalid(ground: Ground) -> Found:
    """Replay a valid row among spoiled ones to a server on a copy."""
    valid = ground.rows[0]
    with ground.served() as (_, server):
        return replay(server, valid, spoil_row(ground.wheel.contract, valid))


def replay(server: Server, valid: Row, spoiled: Sequence[Spoiled]) -> Found:
    """Send the rows; judge the replies and the counter."""
    before = count_rejected(server)
    missed = list(_find_missed(server, valid, spoiled))
    counted = count_rejected(server) - before
    numbers = {"sent": len(spoiled), "not_refused": len(missed), "counted": counted}
    said = (
        f"{len(spoiled)} invalid rows replayed, {len(spoiled) - len(missed)} refused with their field; "
        f"{COUNTER} rose by {counted:g}"
    )
    if missed:
        return Found(State.FAIL, said, f"not refused as it should be: {'; '.join(missed[:3])}", (), numbers)
    if counted < len(spoiled):
        return Found(State.FAIL, said, f"{COUNTER} does not count every refusal", (), numbers)
    return Found(State.PASS, said, "", (f"/metrics {COUNTER}",), numbers)


def _find_missed(server: Server, valid: Row, spoiled: Sequence[Spoiled]) -> Iterator[str]:
    for first in range(0, len(spoiled), BATCH):
        part = spoiled[first : first + BATCH]
        replies = server.post("/predict", {"rows": [valid, *(one.row for one in part)]})[1].get("results", [])
        if len(replies) != len(part) + 1 or "error" in replies[0]:
            yield "the valid row among them was not answered"
            continue
        for one, reply in zip(part, replies[1:], strict=True):
            fields = {error.get("field") for error in reply.get("error", {}).get("errors", ())}
            if one.field not in fields:
                yield f"'{one.field}' {one.wrong}"


def count_rejected(server: Server) -> float:
    """Return how many refused fields the server has counted."""
    lines = server.get("/metrics")[1].splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(COUNTER))


CHECK = Check("monitor.2", "an invalid batch, replayed over HTTP", check_invalid)
