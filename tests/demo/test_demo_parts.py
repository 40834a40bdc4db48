"""The parts of the demonstration that need no server: the sample, the project's copy, the agreement."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from trimtab import config
from trimtab.demo.lines import find_differences
from trimtab.demo.project import copy_project
from trimtab.demo.run import list_months
from trimtab.demo.sample import choose_asked, cut_requests, write_row
from trimtab.demo.story import Month
from trimtab.loop.replay import Line
from trimtab.loop.tick import Ticked
from trimtab.nouns import Decision

MARCH, APRIL = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 4, 1, tzinfo=UTC)
LIVED = datetime(2026, 1, 1, tzinfo=UTC)
FLIGHTS = pl.DataFrame({"flight_id": [f"UA{number}-EWR-2013-03-01" for number in range(20_000)]})
MONTH = Month("2013-03", MARCH, APRIL, 100, "v1", None, Ticked(LIVED, 2), followed=True)


def promotion(as_of: datetime, version: str) -> Decision:
    return Decision("promote", "switch", ("better",), as_of, as_of, version=version)


JOURNAL = (promotion(LIVED - timedelta(days=1), "one"), promotion(LIVED, "two"))
LINE = Line(
    "governed",
    ({"log_loss": 0.5},),
    {"log_loss": 0.5},
    ("v1",),
    (promotion(MARCH, "one"), promotion(APRIL - timedelta(microseconds=1), "two")),
)


def test_a_share_of_the_flights_is_asked_and_always_the_same_ones() -> None:
    asked = choose_asked(FLIGHTS, 7)
    assert asked.sum() == pytest.approx(1600, abs=120)
    assert asked.equals(choose_asked(FLIGHTS, 7))
    assert choose_asked(FLIGHTS.head(500), 7).equals(asked.head(500))


def test_another_seed_asks_others() -> None:
    both = choose_asked(FLIGHTS, 7) & choose_asked(FLIGHTS, 8)
    assert both.sum() < 200


def test_rows_are_asked_alone_and_in_fifties_and_none_twice() -> None:
    rows = [{"n": number} for number in range(275)]
    requests = list(cut_requests(rows))
    assert [row for request in requests for row in request] == rows
    assert [len(request) for request in requests] == [*[1] * 100, 50, 50, 50, 25]


def test_times_go_out_as_rfc_3339() -> None:
    assert write_row({"asked_at": MARCH, "seats": None}) == {"asked_at": "2013-03-01T00:00:00Z", "seats": None}


def test_months_follow_one_another_to_the_end_of_the_year() -> None:
    months = list(list_months(10))
    assert (months[0], months[-1][1]) == ((MARCH, APRIL), datetime(2014, 1, 1, tzinfo=UTC))
    assert [end for _, end in months[:-1]] == [start for start, _ in months[1:]]


def test_copied_project_names_its_sources_itself(tmp_path: Path) -> None:
    """No variable is needed to work on it, whatever the folder is called."""
    drop = str(tmp_path / 'a "strange" folder')
    addresses = {"FLIGHTS_DB": "sqlite:///x.db", "FLIGHTS_WEATHER": drop, "FLIGHTS_PLANES": "http://127.0.0.1:1/planes"}
    copy_project(tmp_path, addresses, seed=11)
    text = (tmp_path / "trimtab.toml").read_text(encoding="utf-8")
    assert "env:" not in text
    assert tomllib.loads(text)["sources"]["weather"]["path"] == drop
    assert config.load(tmp_path, {}).train.seed == 11


def test_equal_lives_have_no_difference() -> None:
    assert list(find_differences([MONTH], [{"log_loss": 0.5 + 1e-12}], JOURNAL, LINE)) == []


def test_another_log_loss_is_named_with_its_month() -> None:
    (told,) = find_differences([MONTH], [{"log_loss": 0.51}], JOURNAL, LINE)
    assert told == "2013-03: log loss 0.510000 over HTTP, 0.500000 in the replay"


def test_another_champion_is_named() -> None:
    other = replace(LINE, decisions=(LINE.decisions[0],))
    (told,) = find_differences([MONTH], [{"log_loss": 0.5}], JOURNAL, other)
    assert told == "promotions over HTTP: two after 2013-03; in the replay: none"
