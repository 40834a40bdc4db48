"""A body without anything in it."""

from trimtab.audit.probe import About, judge_refusal
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class EmptyBody:
    """No bytes at all, as JSON.

    The rule of refusals, without a field; PASS where the document declares the body optional.
    """

    about = About(
        id="parsing.empty",
        number=14,
        category=Category.PARSING,
        severity=Severity.MUST,
        weight=2,
        title="An empty body is refused",
        why="Retries and health checks that are set up wrongly send it; a 500 pages somebody at night.",
        mend="Type the body with a pydantic model and no default: FastAPI then answers 422.",
    )

    def run(self, service: Service) -> Result:
        """Send nothing."""
        reply = service.post_raw(b"")
        body = service.operation.get("requestBody") or {}
        if reply.accepted and service.operation and not body.get("required", False):
            return Result(State.PASS, "the body is declared optional", reply.exchange)
        return judge_refusal(service, reply)
