"""The user's SELECT sees the sources and nothing else, and gives plain types or a sentence."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import ConfigError
from trimtab.pipeline import describe_sql, run_sql

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FLIGHTS = pl.DataFrame(
    {"id": [1, 2, 3], "dest": ["LAX", "CANARY", None], "moment": [NOON, NOON.replace(hour=13), None]},
    schema={"id": pl.Int64, "dest": pl.String, "moment": pl.Datetime("us", "UTC")},
)
PLANES = pl.DataFrame({"dest": ["LAX"], "seats": [180.0]})
TABLES = {"flights": FLIGHTS, "planes": PLANES}


def run(text: str, since: datetime | None = None) -> pl.DataFrame:
    return run_sql(text, TABLES, since=since, where="pipeline.sql")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        run(text)
    return str(caught.value)


def test_rows_come_back_as_they_went_in() -> None:
    assert run("select * from flights").equals(FLIGHTS)


def test_sources_are_joined() -> None:
    found = run("select id, seats from flights left join planes using (dest) order by id")
    assert found.rows() == [(1, 180.0), (2, None), (3, None)]


def test_a_table_may_be_read_many_times() -> None:
    found = run(
        "select (select count(*) from flights), (select max(id) from flights) from flights a, flights b limit 1"
    )
    assert found.rows() == [(3, 3)]


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("7::utinyint", pl.Int64(), 7),
        ("sum(7) over ()", pl.Int64(), 21),
        ("9223372036854775807::ubigint", pl.Int64(), 2**63 - 1),
        ("1.25::decimal(10, 2)", pl.Float64(), 1.25),
        ("0.5::float", pl.Float64(), 0.5),
        ("'a'::enum('a', 'b')", pl.String(), "a"),
        ("null", pl.String(), None),
        ("true", pl.Boolean(), True),
        ("date '2026-02-03'", pl.Date(), date(2026, 2, 3)),
        ("timestamptz '2026-01-01 13:00:00+01:00'", pl.Datetime("us", "UTC"), NOON),
        ("timezone('America/New_York', timestamp '2026-01-01 07:00')", pl.Datetime("us", "UTC"), NOON),
        ("'2026-01-01 12:00'::timestamptz", pl.Datetime("us", "UTC"), NOON),
    ],
)
def test_types_are_plain(expression: str, kind: pl.DataType, value: object) -> None:
    found = run(f"select {expression} as x from flights limit 1")
    assert (found.schema["x"], found["x"][0]) == (kind, value)


@pytest.mark.parametrize(
    ("expression", "way_out"),
    [
        ("timestamp '2026-01-01 12:00'", "timezone('UTC', x)"),
        ("interval 1 day", "extract(epoch from x)"),
        ("[1, 2]", "no plain value"),
        ("{'a': 1}", "no plain value"),
        ("'a'::blob", "hex(x)"),
        ("time '12:00'", "cast(x as varchar)"),
        ("170141183460469231731687303715884105727", "beyond 64 bits"),
    ],
)
def test_other_types_are_refused_with_the_way_out(expression: str, way_out: str) -> None:
    said = refusal(f"select {expression} as x from flights")
    assert "column x" in said
    assert way_out in said


def test_all_columns_that_cannot_be_kept_are_told_at_once() -> None:
    said = refusal("select interval 1 day as a, [1] as b, id, id from flights")
    assert [f"column {name}:" in said for name in ("a", "b", "id")] == [True] * 3


def test_since_is_null_at_first_and_then_a_moment() -> None:
    text = "select id from flights where moment >= $since or $since is null order by id"
    assert run(text)["id"].to_list() == [1, 2, 3]
    assert run(text, since=NOON.replace(minute=30))["id"].to_list() == [2]


def test_since_in_a_comment_is_no_parameter() -> None:
    assert run("-- $since\nselect 1 as x").rows() == [(1,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1; select 2", "2 statements"),
        ("", "0 statements"),
        ("insert into flights values (1)", "INSERT"),
        ("attach 'other.db'", "ATTACH"),
        ("copy flights to 'out.csv'", "COPY"),
        ("set threads = 9", "SET"),
        ("install httpfs", "LOAD"),
        ("select $sinse", "did you mean 'since'?"),
        ("select ?", "$1"),
    ],
)
def test_only_one_select(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from read_text('{file}')",
        "select * from glob('{file}')",
        "select * from sqlite_scan('{file}', 't')",
        "select * from query('select * from read_text(''{file}'')')",
        "select getenv('HOME')",
        "select * from FLIGHTS_OF_PYTHON",
    ],
)
def test_nothing_outside_is_reached(tmp_path: Path, text: str) -> None:
    FLIGHTS_OF_PYTHON = FLIGHTS
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nCANARY\n")
    assert FLIGHTS_OF_PYTHON.height
    assert "CANARY" not in refusal(text.format(file=secret))


def test_missing_tables_are_named_all_at_once() -> None:
    said = refusal("with w as (select * from flihgts) select * from w join places using (a) join other.flights on true")
    assert "flihgts: is no source; did you mean 'flights'?" in said
    assert "places: is no source; did you mean 'planes'?" in said
    assert "other.flights: is no source" in said
    assert "w:" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select\n\n  hour from flights", ["line 3", '"hour" not found']),
        ("select 1\nfrom flights\nwere id = 1", ["line 3", "syntax error"]),
        ("select floot(id) from flights", ["floot", "did you mean floor?"]),
        ("select\n cast(dest as integer) from flights", ["line 2", "try_cast"]),
        ("select error(dest) from flights", ["fails on its rows"]),
    ],
)
def test_errors_say_where_and_show_no_data(text: str, said: list[str]) -> None:
    message = refusal(text)
    assert [part in message for part in said] == [True] * len(said)
    assert "pipeline.sql" in message
    assert "LAX" not in message
    assert "CANARY" not in message


def test_deep_text_is_a_sentence() -> None:
    assert "depth" in refusal("select " + "(" * 3000 + "1" + ")" * 3000)


def test_sources_of_a_text_are_known_without_running_it() -> None:
    text = "with planes_of as (select * from PLANES) select * from flights asof join planes_of using (dest)"
    assert describe_sql(text, ["flights", "planes", "weather"], where="pipeline.sql") == ("flights", "planes")
    with pytest.raises(ConfigError, match=r"(?s)PLANES: is no source.*flights: is no source"):
        describe_sql(text, ["weather"], where="pipeline.sql")


def test_unused_tables_may_be_anything() -> None:
    assert run_sql("select 1 as x", {"a-b": pl.DataFrame()}, since=None, where="w").rows() == [(1,)]
    assert run_sql('select * from "a-b"', {"a-b": PLANES}, since=None, where="w").equals(PLANES)


def test_the_process_ends_quietly() -> None:
    """DuckDB complains on standard error about every object of its own that outlives it."""
    code = (
        "import polars as pl; from trimtab.pipeline import run_sql;"
        "run_sql('select * from a', {'a': pl.DataFrame({'x': [1]})}, since=None, where='w')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
