"""What the fitted rows looked like, column by column: the reference for later drift, and for the reader of the card."""

from typing import Any

from trimtab.nouns import Column, Contract

MOST_CATEGORIES = 100


def profile_features(frame: Any, contract: Contract, base: float | list[float]) -> dict[str, Any]:
    """Return, for each feature of a clean frame, rows and nulls with mean, min and max, or the counts of its values.

    `base` is the answer of the baseline: class frequencies or mean of the label.
    """
    features = {column.name: _profile_column(frame.get_column(column.name), column) for column in contract.features}
    return {"format": 1, "rows": len(frame), "base": base, "features": features}


def _profile_column(series: Any, column: Column) -> dict[str, Any]:
    told = {"type": column.type, "nulls": int(series.null_count())}
    known = series.drop_nulls()
    if column.type == "category":
        return {**told, "counts": _count(known.to_list())}
    if column.type in {"time", "date"} or not len(known):
        return {**told, "min": _text(known.min()), "max": _text(known.max())}
    numbers = known.cast(float)
    return {**told, "mean": numbers.mean(), "min": numbers.min(), "max": numbers.max()}


def _count(values: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(often[:MOST_CATEGORIES])


def _text(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat())
