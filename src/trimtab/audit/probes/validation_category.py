"""A category that the model has never seen."""

from collections.abc import Iterator

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import is_flagged, is_open_text, refuses, some, survives
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Field, Service

UNSEEN = "never-seen-before"


class UnseenCategory:
    """An unseen category, another case, a leading space, an empty text.

    A field of open text takes any text, and so does one that declares no categories and does not change the answer: a
    key, a name. A case or a space that is normalised, so that the answer is the same, is right.

    Refused by name, or answered with a warning in the answer, is PASS. Answered in silence is WARN, and FAIL against a
    declared list of categories. 5xx, a dropped connection or no answer in time is FAIL.
    """

    about = About(
        id="validation.category",
        number=8,
        category=Category.VALIDATION,
        severity=Severity.MUST,
        weight=5,
        title="An unseen category is refused, or the answer says so",
        why="New categories come every week: the service fails of them, or answers as though it knew them.",
        mend="Declare `Literal[...]`, or encode with `handle_unknown='ignore'` and add a warning to the answer.",
    )

    def run(self, service: Service) -> Result:
        """Send odd texts in the fields that hold categories."""
        fields = [field for field in service.sample("string") if not field.format][: 1 if service.quick else 3]
        return worst(result for field in fields for result in self._ask(service, field))

    def _ask(self, service: Service, field: Field) -> Iterator[Result]:
        known = service.row().get(field.name)
        text = known if isinstance(known, str) and known else "a"
        for value in some(service, (UNSEEN, "", text.swapcase(), f" {text}"), quick=3):
            if value not in field.enum and value != text:
                yield self._judge(service, field, value, service.post(service.with_value(field.name, value)))

    def _judge(self, service: Service, field: Field, value: str, reply: Reply) -> Result:
        what = f"'{field.name}': {value!r}"
        if not reply.accepted:
            return refuses(service, reply, field)
        if is_open_text(service, field):
            return survives(reply, what)
        if is_flagged(reply):
            return Result(State.PASS, f"{what} answered, with a warning", reply.exchange)
        told = bool(field.enum or field.known)
        if service.stable(reply) == service.stable(service.first) and (not told or (value.strip() and value != UNSEEN)):
            why = "like the category it stands for" if told else "alike: nothing says that it is a category"
            return Result(State.PASS, f"{what} answered {why}", reply.exchange)
        state = State.FAIL if field.enum else State.WARN
        why = "although it is not one of the declared categories" if field.enum else "as though it were known"
        return Result(state, f"{what} answered without a word, {why}", reply.exchange)
