"""What an error repeats."""

from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service, encode

CANARY = "canary-51c07e"


class NoEcho:
    """A wrong value and a header that can be recognised: neither comes back in the refusal.

    WARN where the value comes back, FAIL where a header does.
    """

    about = About(
        id="errors.echo",
        number=38,
        category=Category.ERRORS,
        severity=Severity.SHOULD,
        weight=2,
        title="Errors do not repeat what was sent",
        why="What an error repeats, each log and proxy on the way keeps: names, incomes, diagnoses, keys.",
        mend="An exception handler for RequestValidationError that drops `input` and `ctx` from each error.",
    )

    def run(self, service: Service) -> Result:
        """Send both in a request that must be refused."""
        field = next((field for field in service.fields if field.kind != "string"), service.fields[0])
        body = encode(service.with_value(field.name, [f"{CANARY}-body"]))
        reply = service.post_raw(body, headers={"X-Audit-Canary": f"{CANARY}-header"})
        if f"{CANARY}-header" in reply.text:
            return Result(State.FAIL, "the refusal repeats the request's headers", reply.exchange)
        if reply.accepted:
            return Result(State.NOT_APPLICABLE, "the request was answered", reply.exchange)
        if f"{CANARY}-body" in reply.text:
            return Result(State.WARN, "the refusal repeats the value that was sent", reply.exchange)
        return Result(State.PASS, "the refusal repeats nothing of it", reply.exchange)
