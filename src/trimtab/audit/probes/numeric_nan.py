"""NaN, which is no JSON although many parsers take it."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import judge_not_finite, numbers, some
from trimtab.audit.result import Category, Result, Severity
from trimtab.audit.service import Service


class NotANumber:
    """The literal NaN in numeric fields.

    PASS where it is refused (no field need be named: the text is no JSON), WARN where it is answered as a missing value
    and says so or declares it, FAIL where it is answered like a number, or with 5xx.
    """

    about = About(
        id="numeric.nan",
        number=10,
        category=Category.NUMERIC,
        severity=Severity.MUST,
        weight=4,
        title="NaN is refused",
        why="Python's JSON parser takes NaN; the model then answers with a meaningless number, or the service fails.",
        mend="Declare the field as pydantic.FiniteFloat, and answer 422 without echoing the input: FastAPI's own "
        "handler cannot write NaN back and turns the refusal into a 500.",
    )

    def run(self, service: Service) -> Result:
        """Send NaN in numbers."""
        asked = (
            (field, service.post_raw(service.spliced(field.name, "NaN")))
            for field in some(service, numbers(service)[:3], quick=1)
        )
        return worst(judge_not_finite(service, reply, field, "NaN") for field, reply in asked)
