"""What wrong decisions cost by `[cost]`, row by row, and what a newcomer would save of it."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab.metrics.compare import paired_difference
from trimtab.nouns import Contract, Interval
from trimtab.nouns.project import CostSpec
from trimtab.train.artefact import Package

Numbers = NDArray[np.float64]


def cost_decisions(contract: Contract, spec: CostSpec, labels: pl.Series, decided: pl.Series) -> Numbers:
    """Return what each decision cost; numbers are not decided about and cost nothing."""
    target, texts = contract.target, labels.cast(pl.String)
    if target.task == "regression":
        return np.zeros(len(labels))
    price = dict.fromkeys(target.classes, spec.false_positive) if target.task == "binary" else dict(spec.by_class)
    if target.task == "binary":
        price[target.positive] = spec.false_negative
    prices = np.array([price.get(one, 1.0) for one in texts.to_list()], dtype=np.float64)
    return np.where((texts != decided).to_numpy(), prices, 0.0)


def measure_saving(  # noqa: PLR0917 - both answers to the same rows
    package: Package, threshold: float | None, spec: CostSpec, labels: pl.Series, older: Numbers, newer: Numbers
) -> Interval | None:
    """Return what deciding by `newer` answers saves on a row against `older` ones; None where nothing is decided."""
    if package.task == "regression" or not len(labels):
        return None
    output = package.compile_output(threshold)
    costs = [
        cost_decisions(
            package.contract,
            spec,
            labels,
            pl.Series([output(one)["prediction"] for one in answers.tolist()], dtype=pl.String),
        )
        for answers in (older, newer)
    ]
    return paired_difference(*costs)
