"""What a page of a stranger may do with a visitor's session."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service, encode

ORIGIN = "https://audit.example"


class CrossOrigin:
    """A strange Origin, asked before and with the request. `*` without credentials is a decision, not a fault.

    FAIL where the strange origin is allowed with credentials.
    """

    about = About(
        id="security.cors",
        number=40,
        category=Category.SECURITY,
        severity=Severity.MUST,
        weight=2,
        title="Strange origins get no credentials",
        why="A page that somebody visits could ask the service in that person's name and read the answer.",
        mend="`CORSMiddleware(allow_origins=['https://your.site'])`; never a wildcard together with allow_credentials.",
    )

    def run(self, service: Service) -> Result:
        """Ask as a browser does."""
        ahead = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        before = service.get(service.path, method="OPTIONS", headers=ahead)
        reply = service.post_raw(encode(service.seed), headers={"Origin": ORIGIN})
        for one in (before, reply):
            if _allows(one) == ORIGIN and one.headers.get("access-control-allow-credentials") == "true":
                return Result(State.FAIL, "any origin is allowed, with credentials", one.exchange)
        allowed = _allows(reply) or _allows(before)
        said = f"{allowed} without credentials" if allowed else "a strange origin is not allowed"
        return Result(State.PASS, said, reply.exchange)


def _allows(reply: Reply) -> str:
    return reply.headers.get("access-control-allow-origin", "")
