"""Numbers that are valid JSON and no double."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import judge_not_finite, numbers
from trimtab.audit.result import Category, Result, Severity
from trimtab.audit.service import Service


class Overflow:
    """1e400, which parsers read as infinity, and the text "NaN", which some convert.

    Judged as `numeric.nan`.
    """

    about = About(
        id="numeric.overflow",
        number=12,
        category=Category.NUMERIC,
        severity=Severity.MUST,
        weight=2,
        title='1e400 and the text "NaN" are refused',
        why="Both pass a check for valid JSON and arrive at the model as infinity and as NaN.",
        mend='Declare the field as pydantic.FiniteFloat in strict mode: then 1e400 and "NaN" are answered 422.',
    )

    def run(self, service: Service) -> Result:
        """Send both in one numeric field."""
        asked = (
            (field, text, service.post_raw(service.spliced(field.name, text)))
            for field in numbers(service)[:1]
            for text in ("1e400", '"NaN"')
        )
        return worst(judge_not_finite(service, reply, field, text) for field, text, reply in asked)
