"""Keys that stand twice, or that nobody asked for."""

from collections.abc import Iterator

from trimtab.audit.probe import About, worst
from trimtab.audit.questions import closeness, is_flagged
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service, encode

EXTRA = "field_that_nobody_declared"


class DuplicateKeys:
    """A key that stands twice with different values, and a field that nobody declared.

    PASS where both are refused or told in the answer, WARN where they pass in silence, FAIL for 5xx, or where the
    unknown field changes the answer.
    """

    about = About(
        id="parsing.duplicates",
        number=20,
        category=Category.PARSING,
        severity=Severity.SHOULD,
        weight=2,
        title="Duplicate keys and unknown fields do not pass silently",
        why="A misspelt optional field is ignored for years, and of two values nobody knows which one was answered.",
        mend="`model_config = {'extra': 'forbid'}`; for duplicates, read the body with `object_pairs_hook`.",
    )

    def run(self, service: Service) -> Result:
        """Send both."""
        if service.shape.kind not in {"flat", "wrapped", "rows"}:
            return Result(State.NOT_APPLICABLE, "fields are no keys here")
        return worst(self._ask(service))

    def _ask(self, service: Service) -> Iterator[Result]:
        name = service.fields[0].name
        twice = service.spliced(name, f"null,{encode(name).decode()}:{encode(service.row().get(name)).decode()}")
        extra = encode(service.with_row({**service.row(), EXTRA: 1}))
        for what, body in (("a key that stands twice", twice), ("an unknown field", extra)):
            reply = service.post_raw(body)
            if reply.broke:
                yield Result(State.FAIL, f"{what}: {reply.told}", reply.exchange)
            elif not reply.accepted or is_flagged(reply):
                yield Result(State.PASS, f"{what}: {reply.told}", reply.exchange)
            elif body == extra and closeness(service.stable(reply), service.stable(service.first)) > 1e-9:
                yield Result(State.FAIL, f"{what} changes the answer", reply.exchange)
            else:
                yield Result(State.WARN, f"{what} passes silently", reply.exchange)
