"""What an error tells of the house."""

import re

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_INSIDE = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|site-packages|node_modules|sqlalchemy\.exc"
    r"|\bat \S+ \((?:/|file:|node:)|/home/\w+/|/usr/(?:local/)?lib/python|[A-Z]:\\\\?Users\\|AWS_SECRET|DATABASE_URL"
)
_SERVER = re.compile(r"[A-Za-z]+/\d+\.\d+")


class NothingLeaks:
    """No answer so far holds a stack trace, a path of the machine or a secret's name; no header a server's version.

    WARN for a server's version in a header, FAIL for anything else.
    """

    about = About(
        id="errors.leak",
        number=37,
        category=Category.ERRORS,
        severity=Severity.MUST,
        weight=5,
        title="No stack trace, path or secret in any answer",
        why="File paths, library versions and settings are what an attacker looks for first.",
        mend="Run without debug; a handler for Exception that logs the trace and answers 500 with an id only.",
    )

    def run(self, service: Service) -> Result:
        """Read all answers so far again."""
        for reply in service.client.history:
            seen = _INSIDE.search(reply.text) if not _is_document(reply) else None
            if seen:
                return Result(State.FAIL, f"an answer shows {seen.group()[:60]!r}", reply.exchange)
        shown = [name for name in ("server", "x-powered-by") if _SERVER.search(service.first.headers.get(name, ""))]
        if shown:
            said = f"the header {shown[0]} tells a version: {service.first.headers[shown[0]][:60]}"
            return Result(State.WARN, said, service.first.exchange)
        return Result(State.PASS, f"nothing in {len(service.client.history)} answers")


def _is_document(reply: Reply) -> bool:
    """Whether an answer is the service's own description, whose examples may hold anything."""
    value = reply.json() if reply.exchange.method == "GET" else None
    return isinstance(value, dict) and "paths" in value
