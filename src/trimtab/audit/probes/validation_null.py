"""A value that is not there although its field is."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_flagged, refuses
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Field, Service, spread


class NullValue:
    """null in each field that is not declared nullable.

    The rule of refusals; answered with a warning in the answer is PASS, in silence and not required WARN.
    """

    about = About(
        id="validation.null",
        number=7,
        category=Category.VALIDATION,
        severity=Severity.MUST,
        weight=4,
        title="null is refused, or declared",
        why="Missing values are the most frequent bad input; a caller must know whether they are answered or refused.",
        mend="Write `float | None` where the model handles missing values, and plain `float` where it does not.",
    )

    def run(self, service: Service) -> Result:
        """Send null in the fields that do not declare it."""
        fields = [field for field in service.fields if not field.nullable]
        if not fields:
            return Result(State.NOT_APPLICABLE, "every field is declared nullable")
        return worst(self._judge(service, field) for field in spread(fields, service.budget.fields))

    def _judge(self, service: Service, field: Field) -> Result:
        reply = service.post(service.with_value(field.name, None))
        if not reply.accepted:
            return refuses(service, reply, field)
        if is_flagged(reply):
            return Result(State.PASS, f"'{field.name}': null answered, with a warning", reply.exchange)
        if field.declared and field.required:
            return refuses(service, reply, field)
        said = f"'{field.name}': null answered without a word, and it is not declared nullable"
        return Result(State.WARN, said, reply.exchange)
