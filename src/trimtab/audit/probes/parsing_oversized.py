"""A body that is far too large."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import ask_again
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

BYTES = 2_000_000
SLOW = 5.0


class OversizedBody:
    """A text of 2 MB in one field.

    PASS for 413, or another 4xx within a second. WARN for an answer, a slow 4xx, a 4xx that repeats the body, or a
    cut connection of a service that still lives. FAIL for 5xx, more than five seconds, or a service that is gone.
    """

    about = About(
        id="parsing.oversized",
        number=17,
        category=Category.PARSING,
        severity=Severity.SHOULD,
        weight=3,
        title="A body of 2 MB is refused, and quickly",
        why="Without a limit a single client fills the memory of the process that answers everybody.",
        mend="Limit the body in the proxy (`client_max_body_size`) or in a middleware, and answer 413.",
    )

    def run(self, service: Service) -> Result:
        """Send it, and look whether the service is still there where the connection was cut."""
        name = next((field.name for field in service.fields if field.kind == "string"), service.fields[0].name)
        return self._judge(service, service.post(service.with_value(name, "x" * BYTES), timeout=2 * SLOW))

    def _judge(self, service: Service, reply: Reply) -> Result:
        said = f"2 MB: {reply.told} after {reply.seconds:.1f} s"
        if reply.failure == "dropped" and ask_again(service).accepted:
            return Result(State.WARN, "2 MB: the connection was cut without an answer", reply.exchange)
        if reply.failure == "too large" and reply.rejected:
            return Result(State.WARN, f"{said}: the refusal repeats all of it", reply.exchange)
        if reply.broke or reply.seconds > SLOW:
            return Result(State.FAIL, said, reply.exchange)
        if reply.accepted or (reply.status != 413 and reply.seconds > 1):
            return Result(State.WARN, said, reply.exchange)
        return Result(State.PASS, said, reply.exchange)
