"""A way for the truth to come back."""

from trimtab.audit.answer import split_words
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_WORDS = {"feedback", "label", "labels", "outcome", "outcomes", "truth", "actual", "actuals", "ground"}


class Feedback:
    """A declared route for outcomes; it is not called.

    MANUAL where none is declared: outcomes may be joined elsewhere.
    """

    about = About(
        id="operability.feedback",
        number=35,
        category=Category.OPERABILITY,
        severity=Severity.INFORMATIVE,
        weight=0,
        title="What really happened can be told to the service",
        why="Without outcomes nobody knows how good the answers are; from elsewhere, somebody has to join them.",
        mend="`@app.post('/outcomes')` that takes the prediction's id and the value, or a join that you declare.",
    )

    def run(self, service: Service) -> Result:
        """Look for it in the document."""
        if service.declared.feedback:
            return Result(State.PASS, f"you declared {service.declared.feedback}")
        paths = (service.openapi or {}).get("paths") or {}
        found = next((path for path in paths if _WORDS & set(split_words(path))), "")
        if found:
            return Result(State.PASS, f"{found} is declared")
        return Result(State.MANUAL, "no such route is declared: see whether outcomes are joined elsewhere")
