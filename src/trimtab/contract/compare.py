"""What changed between two Contracts, and what each change does to a Version that was fitted with the older one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Final, Literal

from trimtab.nouns.contract import Column, Contract, Range, Rule

Effect = Literal["breaks", "widens", "narrows", "neutral"]
"""breaks    a value means something else, or is gone: what a Version was fitted on is no longer what arrives
widens    rows are taken that were refused, or that the Version never met
narrows   rows are refused that were taken
neutral   neither"""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where it stands in contract.toml, what it is in words, and its effect."""

    where: str
    what: str
    effect: Effect


def compare_contracts(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return every difference from an older Contract to a newer one, in the order of the file."""
    return (*_row(old, new), *_target(old, new), *_columns(old, new), *_raw(old, new), *_rules(old, new))


def breaks(changes: tuple[Change, ...]) -> bool:
    """Return whether any change breaks Versions that were fitted with the older Contract."""
    return any(change.effect == "breaks" for change in changes)


def _row(old: Contract, new: Contract) -> Iterator[Change]:
    effects: Mapping[str, Effect] = {"key": "breaks", "event_time": "breaks", "order": "breaks", "time_zone": "breaks"}
    for name, effect in effects.items():
        before, after = getattr(old.row, name), getattr(new.row, name)
        if before != after:
            yield Change(f"row.{name}", _turned(before, after), effect)


def _target(old: Contract, new: Contract) -> Iterator[Change]:
    for field in fields(old.target):
        before, after = getattr(old.target, field.name), getattr(new.target, field.name)
        if before != after:
            harmless = field.name in {"meaning", "matures_after"}
            yield Change(f"target.{field.name}", _turned(before, after), "neutral" if harmless else "breaks")


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    for name, column in old.by_name.items():
        if name not in new.by_name:
            effect: Effect = "breaks" if column.role == "feature" else "neutral"
            yield Change(f"columns.{name}", f"is gone; it was a {column.role} of type {column.type}", effect)
    for name, column in new.by_name.items():
        known = old.by_name.get(name)
        if known is not None:
            yield from _column(known, column, f"columns.{name}")
        else:
            needed = "required" if column.required else "optional"
            what = f"is new: {needed}, role {column.role}, type {column.type}"
            yield Change(f"columns.{name}", what, "narrows" if column.required else "neutral")
    if [name for name in old.by_name if name in new.by_name] != [name for name in new.by_name if name in old.by_name]:
        yield Change("columns", "stand in another order; each Version keeps its own", "neutral")


def _column(old: Column, new: Column, where: str) -> Iterator[Change]:
    for field in fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            effect = _EFFECTS.get(field.name, _meaning)(old, new)
            yield Change(f"{where}.{field.name}", _turned(before, after), effect)


def _raw(old: Contract, new: Contract) -> Iterator[Change]:
    for source in sorted({*old.raw, *new.raw}):
        before = {column.name: column for column in old.raw.get(source, ())}
        after = {column.name: column for column in new.raw.get(source, ())}
        for name in sorted({*before, *after}):
            where = f"raw.{source}.columns.{name}"
            if name not in after:
                yield Change(where, "its rules are gone", "widens")
            elif name not in before:
                yield Change(where, "has rules now", "narrows")
            else:
                yield from _column(before[name], after[name], where)


def _rules(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = {rule.name: rule for rule in old.rules}, {rule.name: rule for rule in new.rules}
    for name in {**before, **after}:
        first, second = before.get(name), after.get(name)
        if first == second:
            continue
        what = "is new" if first is None else "is gone" if second is None else "is another condition"
        if first and second and first.where == second.where:
            what = _turned(first.otherwise, second.otherwise)
        yield Change(f"rules.{name}", what, _effect_of_rule(first, second))


def _effect_of_rule(old: Rule | None, new: Rule | None) -> Effect:
    refused, refuses = old is not None and old.otherwise == "reject", new is not None and new.otherwise == "reject"
    if refuses:  # another condition refuses other rows, so some that were taken
        return "narrows"
    return "widens" if refused else "neutral"


def _turned(before: object, after: object) -> str:
    return f"{_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    if value is None or value in ("", (), {}):
        return "nothing"
    if isinstance(value, tuple):
        shown = ", ".join(_shown(item) for item in value[:8])
        return f"[{shown}{f', ... {len(value)} in all' if len(value) > 8 else ''}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _meaning(old: Column, new: Column) -> Effect:
    """Return the effect of a change in what a value means: only a model that sees it is hurt."""
    return "breaks" if old.role == "feature" or "key" in {old.role, new.role} else "neutral"


def _required(_: Column, new: Column) -> Effect:
    return "narrows" if new.required else "widens"


def _hard(old: Column, new: Column) -> Effect:
    """Return the effect of another hard range: where both ends move inward or one does, rows are refused."""
    before, after = _ends(old.hard), _ends(new.hard)
    return "narrows" if after[0] > before[0] or after[1] < before[1] else "widens"


def _ends(limits: Range | None) -> Range:
    return limits or (-inf, inf)


def _values(old: Column, new: Column) -> Effect:
    if new.unseen == "bucket":
        return "widens" if set(new.values) - set(old.values) else "neutral"
    lost = set(old.values) - set(new.values) if old.values else {"any"}
    return "narrows" if lost else "widens"


def _unseen(_: Column, new: Column) -> Effect:
    return "narrows" if new.unseen == "reject" else "widens"


def _repairs(key: str) -> Callable[[Column, Column], Effect]:
    return lambda _, new: "widens" if getattr(new, key) == "repair" else "narrows"


def _nulls(old: Column, new: Column) -> Effect:
    """Return the effect of other spellings of null: a text or a number that was a value would no longer be one."""
    changed = set(old.nulls) ^ set(new.nulls)
    readable = old.type in {"category", "text"} or any(_is_number(spelling) for spelling in changed)
    if readable:
        return _meaning(old, new)
    return "narrows" if set(old.nulls) - set(new.nulls) else "widens"


def _is_number(spelling: str) -> bool:
    try:
        return float(spelling) == float(spelling)
    except ValueError:
        return False


def _formats(old: Column, new: Column) -> Effect:
    """Return the effect of other formats of time: the same ones with more behind them read more texts, and no other."""
    if new.formats[: len(old.formats)] == old.formats:
        return "widens"
    return "narrows" if old.formats[: len(new.formats)] == new.formats else _meaning(old, new)


def _unit(old: Column, new: Column) -> Effect:
    """Return the effect of another word for the unit: naming one that had no name changes nothing."""
    return _meaning(old, new) if old.unit and new.unit else "neutral"


def _neutral(_: Column, __: Column) -> Effect:
    return "neutral"


_EFFECTS: Final[Mapping[str, Callable[[Column, Column], Effect]]] = {
    "required": _required, "hard": _hard, "soft": _neutral, "values": _values, "unseen": _unseen,
    "numeric_text": _repairs("numeric_text"), "bool_as_number": _repairs("bool_as_number"), "nulls": _nulls,
    "formats": _formats, "unit": _unit,
}  # fmt: skip
"""The effect of a change by key; the keys that are not here say what a value means."""
