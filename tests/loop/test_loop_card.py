"""The card of a Version is made again from the record: a changed number is found and named, a changed word is none."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab import config
from trimtab.charts import interval_chart
from trimtab.errors import DataError, VersionError
from trimtab.loop.card import CARD, compare_numbers, read_card, verify_card
from trimtab.loop.challenge import replace_now
from trimtab.loop.cycle import train
from trimtab.loop.known import load_labelled, load_snapshot, resolve
from trimtab.loop.page import write_page
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.upkeep import tidy
from trimtab.train.card import list_blocks
from trimtab.train.sheet import Bullets, Code, Heading, Picture, Table, Text, name

SETTINGS = '\n[train]\nfamilies = ["baseline", "linear", "boosting", "ensemble"]\nbudget = "0s"\n[slices]\nby = ["a"]\n'


def quiet(_: str) -> None:
    pass


@pytest.fixture
def wheel(make_wheel: Callable[..., Wheel]) -> Wheel:
    made = make_wheel(700, 5000, SETTINGS)
    train(made, tell=quiet)
    return made


def test_a_fresh_card_holds_to_the_last_number(wheel: Wheel) -> None:
    version = wheel.catalog.find_version("champion")
    check = verify_card(wheel, version, tell=quiet)
    assert check.is_own
    assert check.differences == ()
    assert check.numbers > 200


def test_a_card_holds_after_the_project_has_moved_on(wheel: Wheel) -> None:
    """New rows, other costs and another split change nothing about what a Version's card may say."""
    version = wheel.catalog.find_version("champion")
    spec = replace(wheel.project.train, seed=99, validation=0.3, families=("linear",))
    later = replace(wheel, project=replace(wheel.project, train=spec, question="Something else?"))
    assert verify_card(later, version, tell=quiet).differences == ()


def test_a_changed_number_in_the_kept_card_is_named(wheel: Wheel) -> None:
    version = wheel.catalog.find_version("champion")
    file = wheel.blobs.path(version.id) / CARD
    text = file.read_text()
    stated = re.search(r"\| log_loss \| ([\d.]+) ", text)
    assert stated
    file.chmod(0o644)
    file.write_text(text.replace(f"| log_loss | {stated[1]} ", "| log_loss | 0.111 "))
    check = verify_card(wheel, version, tell=quiet)
    assert [(one.section, one.stated, one.recomputed) for one in check.differences] == [
        ("How good it is", "0.111", stated[1])
    ]
    assert file.read_text().splitlines()[check.differences[0].line - 1].startswith("| log_loss | 0.111")
    assert not check.is_own


def test_a_changed_word_changes_the_hash_only(wheel: Wheel) -> None:
    version = wheel.catalog.find_version("champion")
    text = read_card(wheel, version)[CARD].replace(b"## Limits", b"## What it cannot do")
    check = verify_card(wheel, version, text, tell=quiet)
    assert not check.is_own
    assert check.differences == ()


def test_retention_passes_no_snapshot(wheel: Wheel) -> None:
    """All rows are older than [store] keep: the newest table loses them, the Version's Snapshot and card do not."""
    version = wheel.catalog.find_version("champion")
    short = replace(wheel, project=replace(wheel.project, keep=timedelta(0)))
    expired = {did.table: did.expired for did in tidy(short, tell=quiet)}
    assert expired[wheel.clean] == 700
    assert wheel.lake.read(wheel.clean).collect().height == 0
    assert load_snapshot(wheel, version.snapshot).rows.height == 700
    assert verify_card(wheel, version, tell=quiet).is_own


def test_the_card_of_a_repeated_recipe_holds_too(wheel: Wheel) -> None:
    replace_now(wheel, load_labelled(wheel, resolve(wheel, 500)), by="test", tell=quiet)
    version = wheel.catalog.find_version("champion")
    assert version.snapshot.rows == 500
    assert b"The recipe was given, not searched" in read_card(wheel, version)[CARD]
    assert verify_card(wheel, version, tell=quiet).differences == ()


