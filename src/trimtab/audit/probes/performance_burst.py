"""Many callers at once."""

from statistics import median

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import closeness, quantile
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import JSON, Service, encode

PATIENT = 1.0
TIMES = 5


class Burst:
    """The valid request from many connections at once: each is answered rightly, or told when to come again.

    Waiting in a queue is no fault: only a 95th percentile beyond a second, and five times an answer alone, is told.
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
        alone = [
            reply.seconds for reply in service.client.history if reply.accepted and reply.exchange.method == "POST"
        ]
        connections, each = service.budget.burst
        replies = service.client.burst(
            service.path, encode(service.seed), {"Content-Type": JSON}, connections=connections, each=each
        )
        return self._judge(service, replies, median(alone) if alone else 0.0)

    def _judge(self, service: Service, replies: list[Reply], alone: float) -> Result:
        shed = [reply for reply in replies if reply.status in {429, 503} and "retry-after" in reply.headers]
        answered = [reply for reply in replies if reply.accepted]
        lost = [reply for reply in replies if not reply.accepted and reply not in shed]
        said = f"{len(answered)} of {len(replies)} at once answered"
        if lost:
            return Result(State.FAIL, f"{said}, {len(lost)} not: {lost[0].told}", lost[0].exchange)
        first = service.stable(service.first)
        wrong = next((reply for reply in answered if closeness(service.stable(reply), first) > 1e-9), None)
        if wrong:
            return Result(State.FAIL, f"{said}, some with another answer than alone", wrong.exchange)
        tail = quantile([reply.seconds for reply in answered] or [0.0], 0.95)
        found = {"p95_ms": round(tail * 1e3, 1), "alone_ms": round(alone * 1e3, 1), "shed": len(shed)}
        more = f", {len(shed)} told to come again" if shed else ""
        state = State.WARN if tail > max(PATIENT, TIMES * alone) else State.PASS
        return Result(state, f"{said}{more}, p95 {tail * 1e3:.0f} ms", numbers=found)
