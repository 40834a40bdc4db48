"""A function of the user's own makes rows like a SELECT, or there is a sentence with file and line."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import ConfigError
from trimtab.pipeline.python import read_program, run_python

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FLIGHTS = pl.DataFrame({"id": [1, 2, 3], "dest": ["LAX", "CANARY", None]})
TABLES = {"flights": FLIGHTS}
HEAD = "import polars as pl\nfrom datetime import *\n"


def run(folder: Path, text: str, since: datetime | None = None) -> pl.DataFrame:
    (folder / "pipeline.py").write_text(HEAD + text, encoding="utf-8")
    return run_python(folder / "pipeline.py", "build", TABLES, folder=folder, since=since)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        run(folder, text)
    return str(caught.value)


def test_frames_and_lazy_frames_come_back(tmp_path: Path) -> None:
    assert run(tmp_path, "def build(tables, since): return tables['flights']").equals(FLIGHTS)
    lazy = "def build(tables, since):\n    return tables['flights'].lazy().filter(pl.col('id') > 1)"
    assert run(tmp_path, lazy)["id"].to_list() == [2, 3]


def test_since_is_given(tmp_path: Path) -> None:
    text = "def build(tables, since): return pl.DataFrame({'s': [since]}, schema={'s': pl.Datetime('us', 'UTC')})"
    assert run(tmp_path, text, NOON)["s"][0] == NOON
    assert run(tmp_path, text)["s"][0] is None


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        ("pl.lit(7, pl.UInt8)", pl.Int64(), 7),
        ("pl.lit(0.5, pl.Float32)", pl.Float64(), 0.5),
        ("pl.lit('1.25').cast(pl.Decimal(10, 2))", pl.Float64(), 1.25),
        ("pl.lit('a', pl.Categorical)", pl.String(), "a"),
        ("pl.lit(None)", pl.String(), None),
        ("pl.lit(True)", pl.Boolean(), True),
        ("pl.lit(date(2026, 2, 3))", pl.Date(), date(2026, 2, 3)),
        ("pl.lit(datetime(2026, 1, 1, 13), pl.Datetime('ms', 'Europe/Berlin'))", pl.Datetime("us", "UTC"), NOON),
    ],
)
def test_types_are_those_of_a_select(tmp_path: Path, value: str, kind: pl.DataType, kept: object) -> None:
    found = run(tmp_path, f"def build(tables, since): return tables['flights'].head(1).select(x={value})")
    assert (found.schema["x"], found["x"][0]) == (kind, kept)


def test_other_types_are_refused_all_at_once_with_the_way_out(tmp_path: Path) -> None:
    values = "a=datetime(2026, 1, 1), b=timedelta(1), c=time(1), d=pl.lit(b'x'), e=pl.concat_list('id')"
    said = refusal(tmp_path, f"def build(tables, since): return tables['flights'].select({values})")
    for way_out in ("replace_time_zone('UTC')", "total_seconds()", "cast(pl.String)", "bin.encode", "column e: List"):
        assert way_out in said
    large = refusal(tmp_path, "def build(tables, since): return pl.DataFrame({'n': [2**64 - 1]}, {'n': pl.UInt64})")
    assert "beyond 64 bits" in large


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def build(tables, since):\n    pass", "returns nothing"),
        ("def build(tables, since): return {'a': 1}", "returns a builtins dict"),
        ("def biuld(tables, since): return None", "has no function 'build'; did you mean 'biuld'?"),
        ("def build(tables): return None", "line 3: build cannot be called with (tables, since)"),
        ("def build(tables, since):\n    return tabels", "line 4: NameError: name 'tabels' is not defined"),
        ("def build(tables, since:\n    pass", "line 3: "),
        ("import no_such_library", "line 3: ModuleNotFoundError"),
        ("raise SystemExit(3)", "line 3: it fails (SystemExit) at `raise SystemExit(3)`"),
        (
            "def build(tables, since):\n    a = tables['flights']\n    return pl.concat([a] * 399_999)",
            "makes 1,199,997 rows out of 3",
        ),
    ],
)
def test_mistakes_are_told_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    message = refusal(tmp_path, text)
    assert said in message
    assert "pipeline.py" in message


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError(tables['flights']['dest'][1])",
        "return {}[tables['flights']['dest'][1]]",
        "return tables['flights'].select(pl.col('dest').cast(pl.Int64))",
        "return tables['flights'].lazy().select(pl.col('dest').cast(pl.Int64))",
    ],
)
def test_errors_show_no_data(tmp_path: Path, body: str) -> None:
    assert "CANARY" not in refusal(tmp_path, f"def build(tables, since):\n    {body}")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    assert "depature" in refusal(tmp_path, "def build(tables, since): return tables['flights'].select('depature')")


def test_modules_beside_it_may_be_imported_and_nothing_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "airports.py").write_text("FAR = 2\n", encoding="utf-8")
    text = (
        "from airports import FAR\ndef build(tables, since):\n    import airports\n    return tables['flights'][:FAR]"
    )
    path, modules = list(sys.path), set(sys.modules)
    assert run(tmp_path, text).height == 2
    (tmp_path / "airports.py").write_text("FAR = 3\n", encoding="utf-8")
    assert run(tmp_path, text).height == 3
    assert (sys.path, {"airports", "pipeline"} & (set(sys.modules) - modules)) == (path, set())
    assert not list(tmp_path.rglob("*.pyc"))


def test_no_file_of_the_project_takes_the_place_of_a_library(tmp_path: Path) -> None:
    (tmp_path / "graphlib.py").write_text("raise RuntimeError\n", encoding="utf-8")
    text = "import graphlib\ndef build(tables, since): return tables['flights']"
    assert run(tmp_path, text).height == 3


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "away.py").write_text("def build(tables, since): return None", encoding="utf-8")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pipeline.py").symlink_to(tmp_path / "away.py")
    with pytest.raises(ConfigError, match="leads out of the project's folder"):
        run_python(tmp_path / "project" / "pipeline.py", "build", {}, folder=tmp_path / "project", since=None)


def test_its_tables_are_copies(tmp_path: Path) -> None:
    run(tmp_path, "def build(tables, since):\n    tables['flights'][0, 'id'] = 9\n    return tables.pop('flights')")
    assert (TABLES["flights"]["id"][0], FLIGHTS["id"][0]) == (1, 1)


def test_the_program_is_all_of_its_modules(tmp_path: Path) -> None:
    """An edit of a module beside it may change the result, so it counts as an edit of the pipeline."""
    run(tmp_path, "def build(tables, since): return tables['flights']")
    before = read_program(tmp_path / "pipeline.py", tmp_path)
    (tmp_path / "airports.py").write_text("FAR = 2\n", encoding="utf-8")
    assert read_program(tmp_path / "pipeline.py", tmp_path) != before
