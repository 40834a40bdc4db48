"""What must not matter: order, white space, company."""

from collections.abc import Iterator
from typing import Any

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import closeness, reorder
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service
from trimtab.audit.variation import ask_varied

ROUNDING = 1e-6


class OrderAndCompany:
    """Keys in the opposite order with white space; and a row among others, where several can be sent at once.

    FAIL where an answer differs by more than 1e-6.
    """

    about = About(
        id="behaviour.order",
        number=24,
        category=Category.BEHAVIOUR,
        severity=Severity.SHOULD,
        weight=2,
        title="Order of keys, white space and other rows do not change an answer",
        why="An encoder that goes by position gives nonsense to every client that writes keys in its own order.",
        mend="Build the row by name: `pd.DataFrame([row])[model.feature_names_in_]`.",
    )

    def run(self, service: Service) -> Result:
        """Compare answers that should be equal."""
        return worst(self._ask(service))

    def _ask(self, service: Service) -> Iterator[Result]:
        turned = service.post_raw(reorder(service.seed))
        yield self._judge("another order of keys", turned, service.stable(turned), service.stable(service.first))
        varied = ask_varied(service) if service.shape.batches else []
        if not varied:
            return
        row = service.shape.read(_payload(varied[0].reply))
        both = service.post(service.with_rows([row, service.row()]))
        parts = _split(service.stable(both), 2)
        singles = [_split(service.stable(reply), 1) for reply in (varied[0].reply, service.first)]
        if both.accepted and (parts is None or None in singles):
            return
        alone = [single[0] for single in singles if single]
        yield self._judge("two rows together", both, parts, alone)

    def _judge(self, what: str, reply: Reply, one: Any, other: Any) -> Result:
        if not reply.accepted:
            return Result(State.FAIL, f"{what}: {reply.told}", reply.exchange)
        distance = closeness(one, other)
        if distance > ROUNDING:
            return Result(State.FAIL, f"{what}: another answer, by {distance:g}", reply.exchange)
        return Result(State.PASS, f"{what}: the same answer", reply.exchange)


def _payload(reply: Reply) -> Any:
    import json

    return json.loads(reply.exchange.body or b"null")


def _split(value: Any, rows: int) -> list[Any] | None:
    """Return the answers of single rows: the first list of that many items."""
    if isinstance(value, list) and len(value) == rows:
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in inner if (found := _split(item, rows)) is not None), None)
