"""How long an answer takes."""

from statistics import median

from trimtab.audit.client import Reply, is_loopback
from trimtab.audit.probe import About
from trimtab.audit.questions import quantile
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

WARM = 5
NETWORK = 3
GOOD, SLOW = 0.3, 1.0
LONGEST = 6.0
"""Seconds after which a round ends early: a slow service needs fewer calls to be told slow."""


class Latency:
    """Valid requests one after the other on one connection, in rounds, the network's own time taken off.

    The figure is the median of the rounds' 95th percentiles, told with their spread. An SLO replaces the limits.

    PASS below 300 ms, WARN below one second, FAIL above; with an SLO PASS below it, FAIL above.
    """

    about = About(
        id="performance.latency",
        number=27,
        category=Category.PERFORMANCE,
        severity=Severity.SHOULD,
        weight=4,
        title="95 of 100 answers come quickly",
        why="Somebody waits for the answer: beyond 300 ms they notice, beyond a second they leave.",
        mend="Load the model once at start, avoid a DataFrame for one row, fix the number of threads.",
    )

    def run(self, service: Service) -> Result:
        """Measure."""
        rounds, calls = service.budget.rounds, service.budget.calls
        for _ in range(WARM if not service.quick else 2):
            service.post(service.seed, fresh=False)
        replies = [_ask_round(service, calls) for _ in range(rounds)]
        lost = [reply for round_ in replies for reply in round_ if not reply.accepted]
        if lost:
            said = f"{len(lost)} of {sum(map(len, replies))} valid requests were not answered: {lost[0].told}"
            return Result(State.FAIL, said, lost[0].exchange)
        network = _measure_network(service)
        seconds = [[max(0.0, reply.seconds - network) for reply in round_] for round_ in replies]
        return self._judge(seconds, network, service.declared.slo_seconds)

    def _judge(self, seconds: list[list[float]], network: float, slo: float | None) -> Result:
        tails = [quantile(round_, 0.95) for round_ in seconds]
        tail = median(tails)
        good, slow = (slo, slo) if slo is not None else (GOOD, SLOW)
        state = State.PASS if tail < good else State.WARN if tail < slow else State.FAIL
        said = f"p95 {_ms(tail)}, median of {len(tails)} rounds from {_ms(min(tails))} to {_ms(max(tails))}"
        said += f"; declared are {_ms(slo)}" if slo is not None else ""
        every = [second for round_ in seconds for second in round_]
        found = {f"p{share * 100:.0f}_ms": round(quantile(every, share) * 1e3, 3) for share in (0.5, 0.95, 0.99)}
        rounds = [round(one * 1e3, 3) for one in tails]
        return Result(state, said, numbers={**found, "p95_of_rounds_ms": rounds, "network_ms": round(network * 1e3, 3)})


def _measure_network(service: Service) -> float:
    """Return the shortest of a few answers that need no model; loopback costs nothing that is worth taking off."""
    if is_loopback(service.client.base):
        return 0.0
    return min(service.get("/", method="HEAD", fresh=False).seconds for _ in range(NETWORK))


def _ask_round(service: Service, calls: int) -> list[Reply]:
    replies: list[Reply] = []
    while len(replies) < calls and sum(reply.seconds for reply in replies) < LONGEST:
        replies.append(service.post(service.seed, fresh=False))
    return replies


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
