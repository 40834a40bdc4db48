"""What the owner knows of the world: more of this, more of that (a directional expectation; Ribeiro et al. 2020)."""

from collections.abc import Iterator

from trimtab.audit.client import Reply
from trimtab.audit.probe import About, worst
from trimtab.audit.questions import ask_once
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

SLACK = 1e-9


class Direction:
    """Each declared direction: where a field grows, the answer must not go the other way.

    FAIL where a step goes the other way; a step that changes nothing is fine.
    """

    about = About(
        id="behaviour.direction",
        number=46,
        category=Category.BEHAVIOUR,
        severity=Severity.SHOULD,
        weight=3,
        title="The answer goes where you declared",
        why="A model that has learnt that more income means less credit is wrong, whatever its metric says.",
        mend="Look at the slice that taught it; where it must hold, use monotone constraints (`monotone_constraints`).",
    )

    def run(self, service: Service) -> Result:
        """Raise each field in steps."""
        if not service.declared.directions:
            return Result(State.NOT_APPLICABLE, "no direction is declared")
        return worst(result for name, way in service.declared.directions for result in self._ask(service, name, way))

    def _ask(self, service: Service, name: str, way: str) -> Iterator[Result]:
        before: tuple[float, float] | None = None
        if not isinstance(service.row().get(name), int | float):
            yield Result(State.ERROR, f"'{name}' is no numeric field of the valid request")
            return
        for value in _steps(service, name):
            reply = ask_once(service, service.with_value(name, value))
            number = _number(service, reply)
            if number is None:
                yield Result(State.ERROR, f"'{name}' = {value:g}: no number to compare in {reply.told}", reply.exchange)
                return
            if before is not None:
                moved = (number - before[1]) * (1 if way == "up" else -1)
                said = f"'{name}' from {before[0]:g} to {value:g}: answer from {before[1]:g} to {number:g}"
                yield Result(State.FAIL if moved < -SLACK else State.PASS, said, reply.exchange)
            before = value, number


def _steps(service: Service, name: str) -> list[float]:
    """Return rising valid values of a field: between its bounds, which may be exclusive, else around the seed's."""
    field, value = service.field(name), float(service.row()[name])
    low, high = sorted((value / 2, value * 2 or 1.0))
    low = low if field.minimum is None else field.minimum
    high = high if field.maximum is None else field.maximum
    steps = [low + share * (high - low) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    if field.kind != "integer":
        return sorted(set(steps))
    whole = {round(step) for step in steps}
    inside = whole - {field.minimum, field.maximum}
    return sorted(inside if len(inside) > 1 else whole)


def _number(service: Service, reply: Reply) -> float | None:
    """Return what can be compared: the probability where there is just one, else a numeric prediction."""
    answer = service.answer(reply)
    if answer is None:
        return None
    if len(answer.probabilities) == 1:
        return next(iter(answer.probabilities.values()))
    plain = isinstance(answer.prediction, int | float) and not isinstance(answer.prediction, bool)
    return float(answer.prediction) if plain else None
