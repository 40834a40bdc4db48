"""Infinity, which is no JSON either."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import judge_not_finite, numbers, some
from trimtab.audit.result import Category, Result, Severity
from trimtab.audit.service import Service


class Infinite:
    """The literals Infinity and -Infinity in numeric fields.

    Judged as `numeric.nan`.
    """

    about = About(
        id="numeric.infinity",
        number=11,
        category=Category.NUMERIC,
        severity=Severity.MUST,
        weight=3,
        title="Infinity is refused",
        why="A division by zero upstream arrives as Infinity; a linear model answers NaN, a tree its last leaf.",
        mend="Declare the field as pydantic.FiniteFloat, and answer 422 without echoing the input.",
    )

    def run(self, service: Service) -> Result:
        """Send both infinities in numbers."""
        cases = [(field, text) for field in numbers(service)[:2] for text in ("Infinity", "-Infinity")]
        asked = (
            (field, text, service.post_raw(service.spliced(field.name, text))) for field, text in some(service, cases)
        )
        return worst(judge_not_finite(service, reply, field, text) for field, text, reply in asked)
