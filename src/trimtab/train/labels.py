"""Labels as numbers, and numbers as the words of a decision."""

from typing import Any

import numpy as np

from trimtab.errors import DataError
from trimtab.metrics.figures import count
from trimtab.nouns import Target


def order_classes(target: Target) -> tuple[str, ...]:
    """Return the classes by their index: (negative, positive) where there are two; empty for regression."""
    if target.task != "binary":
        return target.classes
    return (*(name for name in target.classes if name != target.positive), target.positive)


def encode_labels(series: Any, target: Target) -> np.ndarray:
    """Return the labels of a Polars series: int64 class indexes (binary: 1 = positive), or float64 for regression.

    Raises DataError for a label that is missing or none of the classes.
    """
    values = series.to_list()
    if target.task == "regression":
        numbers = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
        _refuse_strange(int(np.count_nonzero(~np.isfinite(numbers))), target)
        return numbers
    indexes = {name: index for index, name in enumerate(order_classes(target))}
    codes = np.array([indexes.get(value, -1) for value in values], dtype=np.int64)
    _refuse_strange(int(np.count_nonzero(codes < 0)), target)
    return codes


def _refuse_strange(rows: int, target: Target) -> None:
    if rows:
        meant = "a finite number" if target.task == "regression" else f"one of {', '.join(target.classes)}"
        raise DataError(
            f"{count(rows, 'row')} with a label in '{target.column}' that is not {meant}.",
            hint="give only labelled clean rows, or correct [target] in contract.toml",
        )
