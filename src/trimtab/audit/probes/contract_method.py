"""The wrong verb."""

from collections.abc import Iterator

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_page, some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class WrongMethod:
    """GET, HEAD and OPTIONS on the predict route; PUT and DELETE are never sent.

    PASS for 405 with Allow, WARN for another refusal, FAIL for 5xx or an answer as if to POST.
    """

    about = About(
        id="contract.method",
        number=44,
        category=Category.CONTRACT,
        severity=Severity.SHOULD,
        weight=1,
        title="Another method is answered 405",
        why="A 404 sends somebody looking for the wrong address; a 200 lets a crawler ask for predictions.",
        mend="FastAPI does this by itself; do not catch all paths with one route.",
    )

    def run(self, service: Service) -> Result:
        """Ask with other methods."""
        item = ((service.openapi or {}).get("paths") or {}).get(service.route) or {}
        if "get" in item:
            return Result(State.NOT_APPLICABLE, "GET is declared for this route")
        return worst(self._ask(service))

    def _ask(self, service: Service) -> Iterator[Result]:
        got = service.get(service.path)
        if got.broke or (got.accepted and not is_page(got)):
            yield Result(State.FAIL, f"GET: {got.told}", got.exchange)
        elif got.status == 405 and "allow" in got.headers:
            yield Result(State.PASS, "GET: HTTP 405 with Allow", got.exchange)
        else:
            yield Result(State.WARN, f"GET: {got.told}, without Allow", got.exchange)
        for method in some(service, ("HEAD", "OPTIONS"), quick=0):
            reply = service.get(service.path, method=method)
            yield Result(State.FAIL if reply.broke else State.PASS, f"{method}: {reply.told}", reply.exchange)
