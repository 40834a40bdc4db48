"""Valid rows that differ from the seed, made from what each field declares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from trimtab.audit.answer import Answer
from trimtab.audit.client import Reply
from trimtab.audit.questions import ask_once, is_open_text
from trimtab.audit.service import Field, Service
from trimtab.audit.shape import Row

_TEXTS = ("I would buy it again, it is excellent.", "Broken on arrival, a complete waste of money.", "It is blue.")


@dataclass(frozen=True, slots=True)
class Varied:
    """A valid row that was answered: the fields that differ from the seed, and the answer."""

    fields: tuple[str, ...]
    reply: Reply
    answer: Answer


def ask_varied(service: Service) -> list[Varied]:
    """Return the answers to rows that differ from the seed, at most as many as the budget has.

    First each field alone, then all of them together. A row that is refused is left out: the service knows better.
    Asked twice, it sends nothing the second time.
    """
    found = []
    for fields, row in _pick(service, service.budget.varied):
        reply = ask_once(service, service.with_row(row))
        answer = service.answer(reply)
        if answer is not None:
            found.append(Varied(fields, reply, answer))
    return found


def _pick(service: Service, most: int) -> list[tuple[tuple[str, ...], Row]]:
    row = service.row()
    other = {
        field.name: list(other_values(service, field, row[field.name])) for field in service.fields if field.name in row
    }
    single = [
        ((name,), {**row, name: value}) for layer in zip_longest(*_named(other)) for name, value in filter(None, layer)
    ]
    together = []
    for turn in range(most):
        changed = {name: values[turn % len(values)] for name, values in other.items() if values}
        if changed:
            together.append((tuple(changed), {**row, **changed}))
    alone = single[: max(most - 4, most * 2 // 3)]
    return [*alone, *together[: most - len(alone)]]


def _named(other: dict[str, list[Any]]) -> Iterator[list[tuple[str, Any]]]:
    for name, values in other.items():
        yield [(name, value) for value in values]


def other_values(service: Service, field: Field, value: Any) -> Iterator[Any]:
    """Yield values of a field that should be as valid as the one of the seed, the most different first."""
    if field.enum:
        yield from [item for item in field.enum if item != value and item is not None][:4]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from _other_numbers(field, value)
    elif isinstance(value, str) and is_open_text(service, field):
        yield from _TEXTS
    elif isinstance(value, str):
        yield from _other_days(value)


def _other_numbers(field: Field, value: float) -> Iterator[float]:
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        asked = [low + share * (high - low) for share in (0.9, 0.1, 0.5, 0.7, 0.3)]
    else:
        asked = [value * 2, value / 2, value * 3, value * 1.25] if value else [1, 10, 2, 100]
        asked = [one for one in asked if (low is None or one >= low) and (high is None or one <= high)]
    whole = field.kind == "integer" or isinstance(value, int)
    for one in dict.fromkeys(round(number) if whole else round(number, 6) for number in asked):
        if one != value:
            yield one


def _other_days(value: str) -> Iterator[str]:
    """Yield other days where the text begins with one."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return
    for shift in (180, 1, -400):
        yield (day + timedelta(days=shift)).isoformat() + value[10:]
