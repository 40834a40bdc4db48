"""A number that cannot be."""

from collections.abc import Iterator

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_finite, is_flagged, numbers, refuses, some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Field, Service


class OutOfRange:
    """A number beyond each declared bound; where none is declared, one that no quantity of this world reaches.

    A field without bounds may take -1: only the service knows what it means.

    Refused by name, or answered with a warning in the answer, is PASS. In silence it is FAIL against a declared bound,
    and WARN for the impossible number where none is declared. 5xx or an answer that is not finite is FAIL.
    """

    about = About(
        id="validation.range",
        number=9,
        category=Category.VALIDATION,
        severity=Severity.SHOULD,
        weight=4,
        title="A number out of range is refused, or the answer says so",
        why="A wrong unit or a shifted column is answered with confidence, far from what the model was fitted on.",
        mend="Declare what is possible, `Field(ge=0, le=120)`, and warn in the answer of what was never trained on.",
    )

    def run(self, service: Service) -> Result:
        """Send numbers out of range."""
        return worst(
            result for field in some(service, numbers(service), quick=1) for result in self._ask(service, field)
        )

    def _ask(self, service: Service, field: Field) -> Iterator[Result]:
        bounds = ((field.minimum, -1), (field.maximum, 1))
        beyond = [bound + step for bound, step in bounds if bound is not None]
        for bound in beyond:
            value = int(bound) if field.kind == "integer" else float(bound)
            yield self._judge(service, field, value, service.post(service.with_value(field.name, value)))
        if not beyond:
            value = 10**30 if field.kind == "integer" else 1e308
            yield self._judge(service, field, value, service.post(service.with_value(field.name, value)))

    def _judge(self, service: Service, field: Field, value: float, reply: Reply) -> Result:
        what = f"'{field.name}': {value:g}"
        if not reply.accepted:
            return refuses(service, reply, field)
        if not is_finite(reply.json()):
            return Result(State.FAIL, f"{what}: the answer is not finite", reply.exchange)
        if is_flagged(reply):
            return Result(State.PASS, f"{what} answered, with a warning", reply.exchange)
        if field.has_bounds:
            return Result(State.FAIL, f"{what} answered, against the declared bound", reply.exchange)
        return Result(State.WARN, f"{what} answered as though it were possible; no bound is declared", reply.exchange)
