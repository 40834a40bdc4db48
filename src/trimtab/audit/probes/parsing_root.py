"""JSON whose root is something else."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, judge_refusal, worst
from trimtab.audit.questions import some
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class WrongRoot:
    """A text, a number and an empty list (or an empty object where rows are a list) instead of the body.

    The rule of refusals, without a field; WARN where an empty list is answered.
    """

    about = About(
        id="parsing.root",
        number=19,
        category=Category.PARSING,
        severity=Severity.SHOULD,
        weight=1,
        title="A root of another type is refused",
        why="`body['age']` on a list is an exception, and an exception is a 500.",
        mend="Type the body with a pydantic model instead of reading `await request.json()`.",
    )

    def run(self, service: Service) -> Result:
        """Send valid JSON that is no request."""
        other: object = {} if isinstance(service.seed, list) else []
        cases: tuple[object, ...] = (other, "text", 42)
        return worst(self._judge(service, value, service.post(value)) for value in some(service, cases, quick=1))

    def _judge(self, service: Service, value: object, reply: Reply) -> Result:
        if reply.accepted and value == []:
            return Result(State.WARN, f"an empty list is answered with {reply.told}", reply.exchange)
        result = judge_refusal(service, reply)
        return Result(result.state, result.said.replace("the request", f"{value!r}"), reply.exchange)
