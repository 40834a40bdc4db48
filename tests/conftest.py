"""For every test: training tries its plain settings only, unless a test asks for a search itself."""

import os

import pytest

# Set before anything reads it, and inherited by every process that a test starts.
os.environ.setdefault("TRIMTAB_TRAIN__BUDGET", "0s")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often a fault battery tries: `make faults N=200`; each has a number of its own."""
    parser.addoption("--n", type=int, default=0, help="how often each fault battery tries (tests/faults)")
