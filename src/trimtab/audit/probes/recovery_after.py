"""After all of it."""

from statistics import median

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import closeness, find_liveness
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

TIMES, NOTICED = 2, 0.3


class Recovery:
    """The valid request gets the first answer again, health is 200, and it takes no longer than before.

    Twice as long counts only where a person would notice it.

    FAIL where the answer or health is another one; WARN where it is twice as slow and by more than 300 ms.
    """

    about = About(
        id="recovery.after",
        number=45,
        category=Category.RECOVERY,
        severity=Severity.MUST,
        weight=5,
        title="After all probes the service is as before",
        why="What one odd request leaves behind, every later caller gets.",
        mend="Keep no state of a request in globals; let a worker that failed be replaced; test this very sequence.",
    )

    def run(self, service: Service) -> Result:
        """Ask for health, then the first question again."""
        service.client.forgive()
        earlier = [reply.seconds for reply in service.client.history if _is_first(service, reply)]
        replies = [service.post(service.seed, fresh=False) for _ in range(3 if service.quick else 5)]
        lost = next((reply for reply in replies if not reply.accepted), None)
        if lost:
            return Result(State.FAIL, f"the valid request gets {lost.told}", lost.exchange)
        if closeness(service.stable(replies[-1]), service.stable(service.first)) > 1e-9:
            return Result(State.FAIL, "the valid request gets another answer than at first", replies[-1].exchange)
        found = find_liveness(service)
        health = service.get(found.exchange.url) if found else None
        if health is not None and health.status != 200:
            return Result(State.FAIL, f"health: {health.told}", health.exchange)
        return self._judge(median(earlier), median(reply.seconds for reply in replies))

    def _judge(self, before: float, after: float) -> Result:
        slower = after > TIMES * before and after > before + NOTICED
        said = f"the first answer again, after {after * 1e3:.0f} ms ({before * 1e3:.0f} ms before)"
        return Result(State.WARN if slower else State.PASS, said)


def _is_first(service: Service, reply: Reply) -> bool:
    return reply.accepted and reply.exchange.body == service.first.exchange.body
