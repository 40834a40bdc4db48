"""A value of another type."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_flagged, numbers, refuses
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Field, Service


class TypeWrong:
    """Text for a number, a list for a text, an object for anything; a truth value for a number.

    A number written as text ("22") may be read as the number: that is told, not judged.

    The rule of refusals; WARN where true is taken for a number, or an undeclared field takes anything.
    """

    about = About(
        id="validation.type",
        number=6,
        category=Category.VALIDATION,
        severity=Severity.MUST,
        weight=4,
        title="A value of the wrong type is refused by name",
        why="What is silently converted is answered about: `true` as a number can turn one decision into the other.",
        mend="Declare each field's type, and `model_config = {'strict': True}` so that `true` is no number.",
    )

    def run(self, service: Service) -> Result:
        """Send the wrong type in the fields that the budget allows."""
        fields = [field for field in service.sample() if field.kind != "unknown"]
        found = [self._judge(service, field, "abc" if field.kind != "string" else []) for field in fields]
        found += [self._judge(service, field, {}) for field in fields[:1]]
        notes = {}
        for field in numbers(service)[:1]:
            found.append(self._truth(service, field))
            notes["number_as_text_accepted"] = self._as_text(service, field).accepted
        result = worst(found)
        return Result(result.state, result.said, result.exchange, notes)

    def _judge(self, service: Service, field: Field, value: object) -> Result:
        reply = service.post(service.with_value(field.name, value))
        if reply.accepted and (is_flagged(reply) or not field.declared):
            said = f"'{field.name}': {value!r} was answered with {reply.told}"
            return Result(State.WARN, said, reply.exchange)
        return refuses(service, reply, field)

    def _truth(self, service: Service, field: Field) -> Result:
        reply = service.post(service.with_value(field.name, value=True))
        if reply.accepted:
            return Result(State.WARN, f"'{field.name}': true was taken for a number", reply.exchange)
        return refuses(service, reply, field)

    def _as_text(self, service: Service, field: Field) -> Reply:
        return service.post(service.with_value(field.name, str(service.row().get(field.name, 1))))
