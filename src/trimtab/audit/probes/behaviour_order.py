"""What must not matter: order, white space, company."""

import json
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
        row = service.shape.read(json.loads(varied[0].reply.exchange.body or b"null"))
        both = service.post(service.with_rows([row, service.row()]))
        if not both.accepted:
            yield self._judge("two rows together", both, None, None)
        for place, single in enumerate((varied[0].reply, service.first)):
            found = _find_rows(service.stable(both), service.stable(single))
            if both.accepted and found is not None:
                yield self._judge("two rows together", both, found[0][place], found[1])

    def _judge(self, what: str, reply: Reply, one: Any, other: Any) -> Result:
        if not reply.accepted:
            return Result(State.FAIL, f"{what}: {reply.told}", reply.exchange)
        distance = closeness(one, other)
        if distance > ROUNDING:
            return Result(State.FAIL, f"{what}: another answer, by {distance:g}", reply.exchange)
        return Result(State.PASS, f"{what}: the same answer", reply.exchange)


def _find_rows(both: Any, single: Any) -> tuple[list[Any], Any] | None:
    """Return the answers to two rows, and the one to a single row: the list that is longer by one."""
    if isinstance(both, dict) and isinstance(single, dict):
        pairs = [(item, single[name]) for name, item in both.items() if name in single]
    elif isinstance(both, list) and isinstance(single, list):
        if (len(both), len(single)) == (2, 1):
            return both, single[0]
        pairs = list(zip(both, single, strict=False))
    else:
        return None
    return next((found for pair in pairs if (found := _find_rows(*pair)) is not None), None)
