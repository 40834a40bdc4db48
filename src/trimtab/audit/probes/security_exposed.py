"""Files that nobody should read."""

import re

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import is_page
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_FILES = {
    "/.env": re.compile(rb"^\s*(export\s+)?[A-Z][A-Z0-9_]*\s*=", re.MULTILINE),
    "/.git/HEAD": re.compile(rb"\A(ref: refs/|[0-9a-f]{40}\s*\Z)"),
}


class SecretFiles:
    """Two files that a careless copy of the project leaves readable; only these two are asked for.

    FAIL where one of them can be read; a web page that answers every path is none.
    """

    about = About(
        id="security.exposed",
        number=42,
        category=Category.SECURITY,
        severity=Severity.MUST,
        weight=2,
        title="/.env and /.git are not served",
        why="Passwords and the whole source are the first things that scanners of the internet ask for.",
        mend="Serve no folder of the project; mount static files from a folder of their own.",
    )

    def run(self, service: Service) -> Result:
        """Ask for both."""
        for path, content in _FILES.items():
            reply = service.get(path)
            if _holds(reply, content):
                return Result(State.FAIL, f"{path} can be read", reply.exchange)
        return Result(State.PASS, f"{' and '.join(_FILES)} cannot be read")


def _holds(reply: Reply, content: re.Pattern[bytes]) -> bool:
    return reply.status == 200 and not is_page(reply) and bool(content.search(reply.body))
