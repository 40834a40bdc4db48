"""A body that is far too deep."""

from trimtab.audit.probe import About
from trimtab.audit.questions import ask_again
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

LEVELS = 20_000


class DeepNesting:
    """20,000 lists inside each other, then a valid call.

    PASS for 4xx, WARN for an answer, FAIL for 5xx, a dropped connection, or a service that is gone.
    """

    about = About(
        id="parsing.nesting",
        number=18,
        category=Category.PARSING,
        severity=Severity.MUST,
        weight=3,
        title="20,000 levels of nesting are refused",
        why="40 kB of brackets overflow the stack of a recursive parser: one request stops the service for all.",
        mend="Catch RecursionError where the body is read and answer 400; pydantic's JSON reader stops at 200 levels.",
    )

    def run(self, service: Service) -> Result:
        """Send it, then ask something valid."""
        raw = "[" * LEVELS + "]" * LEVELS
        reply = service.post_raw(service.spliced(service.fields[0].name, raw))
        if reply.broke:
            return Result(State.FAIL, f"{LEVELS:,} levels: {reply.told}", reply.exchange)
        after = ask_again(service)
        if not after.accepted:
            return Result(State.FAIL, f"after {LEVELS:,} levels a valid request gets {after.told}", reply.exchange)
        state = State.WARN if reply.accepted else State.PASS
        return Result(state, f"{LEVELS:,} levels: {reply.told}", reply.exchange)
