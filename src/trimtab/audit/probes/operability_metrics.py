"""Counters that move."""

import re

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import find_routes
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+(\S+)", re.MULTILINE)
_OF_THE_PROCESS = ("process_", "python_", "go_", "nodejs_", "jvm_", "promhttp_")
_TIME = re.compile(r"(second|latency|duration|_ms|milli)\w*_(bucket|sum|count)|quantile=")
_MODEL = re.compile(r"model|predict|inference|score", re.IGNORECASE)
CALLS = 3


class MetricsMove:
    """Prometheus text whose counters rise after three calls, with the time of requests and a series about the model.

    WARN where one of the three is lacking, FAIL where there is none, MANUAL behind a key.
    """

    about = About(
        id="operability.metrics",
        number=32,
        category=Category.OPERABILITY,
        severity=Severity.SHOULD,
        weight=4,
        title="Metrics move: requests, their time, and the model's answers",
        why="Without them a service that refuses every second request, or answers 'no' to all, looks healthy.",
        mend="prometheus-client: a Histogram of seconds, a Counter of predictions; mount `make_asgi_app()`.",
    )

    def run(self, service: Service) -> Result:
        """Read, call, read again."""
        found = next(find_routes(service, {"metrics"}, (service.declared.metrics or "/metrics",)), None)
        closed = next((one for one in service.client.history if _is_closed(one)), None)
        if found is None and closed is not None:
            return Result(State.MANUAL, f"/metrics wants a key: {closed.told}", closed.exchange)
        if found is None:
            return Result(State.FAIL, "no /metrics")
        for _ in range(CALLS):
            service.post(service.seed)
        after = service.get(found.exchange.url)
        return self._judge(read_samples(found), read_samples(after), after)

    def _judge(self, before: dict[str, float], after: dict[str, float], reply: Reply) -> Result:
        own = {name: value for name, value in after.items() if not name.startswith(_OF_THE_PROCESS)}
        moved = [name for name, value in own.items() if _counts(name) and value > before.get(name, 0.0)]
        lacking = [
            what
            for what, there in (
                ("a counter that our calls move", bool(moved)),
                ("the time of requests", any(_TIME.search(name) for name in own)),
                ("a series about the model", any(_MODEL.search(name) for name in own)),
            )
            if not there
        ]
        if lacking:
            return Result(State.WARN, f"{len(own)} series, without {', '.join(lacking)}", reply.exchange)
        return Result(State.PASS, f"{len(own)} series, {len(moved)} moved, such as {moved[0]}", reply.exchange)


def _is_closed(reply: Reply) -> bool:
    return reply.exchange.url.rstrip("/").endswith("/metrics") and reply.status in {401, 403}


def _counts(name: str) -> bool:
    return name.partition("{")[0].endswith(("_total", "_count", "_bucket"))


def read_samples(reply: Reply) -> dict[str, float]:
    """Return the samples of a text in Prometheus' format.

    >>> from trimtab.audit.result import Exchange
    >>> text = b'# TYPE a counter\\na_total{b="c d"} 3\\nodd line\\n'
    >>> read_samples(Reply(200, {}, text, 0.0, "", Exchange("GET", "", {})))
    {'a_total{b="c d"}': 3.0}
    """
    found = {}
    for name, text in _SAMPLE.findall(reply.text):
        try:
            found[name] = float(text)
        except ValueError:
            continue
    return found
