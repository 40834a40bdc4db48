"""Every built-in family keeps the role; one that lies fails the rule it lies about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab import plugins
from trimtab.nouns import Task
from trimtab.nouns.verdict import State
from trimtab.testing import check_family, require
from trimtab.train.families.baseline import Baseline, Constant


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["baseline", "linear", "forest", "boosting", "ensemble"])
def test_a_built_in_family_keeps_every_rule(name: str, task: Task) -> None:
    require(check_family(plugins.load("families", name), task), cannot_tell=False)


class ForgetfulFamily(Baseline):
    """Writes another answer each time."""

    written = 0

    def export(self, fitted: Constant, folder: Path) -> list[str]:
        ForgetfulFamily.written += 1
        (folder / "note.txt").write_text(str(ForgetfulFamily.written))
        return [*super().export(fitted, folder), "note.txt"]


class TwistedFamily(Baseline):
    """Loads a model that answers a little otherwise."""

    def load(self, files: Mapping[str, bytes], problem: Any, width: int) -> Constant:
        found = super().load(files, problem, width)
        return Constant(found.task, tuple(one + 1e-4 for one in found.answer))


class CrashingFamily(Baseline):
    """Cannot be fitted."""

    def fit(self, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("never")


@dataclass(frozen=True)
class OddRows(Constant):
    """Answers one row otherwise than many."""

    def predict_row(self, _row: Any) -> float | list[float]:
        return float(np.nextafter(self.answer[0], 1))


class TwoFacedFamily(Baseline):
    """Loads such a model."""

    def load(self, files: Mapping[str, bytes], problem: Any, width: int) -> Constant:
        return OddRows(problem.task, super().load(files, problem, width).answer)


@pytest.mark.parametrize(
    ("family", "rules"),
    [
        (ForgetfulFamily, {"repeatable", "params"}),
        (TwistedFamily, {"parity"}),
        (CrashingFamily, {"fits"}),
        (TwoFacedFamily, {"rows"}),
    ],
)
def test_a_family_that_lies_fails_the_rule_it_lies_about(family: Any, rules: set[str]) -> None:
    judged = check_family(family)
    assert {one.name for one in judged if one.state is State.FAIL} == rules
