"""infra.6: a newcomer is compared before it answers, and one that does not load never gets to answer.

On a copy the Trim is pointed at a damaged Version, past every gate, while a server answers: it must go on with the
old one, and say so.
"""

from collections.abc import Sequence

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground, Row
from trimtab.loop.challenge import find_standing
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision, Member, State, Trim
from trimtab.serve.child import Server

SECONDS = 3.0
"""How long the server is asked after the change; it looks for a new epoch twice a second."""
LOOKS = 100
"""How often, ten times a second, it may be asked after that until it tells of the trouble: machines can be busy."""
BROKEN = "0" * 12


def check_canary(ground: Ground) -> Found:
    """Judge how newcomers came to answer, and what becomes of a damaged one."""
    with ground.served() as (wheel, server):
        asked, wrong, troubled = endure(wheel, server, ground.rows[0], BROKEN)
    name = ground.champion[1].name
    compared = find_compared(ground.journal)
    how = "none was promoted by a rule yet" if compared is None else compared
    said = f"a damaged newcomer, {asked} requests: {wrong} not answered by {name}; {how}"
    numbers = {"asked": asked, "wrong": wrong}
    if wrong or not troubled:
        missing = "a newcomer that does not load must be refused by the server, and told on /readyz"
        return Found(State.FAIL, said, missing, (), numbers)
    if compared is None:
        missing = "let the loop compare and promote a newcomer: `trimtab up`, or `trimtab tick` by a scheduler"
        return Found(State.CANNOT_TELL, said, missing, (), numbers)
    missing = ""
    if ground.project.promote.style == "switch":
        missing = 'with [promote] style = "blend" a newcomer answers with a share first'
    return Found(State.PASS, said, missing, (compared,), numbers)


def endure(wheel: Wheel, server: Server, row: Row, newcomer: str) -> tuple[int, int, bool]:
    """Point the Trim of a copy at a newcomer, past every gate, and ask for some seconds.

    Return how many requests there were, how many of them the champion did not answer, and whether trouble is told.
    """
    name, moment = find_standing(wheel)[1].name, clock.now()
    decision = Decision("promote", "drill", ("a newcomer that nobody judged",), moment, moment, version=newcomer)
    wheel.catalog.decide(decision, Trim(wheel.catalog.epoch() + 1, (Member(newcomer),), None))
    asked = wrong = 0
    until = clock.monotonic_ns() + int(SECONDS * 1e9)
    while clock.monotonic_ns() < until:
        reply = server.predict([row])[0]
        asked += 1
        wrong += reply.get("version") != name
        clock.sleep(0.05)
    return asked, wrong, is_troubled(server)


def is_troubled(server: Server) -> bool:
    """Return whether the server says within some seconds that it is degraded."""
    for _ in range(LOOKS):
        if "degraded" in server.get("/readyz")[1]:
            return True
        clock.sleep(0.1)
    return False


def find_compared(journal: Sequence[Decision]) -> str | None:
    """Return how the newest newcomer that a rule promoted was compared before, None where there was none."""
    for decision in reversed(journal):
        if decision.action == "promote" and decision.verdict is not None and decision.by in {"switch", "blend"}:
            rows, name = decision.verdict.rows, decision.verdict.challenger
            if decision.by == "blend":
                return f"Decision {decision.number}: {name} was let in beside its predecessor, with half of its weight"
            return f"Decision {decision.number}: {name} was compared on {rows:,} rows that neither had seen"
    return None


CHECK = Check("infra.6", "a damaged newcomer, under requests", check_canary)
