"""JSON that is called something else."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service, encode


class WrongMediaType:
    """A valid body as text/plain, as a form, and without a Content-Type, which a client may leave out.

    PASS for 415, WARN for another 4xx or an answer, FAIL for 5xx.
    """

    about = About(
        id="parsing.media_type",
        number=16,
        category=Category.PARSING,
        severity=Severity.SHOULD,
        weight=2,
        title="Another media type is answered 415",
        why="A 422 about fields hides that only the header was wrong; and browsers send text/plain to any site.",
        mend="Check the Content-Type in a dependency and raise HTTPException(415).",
    )

    def run(self, service: Service) -> Result:
        """Send the valid body with other types."""
        cases = ("text/plain", "application/x-www-form-urlencoded", "")
        body = encode(service.seed)
        return worst(self._judge(kind, service.post_raw(body, kind)) for kind in some(service, cases, quick=1))

    def _judge(self, kind: str, reply: Reply) -> Result:
        what = f"as {kind or 'no type at all'}: {reply.told}"
        if reply.broke:
            return Result(State.FAIL, what, reply.exchange)
        if reply.status == 415 or not kind:
            return Result(State.PASS, what, reply.exchange)
        return Result(State.WARN, what, reply.exchange)
