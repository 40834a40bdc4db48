"""Pages for developers."""

from trimtab.audit.probe import About
from trimtab.audit.questions import some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class OpenPages:
    """/debug and /admin without a key, and /docs where the service asks for one.

    WARN where one of them is open.
    """

    about = About(
        id="security.open_pages",
        number=48,
        category=Category.SECURITY,
        severity=Severity.SHOULD,
        weight=1,
        title="Pages for developers are not open",
        why="A debugger runs code on the machine; documents of a private service tell strangers how to call it.",
        mend="`FastAPI(docs_url=None, openapi_url=None)` where it is private; no debug middleware in production.",
    )

    def run(self, service: Service) -> Result:
        """Ask for them as a stranger."""
        root = service.get("/", anonymous=True)
        private = bool(service.client.private)
        for path in some(service, (*(("/docs",) if private else ()), "/debug", "/admin"), quick=1):
            reply = service.get(path, anonymous=True)
            if reply.status == 200 and reply.body != root.body:
                return Result(State.WARN, f"{path} is open to everybody", reply.exchange)
        return Result(State.PASS, "none of them is open")
