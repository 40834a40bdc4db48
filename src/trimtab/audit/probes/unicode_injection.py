"""Text that means something to another program, and must mean nothing here."""

import re

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_page, some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

PLAIN = "audit"
PRODUCT = str(1337 * 7331)
CASES = (
    ("quotes as in SQL", "S'; --"),
    ("a template", "{{1337*7331}} ${1337*7331}"),
    ("a line break as in a header", "a\r\nX-Audit-Injected: yes"),
    ("a path", "../../x"),
    ("markup", "<b>audit</b>"),
)
_SQL = re.compile(r"syntax error|sqlite3?\.|psycopg|ORA-\d{5}|unterminated quoted|SQLSTATE", re.IGNORECASE)


class InertText:
    """Text like SQL, templates, headers, paths and markup is only text: refused, or answered like any other.

    WARN where it stands unescaped in a page; FAIL for 5xx, or where it was evaluated, became a
    header, or met SQL.
    """

    about = About(
        id="unicode.injection",
        number=22,
        category=Category.UNICODE,
        severity=Severity.SHOULD,
        weight=3,
        title="Text with a meaning elsewhere stays text",
        why="What is put together as text can be taken apart as commands: in a query, a template, a log, a page.",
        mend="Bind values in queries, never build templates or headers from input, answer with JSON only.",
    )

    def run(self, service: Service) -> Result:
        """Send each in a text field, or in the first one where there is none."""
        field = next((field for field in service.fields if field.kind == "string"), service.fields[0])
        asked = (
            (what, text, service.post(service.with_value(field.name, text))) for what, text in some(service, CASES)
        )
        plain = service.post(service.with_value(field.name, PLAIN))
        return worst(self._judge(what, text, reply, plain) for what, text, reply in asked)

    def _judge(self, what: str, text: str, reply: Reply, plain: Reply) -> Result:
        if reply.broke:
            return Result(State.FAIL, f"{what}: {reply.told}", reply.exchange)
        if PRODUCT in reply.text:
            return Result(State.FAIL, f"{what}: it was evaluated", reply.exchange)
        if "x-audit-injected" in reply.headers:
            return Result(State.FAIL, f"{what}: it became a header of the answer", reply.exchange)
        if _SQL.search(reply.text) and not _SQL.search(plain.text):
            return Result(State.FAIL, f"{what}: the answer speaks of SQL", reply.exchange)
        if is_page(reply) and text in reply.text:
            return Result(State.WARN, f"{what}: it stands unescaped in a page", reply.exchange)
        return Result(State.PASS, f"{what}: {reply.told}", reply.exchange)
