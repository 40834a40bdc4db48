"""What the owner knows must not matter (an invariance test; Ribeiro et al. 2020)."""

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import ask_once, closeness
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

SLACK = 1e-9


class Invariance:
    """Each declared invariance: the answer is the same for each of the values.

    FAIL where one of the values changes the answer.
    """

    about = About(
        id="behaviour.invariance",
        number=47,
        category=Category.BEHAVIOUR,
        severity=Severity.SHOULD,
        weight=3,
        title="What you declared irrelevant does not change the answer",
        why="A decision that changes with a name or a customer number was made for the wrong reason.",
        mend="Drop the field before training, and look for others that stand for it.",
    )

    def run(self, service: Service) -> Result:
        """Replace each field's value by the declared ones."""
        declared = service.declared.invariances
        if not declared:
            return Result(State.NOT_APPLICABLE, "no invariance is declared")
        return worst(self._judge(service, name, value) for name, values in declared for value in values)

    def _judge(self, service: Service, name: str, value: object) -> Result:
        reply = ask_once(service, service.with_value(name, value))
        answer, first = service.answer(reply), service.answer(service.first)
        if answer is None or first is None:
            return Result(State.ERROR, f"'{name}' = {value!r}: {reply.told}, nothing to compare", reply.exchange)
        distance = closeness(list(answer.said), list(first.said))
        if distance > SLACK:
            return Result(State.FAIL, f"'{name}' = {value!r} changes the answer", reply.exchange)
        return Result(State.PASS, f"'{name}' = {value!r} leaves the answer", reply.exchange)
