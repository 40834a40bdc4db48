"""Many callers at once."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import closeness, quantile
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import JSON, Service, encode

RETRY = "retry-after"


class Burst:
    """The valid request from many connections at once: each is answered rightly, or told when to come again.

    How long they took is told and not judged: waiting in a queue is no fault, and on one machine this client takes the
    processor from the service. Only no answer within 30 seconds is one.

    FAIL for 5xx, a dropped connection, or an answer that differs from the one alone. 429, and 503 with Retry-After, are
    PASS; 429 without it is WARN; where nobody got an answer there is nothing to judge.
    """

    about = About(
        id="performance.burst",
        number=28,
        category=Category.PERFORMANCE,
        severity=Severity.MUST,
        weight=4,
        title="A burst of callers is answered, rightly",
        why="Real traffic comes in bursts; shared buffers then mix up answers, and worker pools drop connections.",
        mend="Serve with several workers, keep state out of globals, answer 429 with Retry-After when full.",
    )

    def run(self, service: Service) -> Result:
        """Send the burst and compare each answer with the first."""
        connections, each = service.budget.burst
        replies = service.client.burst(
            service.path, encode(service.seed), {"Content-Type": JSON}, connections=connections, each=each
        )
        return self._judge(service, replies)

    def _judge(self, service: Service, replies: list[Reply]) -> Result:
        shed = [reply for reply in replies if reply.status == 429 or (reply.status == 503 and RETRY in reply.headers)]
        answered = [reply for reply in replies if reply.accepted]
        lost = [reply for reply in replies if not reply.accepted and reply not in shed]
        said = f"{len(answered)} of {len(replies)} at once answered"
        if lost:
            return Result(State.FAIL, f"{said}, {len(lost)} not: {lost[0].told}", lost[0].exchange)
        if not answered:
            return Result(State.ERROR, f"{said}: all were told to come again", shed[0].exchange)
        first = service.stable(service.first)
        wrong = next((reply for reply in answered if closeness(service.stable(reply), first) > 1e-9), None)
        if wrong:
            return Result(State.FAIL, f"{said}, some with another answer than alone", wrong.exchange)
        tail = quantile([reply.seconds for reply in answered], 0.95)
        found = {"p95_ms": round(tail * 1e3, 1), "shed": len(shed)}
        vague = any(RETRY not in reply.headers for reply in shed)
        more = f", {len(shed)} told to come again{' but not when' if vague else ''}" if shed else ""
        state = State.WARN if vague else State.PASS
        return Result(state, f"{said}{more}, p95 {tail * 1e3:.0f} ms", numbers=found)
