"""A copy of a record is whole, is a record of its own, and leaves the first one alone."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import StoreError
from trimtab.nouns import Decision, Project
from trimtab.store import open_catalog, open_index, open_lake
from trimtab.store.copy import copy_record

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "live"
    project = Project("small", folder, folder / ".trimtab", folder / "contract.toml")
    catalog = open_catalog(project)
    catalog.decide(Decision("wait", "policy", ("first",), NOW, NOW))
    open_lake(project).append("clean", pl.DataFrame({"a": [1, 2]}))
    open_index(project).close()
    (project.state / "blobs" / ".staged-x").mkdir(parents=True)
    (project.state / "blobs" / ".staged-x" / "half").write_text("done")
    (project.state / "blobs" / "abc").mkdir()
    (project.state / "blobs" / "abc" / "manifest.json").write_text("{}")
    return project


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Project:
    folder = tmp_path / "copy"
    copied = replace(project, folder=folder, state=folder / ".trimtab")
    copy_record(project, copied)
    return copied


def test_a_copy_holds_what_the_record_held(copy: Project) -> None:
    assert [one.reasons for one in open_catalog(copy).journal()] == [("first",)]
    assert open_lake(copy).read("clean").collect()["a"].to_list() == [1, 2]
    blobs = [path.name for path in (copy.state / "blobs").iterdir()]
    assert blobs == ["abc"]


def test_what_is_done_to_a_copy_is_not_done_to_the_record(project: Project, copy: Project) -> None:
    open_catalog(copy).decide(Decision("wait", "policy", ("second",), NOW, NOW))
    open_lake(copy).append("clean", pl.DataFrame({"a": [3]}))
    assert len(open_catalog(project).journal()) == 1
    assert open_lake(project).read("clean").collect().height == 2


def test_a_record_that_goes_on_is_copied_as_it_stood(project: Project, copy: Project) -> None:
    open_lake(project).append("clean", pl.DataFrame({"a": [3]}))
    assert open_lake(copy).read("clean").collect().height == 2


def test_a_copy_of_nothing_or_on_top_of_something_is_refused(project: Project, copy: Project, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there already"):
        copy_record(project, copy)
    empty = replace(project, state=tmp_path / "nowhere")
    with pytest.raises(StoreError, match="no record"):
        copy_record(empty, replace(copy, state=tmp_path / "other"))