def test_a_file_beside_the_card_that_was_altered_is_refused(wheel: Wheel) -> None:
    version = wheel.catalog.find_version("champion")
    file = wheel.blobs.path(version.id) / "metrics.json"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(VersionError, match=r"metrics\.json was altered"):
        verify_card(wheel, version, tell=quiet)


def test_a_snapshot_whose_rows_are_gone_is_refused_in_words(wheel: Wheel) -> None:
    snapshot = wheel.catalog.find_version("champion").snapshot
    assert load_snapshot(wheel, snapshot).rows.height == 700
    with pytest.raises(DataError, match="does not hold the rows of Snapshot ffff"):
        load_snapshot(wheel, replace(snapshot, fingerprint="ffff"))


NUMBERS = st.lists(st.integers(0, 99_999), min_size=1, max_size=12)


@given(NUMBERS, st.data())
@settings(deadline=None, max_examples=80)
def test_one_changed_number_is_always_found_with_its_line(numbers: list[int], data: st.DataObject) -> None:
    lines = [f"a value of {number}, and no more" for number in numbers]
    place = data.draw(st.integers(0, len(numbers) - 1))
    lines[place] = f"a value of {data.draw(st.integers(100_000, 999_999))}, and no more"
    made = "\n".join(f"a value of {number}, and no more" for number in numbers)
    (found,) = compare_numbers("\n".join(lines), made)
    assert (found.line, found.recomputed) == (place + 1, str(numbers[place]))


@pytest.mark.parametrize(
    ("stated", "made", "expected"),
    [
        ("loss 0.5", "loss 0.5", []),
        ("so many words", "other words", []),
        ("loss -0.5", "loss 0.5", [("-0.5", "0.5")]),
        ("1,200 rows", "12,00 rows", [("1,200", "12,00")]),
        ("from 2025-01-01 on", "from 2025-01-02 on", [("2025-01-01", "2025-01-02")]),
        ("1 2 3", "1 3", [("2", "")]),
        ("1 3", "1 2 3", [("", "2")]),
        ("", "5", [("", "5")]),
    ],
)
def test_numbers_are_compared_as_they_are_written(stated: str, made: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.stated, one.recomputed) for one in compare_numbers(stated, made)] == expected


class Seen(HTMLParser):
    """What a browser would see of a page: tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "bad", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "]]>&lt;"]
)
def test_a_page_runs_and_loads_nothing_whatever_a_text_holds(bad: str) -> None:
    chart = interval_chart({bad: (0.1, 0.0, 0.2)}, title=bad, x_title=bad)
    blocks = (Heading(bad, 1), Text(bad + name(bad)), Bullets((bad,)), Table((bad,), ((bad,),)), Code((bad,)))
    seen = Seen()
    seen.feed(write_page((*blocks, Picture(chart, bad)), footer=bad))
    known = {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "code", "ul", "li", "div", "table"}
    known |= {"thead", "tbody", "tr", "th", "td", "pre", "figure", "img", "footer"}
    assert {tag for tag, _ in seen.tags} == known
    assert not any(key.startswith("on") for _, attributes in seen.tags for key in attributes)
    assert all(attributes["src"].startswith("data:image/svg+xml") for tag, attributes in seen.tags if tag == "img")  # type: ignore[union-attr]


def test_the_page_says_what_the_card_says(wheel: Wheel) -> None:
    files = read_card(wheel, wheel.catalog.find_version("champion"))
    page = write_page(list_blocks(files), footer="v1")
    headings = re.findall(r"^## (.+)$", files[CARD].decode(), re.MULTILINE)
    assert re.findall(r"<h2>(.+)</h2>", page) == headings
    assert "default-src &#x27;none&#x27;" in page
    assert page.count("<img ") >= 4


def test_reopened_project_gives_the_same_card(wheel: Wheel) -> None:
    folder = Path(wheel.project.folder)
    again = open_wheel(folder)
    assert config.load(folder).name == again.project.name
    version = again.catalog.find_version("v1")
    assert verify_card(again, version, tell=quiet).is_own
