"""The role of a probe, and the rules that many of them share."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.audit.client import Reply
from trimtab.audit.result import WORST_FIRST, Category, Result, Severity, State
from trimtab.audit.service import Service

RUBRIC = 1
"""Version of the rubric: raised where a probe, a severity, a weight or a rule of judgement changes."""


@dataclass(frozen=True, slots=True)
class About:
    """What a probe is: its id and place in the rubric, why it matters to a user of the service, how to mend it."""

    id: str
    number: int
    category: Category
    severity: Severity
    weight: int
    title: str
    why: str
    mend: str


class Probe(Protocol):
    """One question to a service. `run` sends requests through the service's client only, and judges.

    It may let any exception out: that becomes the state ERROR, which never passes.
    """

    @property
    def about(self) -> About:
        """What it asks, and why."""
        ...

    def run(self, service: Service) -> Result:
        """Ask and judge."""
        ...


def judge_refusal(service: Service, reply: Reply, field: str = "") -> Result:
    """Return the default judgement of a request that cannot be right.

    PASS where it is refused with 4xx and the answer names the field (or no field is to be named); WARN where the field
    is not named; FAIL where the service fails, drops the connection, takes too long, or answers 2xx.
    """
    what = f"'{field}'" if field else "the request"
    if reply.broke:
        return Result(State.FAIL, f"{what}: {reply.told} instead of a refusal", reply.exchange)
    if reply.accepted:
        return Result(State.FAIL, f"{what}: accepted with {reply.told}", reply.exchange)
    if not reply.rejected:
        return Result(State.FAIL, f"{what}: answered with {reply.told}", reply.exchange)
    if field and not service.names_field(reply, field):
        return Result(State.WARN, f"{what}: refused with {reply.told}, but the field is not named", reply.exchange)
    return Result(State.PASS, f"{what}: refused with {reply.told}", reply.exchange)


def worst(results: Iterable[Result]) -> Result:
    """Return the worst result, which also says how many of all are like it. Nothing asked is N/A."""
    every = list(results)
    if not every:
        return Result(State.NOT_APPLICABLE, "nothing to ask about")
    first = min(every, key=lambda result: WORST_FIRST.index(result.state))
    alike = [result for result in every if result.state == first.state]
    if len(every) == 1:
        return first
    said = "; ".join(dict.fromkeys(result.said for result in alike[:4]))
    more = f" and {len(alike) - 4} more" if len(alike) > 4 else ""
    return replace(first, said=f"{said}{more} ({len(alike)} of {len(every)})")
