"""What a card tells: the contents of a Version's files, read, and how single values of them are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

from trimtab import metrics
from trimtab.metrics.evaluation import Evaluation
from trimtab.nouns import Contract, Interval
from trimtab.train.sheet import tame

MOST_COLUMNS = 60
_ORDER = (*(one.name for one in metrics.BUILT_IN), "expected_calibration_error", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card tells: the contents of a Version's files, read. `choice` is metrics.json, `account` account.json.

    `rows` are the rows that the Version was judged on, from the record; None where nobody has them.
    """

    contract: Contract
    choice: Mapping[str, Any]
    account: Mapping[str, Any]
    evaluation: Evaluation
    cost: Mapping[str, Any]
    environment: Mapping[str, Any]
    rows: Any = None

    @property
    def unit(self) -> str:
        """What a figure of the target is followed by."""
        column = self.contract.by_name.get(self.contract.target.column)
        return f" {tame(column.unit)}" if column is not None and column.unit else ""


def in_order(measured: Mapping[str, Interval]) -> list[tuple[str, Interval]]:
    """Return metrics in the order of the room, a stranger's behind them: files keep them by the alphabet."""
    return sorted(measured.items(), key=lambda one: _ORDER.index(one[0]) if one[0] in _ORDER else len(_ORDER))


def read_interval(plain: Mapping[str, Any]) -> Interval:
    """Return an interval of a file; null stands for a number that could not be measured."""
    known: dict[str, Any] = {key: nan if value is None else value for key, value in plain.items()}
    return Interval(**known)


def ends_of(one: Interval) -> tuple[float, float, float]:
    """Return an interval as a chart takes it."""
    return one.value, one.low, one.high
