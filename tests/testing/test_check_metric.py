"""check_metric lets every built-in metric through, and catches each way in which a metric lies."""

import numpy as np
import pytest

from trimtab import metrics
from trimtab.errors import Refused
from trimtab.metrics import Metric
from trimtab.metrics.brier import Brier
from trimtab.metrics.calibration_error import ExpectedCalibrationError
from trimtab.metrics.rmse import RootMeanSquaredError
from trimtab.nouns.verdict import State
from trimtab.testing import check_metric, require


@pytest.mark.parametrize("metric", [*metrics.BUILT_IN, ExpectedCalibrationError()], ids=lambda one: one.name)
def test_every_metric_of_the_room_keeps_the_role(metric: Metric) -> None:
    require(check_metric(metric), cannot_tell=False)


class TurnedRmse(RootMeanSquaredError):
    bigger_is_better = True


class LoudBrier(Brier):
    name = "Loud Brier"


class HungryBrier(Brier):
    def score(self, labels, answers):  # type: ignore[no-untyped-def]
        answers *= 0.5
        return super().score(labels, answers)


class LastRowRmse(RootMeanSquaredError):
    def parts(self, labels, answers):  # type: ignore[no-untyped-def]
        return np.repeat(np.abs(answers - labels)[-1:], len(labels))


@pytest.mark.parametrize(
    ("metric", "rule"),
    [
        (TurnedRmse(), "direction:regression"),
        (LoudBrier(), "describes"),
        (HungryBrier(), "scores:multiclass"),
        (LastRowRmse(), "order:regression"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_metric_that_lies_is_caught_by_the_rule(metric: Metric, rule: str) -> None:
    failed = {one.name for one in check_metric(metric) if one.state is State.FAIL}
    assert rule in failed
    with pytest.raises(Refused, match="rules are not kept"):
        require(check_metric(metric))
