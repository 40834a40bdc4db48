"""A route that says that the process lives."""

from trimtab.audit.probe import About
from trimtab.audit.questions import find_liveness, read_once
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

SLOW = 0.5


class Liveness:
    """GET at the declared or usual places is answered 200, soon.

    WARN where only / answers, or after more than 500 ms; FAIL where there is none. A web page does not count.
    """

    about = About(
        id="operability.liveness",
        number=30,
        category=Category.OPERABILITY,
        severity=Severity.MUST,
        weight=3,
        title="There is a liveness route",
        why="Without one, nothing can tell a hanging process from a quiet one, so nobody restarts it.",
        mend="`@app.get('/livez')` that answers 200 without touching the model or a database.",
    )

    def run(self, service: Service) -> Result:
        """Look for it."""
        found = find_liveness(service)
        if found is None:
            root = read_once(service, "/")
            if root.status == 200:
                return Result(State.WARN, "only / answers", root.exchange)
            return Result(State.FAIL, "none at the usual places", root.exchange)
        again = service.get(found.exchange.url) if found.seconds > SLOW else found
        if again.seconds > SLOW:
            return Result(State.WARN, f"{found.exchange.url} takes {found.seconds:.1f} s", found.exchange)
        return Result(State.PASS, f"{found.exchange.url} answers 200", found.exchange)
