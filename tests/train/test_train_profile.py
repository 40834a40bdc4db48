"""The reference that a Version carries: all fitted rows, and what it answered on rows that it had not seen."""

import json
from typing import Any

import pytest

from trimtab.errors import VersionError
from trimtab.metrics.profile import ColumnProfile
from trimtab.nouns import Task
from trimtab.train.profile import FILE, Portrait, open_portrait


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_version_carries_the_profile_of_its_rows_and_of_its_promise(task: Task, make_version: Any) -> None:
    world, folder, version = make_version("linear", task)
    portrait = open_portrait(folder, version)
    names = [column.name for column in world.contract.features]
    assert list(portrait.features.columns) == sorted(names)
    assert portrait.features.recount(world.frame).columns == portrait.features.columns
    held = world.choose(recipe={"family": "linear", "params": {"C": 1.0}}).held
    expected = {"answer", "label"} | ({"confidence"} if task == "multiclass" else set())
    assert set(portrait.promised.columns) == expected
    assert portrait.promised.columns["label"] == ColumnProfile.fit(world.frame.get_column("_label")[held])
    assert portrait.promised.columns["answer"].rows == len(held)
    assert set(portrait.importance) == set(names)


def test_a_version_of_an_older_format_says_what_to_do(make_version: Any) -> None:
    plain = json.loads((make_version("linear")[1] / FILE).read_text(encoding="utf-8"))
    with pytest.raises(VersionError, match="format 1"):
        Portrait.from_plain({**plain, "format": 1})
