"""The page of the verbs says what the program says."""

import re
from pathlib import Path

import pytest

from trimtab.cli.app import LATER, VERBS, Verb

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verbs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_stands_on_the_page_with_its_form(verb: Verb) -> None:
    assert f"| `{verb.name}` | `trimtab {verb.name} {verb.form}` |" in PAGE


def test_verbs_of_later_releases_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in LATER)


def test_every_file_that_the_front_page_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_front_page_names_only_verbs_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|bin/)trimtab ([a-z]+)", readme))
    assert named - {verb.name for verb in VERBS} == set()
    assert named >= {"init", "train", "serve", "demo", "tick", "promote"}


def test_front_page_shows_the_figures_of_the_page_with_the_command() -> None:
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/benchmarks/start.md")]
    tables = [[line for line in page.splitlines() if line.endswith((" s |", " MB |", "none |"))] for page in pages]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 4
