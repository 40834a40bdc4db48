"""Numbers at the edge of what a double is."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import numbers, some, survives
from trimtab.audit.result import Category, Result, Severity
from trimtab.audit.service import Service

CASES = (("an integer of 5,000 digits", "7" * 5_000), ("1e-320", "1e-320"), ("-0.0", "-0.0"))


class Extremes:
    """An integer of 5,000 digits, a denormal number, minus zero: refused or answered, never a failure.

    FAIL for 5xx, a dropped connection, no answer in time, or an answer that is not finite.
    """

    about = About(
        id="numeric.extremes",
        number=13,
        category=Category.NUMERIC,
        severity=Severity.SHOULD,
        weight=1,
        title="Extreme numbers do not break the service",
        why="Python refuses to read integers of more than 4,300 digits with an exception that few handlers expect.",
        mend="Catch ValueError where the body is read and answer 400; pydantic's own JSON reader does so.",
    )

    def run(self, service: Service) -> Result:
        """Send each in one numeric field."""
        asked = (
            (what, service.post_raw(service.spliced(field.name, text)))
            for field in numbers(service)[:1]
            for what, text in some(service, CASES, quick=1)
        )
        return worst(survives(reply, what) for what, reply in asked)
