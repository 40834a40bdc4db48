"""A name for each answer."""

from collections.abc import Iterator

from trimtab.audit.answer import leaves, split_words
from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

SENT = "trimtab-audit-7f3a91"
_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "x-trace-id", "traceparent")
_KINDS = {"prediction", "request", "trace", "correlation", "inference", "response", "event"}


class RequestIds:
    """A sent X-Request-ID comes back, and each answer has an id of its own that no other has.

    WARN for one of the two, FAIL for neither, or for an id that comes twice.
    """

    about = About(
        id="operability.request_id",
        number=34,
        category=Category.OPERABILITY,
        severity=Severity.SHOULD,
        weight=3,
        title="Each answer has an id",
        why="A complaint cannot be found in the log, and what really happened cannot be joined to what was answered.",
        mend="A middleware that takes or makes X-Request-ID, logs it and returns it (asgi-correlation-id).",
    )

    def run(self, service: Service) -> Result:
        """Send one, and compare those of all answers so far."""
        echo = service.post_raw(_body(service), headers={"X-Request-ID": SENT})
        echoed = SENT in echo.headers.values() or SENT in echo.text
        earlier = [reply for reply in service.client.history if reply.accepted and _predicts(service, reply)][:50]
        ids = [found for reply in earlier if (found := _own_id(reply))]
        if ids and len(set(ids)) < len(ids):
            return Result(State.FAIL, f"{len(ids)} answers have {len(set(ids))} different ids", echo.exchange)
        own = bool(ids) and len(ids) == len(earlier)
        if own and echoed:
            return Result(State.PASS, f"X-Request-ID comes back; {len(ids)} answers, {len(ids)} ids", echo.exchange)
        if own or echoed:
            what = "answers have ids; a sent X-Request-ID is lost" if own else "only a sent X-Request-ID comes back"
            return Result(State.WARN, what, echo.exchange)
        return Result(State.FAIL, "answers have no id, and a sent X-Request-ID is lost", echo.exchange)


def _body(service: Service) -> bytes:
    return service.first.exchange.body or b""


def _predicts(service: Service, reply: Reply) -> bool:
    same = reply.exchange.url == service.client.url(service.path) and reply.exchange.method == "POST"
    return same and "x-request-id" not in {name.lower() for name in reply.exchange.headers}


def _own_id(reply: Reply) -> str:
    """Return the id of an answer: of its header, else of its body."""
    return next(_ids(reply), "")


def _ids(reply: Reply) -> Iterator[str]:
    yield from (reply.headers[name] for name in _HEADERS if name in reply.headers)
    for path, value in leaves(reply.json()):
        words = split_words(path[-1]) if path else []
        if words and words[-1] in {"id", "uuid"} and (len(words) == 1 or _KINDS & set(words)):
            yield str(value)
