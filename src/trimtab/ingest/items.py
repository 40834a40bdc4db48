"""JSON items as rows: what a reply holds, and columns of one lasting type each."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from trimtab.nouns import canonical

Sort = Literal["boolean", "number", "whole", "text"]
"""What a column holds: `whole` for a key of whole numbers, `number` (Float64) for every other number."""

EXACT = 2**53
_TYPES: Mapping[Sort, pl.DataType] = {
    "boolean": pl.Boolean(),
    "number": pl.Float64(),
    "whole": pl.Int64(),
    "text": pl.String(),
}


def find_sorts(items: Iterable[Mapping[str, Any]], known: Mapping[str, Sort], key: Sequence[str]) -> dict[str, Sort]:
    """Return the sort of each column with a value: as it was known, or by all values of the items.

    A column with values of several sorts is text; so is one with whole numbers that Float64 cannot keep.
    """
    seen: dict[str, set[Sort]] = {}
    for item in items:
        for name, value in item.items():
            if value is not None and name not in known:
                seen.setdefault(name, set()).add(_sort_of(value))
    return {**known, **{name: _one_sort(sorts, is_key=name in key) for name, sorts in seen.items()}}


def _sort_of(value: Any) -> Sort:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "whole" if abs(value) <= EXACT else "text"
    return "number" if isinstance(value, float) else "text"


def _one_sort(sorts: set[Sort], *, is_key: bool) -> Sort:
    if sorts == {"whole"}:
        return "whole" if is_key else "number"
    if sorts == {"whole", "number"}:
        return "number"
    return next(iter(sorts)) if len(sorts) == 1 else "text"


def is_text(item: Mapping[str, Any]) -> bool:
    """Whether all text in an item, names too, can be written; JSON can spell half of a character."""
    try:
        canonical(item).encode()
    except UnicodeEncodeError:
        return False
    return True


def find_misfit(item: Mapping[str, Any], sorts: Mapping[str, Sort]) -> str:
    """Return why an item cannot be a row under these sorts, or an empty string."""
    for name, value in item.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"column {name}: a number beyond all limits"
        if value is None or sorts[name] == "text":
            continue
        found = _sort_of(value)
        if found != sorts[name] and not (found == "whole" and sorts[name] == "number"):
            return f"column {name}: {found} where {sorts[name]} was before"
    return ""


def build_frame(items: Sequence[Mapping[str, Any]], sorts: Mapping[str, Sort]) -> pl.DataFrame:
    """Return items as rows: nested values and values of a mixed column as their JSON text, missing ones as null."""
    columns = [
        pl.Series(name, [_fit(item.get(name), sort) for item in items], dtype=_TYPES[sort])
        for name, sort in sorts.items()
    ]
    return pl.DataFrame(columns)


def _fit(value: Any, sort: Sort) -> Any:
    if value is None or (isinstance(value, str) and sort == "text"):
        return value
    if sort == "text":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return float(value) if sort == "number" else value
