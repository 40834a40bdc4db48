"""What the table of a source may say, and which of its keys contradict each other."""

from datetime import timedelta
from pathlib import Path

import pytest

from trimtab.config import load
from trimtab.errors import ConfigError
from trimtab.nouns import SourceSpec

DATABASE = 'kind = "database"\nurl = "sqlite:///x.db"\nkey = ["id"]\n'
API = 'kind = "api"\nurl = "https://example.org"\nkey = ["id"]\n'


def source(folder: Path, text: str) -> SourceSpec:
    head = 'format = 1\n[project]\nname = "x"\n[sources.s]\n'
    (folder / "trimtab.toml").write_text(head + text, encoding="utf-8")
    return load(folder, {}).sources[0]


def test_an_api_speaks_json_and_is_waited_for_less_long_than_a_database(tmp_path: Path) -> None:
    api, database = source(tmp_path, API), source(tmp_path, DATABASE + 'query = "select 1 as id"')
    assert (api.format, api.patience, api.is_text) == ("json", timedelta(seconds=10), False)
    assert (database.patience, database.query) == (timedelta(minutes=10), "select 1 as id")
    assert source(tmp_path, API + 'format = "csv"\ntimeout = "3s"').is_text


@pytest.mark.parametrize(("text", "rate"), [("5/s", 5.0), ("120/m", 2.0), ("1800/h", 0.5), ("", 0.0)])
def test_a_rate_is_a_number_of_requests_in_a_time(tmp_path: Path, text: str, rate: float) -> None:
    assert source(tmp_path, f'{API}rate = "{text}"').rate == rate


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (DATABASE + 'table = "t"\nquery = "select 1"', "table"),
        (DATABASE, "table"),
        (DATABASE + 'table = "t"\noverlap = "5s"', "overlap"),
        (DATABASE + 'table = "t"\nformat = "csv"', "format"),
        (API + 'format = "parquet"', "format"),
        (API + 'format = "csv"\nrecords = "items"', "format"),
        (API + 'after = "since"', "after"),
        (API + 'cursor = "at"', "after"),
        (API + 'page = { style = "cursor" }', "page.next"),
        (API + 'rate = "0/s"', "rate"),
        (API + 'rate = "fast"', "rate"),
        (API + 'timeout = "soon"', "timeout"),
    ],
)
def test_what_contradicts_itself_is_named(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        source(tmp_path, text)
    assert [mistake.where for mistake in caught.value.mistakes] == [f"sources.s.{where}"]
