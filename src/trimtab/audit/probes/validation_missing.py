"""A field that was forgotten."""

from collections.abc import Iterator

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_flagged, refuses, survives
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Field, Service, spread


class FieldMissing:
    """Each required field left out, one at a time.

    The rule of refusals; answered with a warning in the answer is PASS, and so is any answer without an optional
    field. WARN where it is answered in silence and no document says that the field is required.
    """

    about = About(
        id="validation.missing",
        number=5,
        category=Category.VALIDATION,
        severity=Severity.MUST,
        weight=4,
        title="A missing field is refused by name",
        why="Whoever forgot a field gets an answer about somebody else, or an error that does not say what to add.",
        mend="Give required fields no default in the pydantic model; FastAPI then answers 422 with the field's name.",
    )

    def run(self, service: Service) -> Result:
        """Leave out each required field; where none is, leave out fields that only the example shows."""
        required = [field for field in service.fields if field.required]
        asked = spread(required or [field for field in service.fields if not field.declared], service.budget.fields)
        if not asked:
            return worst(self._optional(service))
        return worst(self._judge(service, field) for field in asked)

    def _judge(self, service: Service, field: Field) -> Result:
        reply = service.post(service.without(field.name))
        if not reply.accepted:
            return refuses(service, reply, field)
        if is_flagged(reply):
            return Result(State.PASS, f"'{field.name}': answered, with a warning", reply.exchange)
        if field.declared:
            return refuses(service, reply, field)
        said = f"'{field.name}': answered without it and without a word, and no document says that it is optional"
        return Result(State.WARN, said, reply.exchange)

    def _optional(self, service: Service) -> Iterator[Result]:
        for field in service.sample():
            yield survives(service.post(service.without(field.name)), f"without '{field.name}', which is optional")
