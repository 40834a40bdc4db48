"""Text that is odd, and text that is none."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import some, survives
from trimtab.audit.result import Category, Result, Severity
from trimtab.audit.service import Service

CASES: tuple[tuple[str, str | bytes], ...] = (
    ("a lone surrogate", r'"\ud800"'),
    ("invalid UTF-8", b'"\xff\xfe"'),
    ("a NUL", r'"a\u0000b"'),
    ("an emoji", '"\N{GRINNING FACE}"'),
    ("a right-to-left override", '"\N{RIGHT-TO-LEFT OVERRIDE}abc"'),
    ("a composed letter", '"\N{LATIN SMALL LETTER E WITH ACUTE}"'),
    ("a decomposed letter", '"e\N{COMBINING ACUTE ACCENT}"'),
)


class OddText:
    """A lone surrogate, bytes that are no UTF-8, NUL, emoji and others: refused or answered, never a failure.

    FAIL for 5xx, a dropped connection, or no answer in time.
    """

    about = About(
        id="unicode.text",
        number=21,
        category=Category.UNICODE,
        severity=Severity.MUST,
        weight=3,
        title="Odd text does not break the service",
        why="Names, copied web pages and old files hold all of these; a 500 for them is a 500 for real customers.",
        mend="Do not echo input: FastAPI's own 422 cannot write a lone surrogate back. Decode strictly, answer 400.",
    )

    def run(self, service: Service) -> Result:
        """Send each in a text field, or in the first one where there is none."""
        field = next((field for field in service.fields if field.kind == "string"), service.fields[0])
        asked = (
            (what, service.post_raw(service.spliced(field.name, raw))) for what, raw in some(service, CASES, quick=3)
        )
        return worst(survives(reply, what) for what, reply in asked)
