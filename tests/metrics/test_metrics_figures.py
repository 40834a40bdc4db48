"""Numbers in sentences are short and do not lie about their size; docstring examples print what they say."""

import doctest
import math
import pkgutil
from importlib import import_module

import pytest

from trimtab import metrics
from trimtab.metrics.figures import figure, spread
from trimtab.nouns import Interval

MODULES = [f"trimtab.metrics.{module.name}" for module in pkgutil.iter_modules(metrics.__path__)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.14149, "0.141"),
        (-0.0008, "-0.000800"),
        (1840.4, "1,840"),
        (20.0, "20"),
        (1.5, "1.50"),
        (1e300, "more than 10^15"),
        (1e-30, "0.00000000"),
        (math.inf, "unknown"),
    ],
)
def test_figure(value: float, said: str) -> None:
    assert figure(value) == said


def test_spread_uses_the_same_decimals_and_says_what_is_unknown() -> None:
    assert spread(Interval(0.021, 0.0121, 0.0304, 612)) == "0.0210 [0.0121, 0.0304]"
    assert spread(Interval(0.0, -12.0, 12.0, 9)) == "0.0 [-12.0, 12.0]"
    assert spread(Interval(0.5, math.nan, math.nan, 1)) == "0.500 [unknown]"


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
