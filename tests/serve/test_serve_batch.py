"""A file answered in batch: the same bits as online, every row accounted for, every answer logged."""

import csv
import json
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.errors import DataError, UsageError
from trimtab.nouns import SourceSpec
from trimtab.serve.batch import score
from trimtab.serve.columns import are_written_alike
from trimtab.serve.model import Live, compile_live, compile_model
from trimtab.serve.sheet import disarm
from trimtab.store import open_blobs, open_catalog, open_index, open_lake, spool_folder
from trimtab.store.lake import Lake
from trimtab.store.record import rfc3339
from trimtab.store.spool import find_spooled
from trimtab.train.artefact import open_version

BATTERY = Path(__file__).parents[1] / "faults" / "score_battery.py"

ODD: list[dict[str, Any]] = [
    {"plan/type": "never seen"},
    {"plan/type": " B "},
    {"size": 700.25},
    {"size": 0.1 + 0.2},
    {"age": None, "plan/type": None, "Größe (cm)": None, "member": None, "color": None},
    {"customer": '=cmd|"x"!A1'},
    {"customer": 'Zeile\nzwei, "drei"'},
    {"size": 1e-300},
]
BAD: list[dict[str, Any]] = [{"size": -5.0}, {"color": "green"}, {"size": None}]


@pytest.fixture
def rows(good: dict[str, Any]) -> list[dict[str, Any]]:
    """300 rows: good ones, and in each 25 every odd one and every bad one."""
    changes = [*ODD, *BAD] + [{}] * 14
    plain = [{**good, "customer": f"c{n}", "size": 1 + n * 1.37, "age": 18 + n % 70} for n in range(300)]
    return [row | changes[n % 25] for n, row in enumerate(plain)]


def run(project: Any, source: Path, output: Path, tell: Any = lambda _: None, **options: Any) -> Any:
    blobs = open_blobs(project)

    def open_live(epoch: int | None) -> Live:
        with closing(open_catalog(project)) as catalog:
            trim = catalog.trim() if epoch is None else catalog.trim(epoch)
            assert trim is not None
            return compile_live(
                trim, lambda id_: compile_model(catalog.find_version(id_), open_version(blobs.path(id_)))
            )

    return score(project, open_live, open_lake(project), source, output, tell, **options)


def write(rows: list[dict[str, Any]], path: Path) -> Path:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    _ = frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_online_and_batch_agree_bit_for_bit(
    world: Any, server: Any, tmp_path: Any, rows: list[dict[str, Any]], suffix: str
) -> None:
    project = world.make_project(tmp_path / "p")
    scored = run(project, write(rows, tmp_path / f"in{suffix}"), tmp_path / "out.parquet")
    batch = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
    online = server.ask({"rows": rows}).json()["results"]
    assert (scored.rows, len(batch)) == (300, 300)
    for there, here in zip(online, batch, strict=True):
        if "error" in there:
            assert here["errors"] == [f"{bad['field']}:{bad['code']}" for bad in there["error"]["errors"]]
            assert here["prediction"] is here["probability"] is None
        else:
            assert (here["prediction"], here["probability"]) == (there["prediction"], there["probability"])
            assert here["warnings"] == there["warnings"]
            assert here["errors"] is None
    assert scored.refused == sum("error" in one for one in online) > 0


def test_every_answer_is_in_the_lake_and_in_the_index(world: Any, tmp_path: Any, rows: list[dict[str, Any]]) -> None:
    project = world.make_project(tmp_path / "p")
    scored = run(project, write(rows, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    shown = pl.read_parquet(tmp_path / "out.parquet").drop_nulls("prediction_id")
    logged = open_lake(project).read("predictions").collect()
    assert logged["id"].sort().to_list() == shown["prediction_id"].sort().to_list()
    assert logged.height == scored.answered == shown.height
    assert set(logged["worker"]) == {"batch"}
    assert set(logged["version"]) == {world.ids["first"]}  # the id for good, in the file the name as over HTTP
    assert set(shown["version"]) == {scored.version} == {"v1"}
    assert open_index(project).knows_prediction(shown["prediction_id"][0])
    first = logged.filter(pl.col("id") == shown["prediction_id"][0]).to_dicts()[0]
    assert json.loads(first["raw"])["customer"] == json.loads(first["features"])["customer"] == "c0"


def test_a_spreadsheet_runs_nothing(world: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """Cells and headers that look like formulas are disarmed; numbers stay numbers."""
    project = world.make_project(tmp_path / "p")
    source = write([{**good, "customer": "=1+1", "note": "-5.5e3", "@sum": "+49 30"}], tmp_path / "in.csv")
    run(project, source, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["customer"], row["note"], row["'@sum"]) == ("'=1+1", "-5.5e3", "'+49 30")


@pytest.mark.parametrize(
    ("cell", "safe"),
    [("=x", "'=x"), ("-1", "-1"), ("-", "'-"), ("@a", "'@a"), ("a=b", "a=b"), ("\tx", "'\tx"), ("+.5", "+.5")],
)
def test_only_formulas_are_disarmed(cell: str, safe: str) -> None:
    assert pl.DataFrame({"a": [cell]}).select(disarm(pl.col("a")))["a"].to_list() == [safe]


def test_a_label_in_the_file_is_no_part_of_the_question(world: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    project = world.make_project(tmp_path / "p")
    source = write([{**good, "churned": "nonsense", "version": "mine"}], tmp_path / "in.csv")
    scored = run(project, source, tmp_path / "out.parquet")
    (row,) = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
    assert (scored.refused, scored.ignored) == (0, ("version",))
    assert (row["churned"], row["input.version"], row["version"]) == ("nonsense", "mine", "v1")


def test_lines_that_are_no_rows_stand_where_they_stood(world: Any, tmp_path: Any) -> None:
    project = world.make_project(tmp_path / "p")
    (tmp_path / "in.csv").write_text("size,color\n1,red\n2,red,too,many\n3,blue\n")
    scored = run(project, tmp_path / "in.csv", tmp_path / "out.parquet")
    shown = pl.read_parquet(tmp_path / "out.parquet")
    assert shown["size"].to_list() == ["1", None, "3"]
    assert shown["errors"].to_list()[1][0].startswith("line:")
    assert (scored.rows, scored.answered, scored.refused, scored.reasons["unreadable_line"]) == (3, 2, 1, 1)


def test_a_file_that_lacks_a_column_names_it_and_leaves_nothing(world: Any, tmp_path: Any) -> None:
    project = world.make_project(tmp_path / "p")
    (tmp_path / "out.csv").write_text("older")
    (tmp_path / "in.csv").write_text("sizes,color\n1,red\n")
    with pytest.raises(DataError, match=r"size.*sizes"):
        run(project, tmp_path / "in.csv", tmp_path / "out.csv", overwrite=True)
    assert (tmp_path / "out.csv").read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"p", "in.csv", "out.csv"}


@pytest.mark.parametrize("output", ["out.xlsx", "p", "nowhere/out.csv", "in.csv", "."])
def test_an_output_that_cannot_be_meant_is_refused(
    world: Any, tmp_path: Any, good: dict[str, Any], output: str
) -> None:
    project = world.make_project(tmp_path / "p")
    with pytest.raises(UsageError):
        run(project, write([good], tmp_path / "in.csv"), tmp_path / output)


def test_a_file_that_exists_is_replaced_only_where_that_is_said(
    world: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    project, data = world.make_project(tmp_path / "p"), write([good], tmp_path / "in.csv")
    older = tmp_path / "out.csv"
    older.write_text("older")
    with pytest.raises(UsageError, match=r"out\.csv exists already") as refused:
        run(project, data, older)
    assert "--overwrite" in refused.value.hint
    assert older.read_text() == "older"
    assert run(project, data, older, overwrite=True).answered == 1
    assert older.read_text() != "older"


def files(path: str, pattern: str = "*") -> SourceSpec:
    return SourceSpec("shop", "files", Path(path), pattern=pattern)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("spec", "output", "says"),
    [
        (files("shop.csv"), "shop.csv", "[sources.shop]"),
        (files("shop.csv"), "link.csv", "[sources.shop]"),
        (files("absent.csv"), "absent.csv", "[sources.shop]"),
        (files("drop"), "drop/new.csv", "[sources.shop]"),
        (files("drop", "rows-*.csv"), "drop/rows-3.csv", "[sources.shop]"),
        (files("shop.csv"), "p/.trimtab/out.csv", "record of the project"),
    ],
)
def test_no_source_and_no_record_is_ever_replaced(
    world: Any, tmp_path: Any, good: dict[str, Any], spec: SourceSpec, output: str, says: str, overwrite: bool
) -> None:
    source = replace(spec, path=tmp_path / spec.path)
    project = replace(world.make_project(tmp_path / "p"), sources=(source,))
    (tmp_path / "drop").mkdir()
    (tmp_path / "shop.csv").write_text("dear")
    (tmp_path / "link.csv").hardlink_to(tmp_path / "shop.csv")
    with pytest.raises(UsageError, match=re.escape(says)):
        run(project, write([good], tmp_path / "in.csv"), tmp_path / output, overwrite=overwrite)
    assert (tmp_path / "shop.csv").read_text() == "dear"


def test_answers_may_stand_beside_the_files_that_a_pattern_takes(
    world: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    project = replace(world.make_project(tmp_path / "p"), sources=(replace(files("", "rows-*.csv"), path=tmp_path),))
    assert run(project, write([good], tmp_path / "in.csv"), tmp_path / "out.csv").answered == 1


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_have_their_own_columns(other_worlds: Any, tmp_path: Any, good: dict[str, Any], task: str) -> None:
    project = other_worlds[task].make_project(tmp_path / "p")
    run(project, write([good], tmp_path / "in.csv"), tmp_path / "out.parquet")
    (row,) = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
    if task == "regression":
        assert isinstance(row["prediction"], float)
        assert "probability" not in row
    else:
        assert sum(row[f"probability_{name}"] for name in "xyz") == pytest.approx(1)


def test_strict_projects_refuse_unknown_columns(world: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    project = world.make_project(tmp_path / "p", serve='extra_fields = "reject"')
    with pytest.raises(DataError, match="extra"):
        run(project, write([{**good, "extra": 1}], tmp_path / "in.csv"), tmp_path / "out.csv")


def test_a_chunk_and_single_rows_make_the_same_record(
    other_worlds: Any, world: Any, local: Any, tmp_path: Any, rows: list[dict[str, Any]]
) -> None:
    """Every field of the log that does not name the moment or the worker, for each task."""
    for task, one in {"binary": world, **other_worlds}.items():
        project = one.make_project(tmp_path / task)
        reply = local(project).ask({"rows": rows}).json()
        asked = [answer["prediction_id"] for answer in reply["results"] if "prediction_id" in answer]
        spooled = [json.loads(find_spooled(spool_folder(project), "prediction", id_) or b"") for id_ in asked]
        run(project, write(rows, tmp_path / f"{task}.parquet"), tmp_path / f"{task}-out.parquet")
        logged = open_lake(project).read("predictions").sort("id").collect().to_dicts()
        assert len(logged) == len(spooled) > 200
        for there, here in zip(spooled, logged, strict=True):
            for name in ("prediction", "probability", "key", "version", "epoch", "contract", "warnings", "fallback"):
                assert here[name] == there.get(name)
            for name in ("features", "output", "raw"):
                assert present(here[name]) == present(there[name])
            assert rfc3339(here["_event_at"]) == there["_event_at"]


def test_minus_zero_is_written_as_it_came() -> None:
    one, other = pl.DataFrame({"a": [1.0, -0.0], "b": ["x", None]}), pl.DataFrame({"a": [1.0, 0.0], "b": ["x", None]})
    assert are_written_alike(other, other)
    assert not are_written_alike(one, other)
    assert not are_written_alike(other, other.select("b", "a"))
    assert not are_written_alike(other, other.with_columns(a=1.0))


def present(text: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text).items() if value is not None}


@pytest.mark.parametrize("form", ["folder", "table"])
def test_a_folder_and_a_table_are_answered_like_a_file(
    world: Any, tmp_path: Any, rows: list[dict[str, Any]], form: str
) -> None:
    project, source = world.make_project(tmp_path / "p"), tmp_path / form
    if form == "table":
        for part in (rows[:100], rows[100:]):
            Lake(tmp_path).append("table", pl.DataFrame(part, infer_schema_length=None))
    else:
        source.mkdir()
        for number, part in enumerate((rows[:100], rows[100:])):
            write(part, source / f"{number}.parquet")
    scored = run(project, source, tmp_path / "out.parquet")
    assert (scored.rows, pl.read_parquet(tmp_path / "out.parquet").height) == (300, 300)
    again = run(project, source, tmp_path / "answers")
    assert open_lake(project).read("predictions").collect().height == 2 * scored.answered == 2 * again.answered
    assert Lake(tmp_path).read("answers").collect().height == 300


@pytest.mark.parametrize("names", [("a.csv", "b.parquet"), ()])
def test_a_folder_of_several_kinds_or_none_is_refused(world: Any, tmp_path: Any, names: tuple[str, ...]) -> None:
    (tmp_path / "in").mkdir()
    for name in names:
        write([{"size": 1, "color": "red"}], tmp_path / "in" / name)
    with pytest.raises(UsageError, match=r"several kinds|holds no files"):
        run(world.make_project(tmp_path / "p"), tmp_path / "in", tmp_path / "out.csv")


def test_killed_runs_are_finished_without_a_row_lost_or_repeated(
    world: Any, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    """One kill; a hundred in tests/faults."""
    world.make_project(tmp_path / "p")
    source = write(rows * 10, tmp_path / "in.parquet")
    command = [sys.executable, str(BATTERY), str(tmp_path / "p"), str(source), ".parquet", "1"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert result["cut_short"] > 0
    assert (result["lost"], result["repeated"], result["unknown"], result["left"]) == (0, 0, 0, [])
    assert result["in_order"]


def interrupted(project: Any, source: Path, output: Path) -> None:
    """Begin a run and break it off when its first step is done."""

    def tell(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(project, source, output, tell)


def test_an_input_that_has_changed_is_begun_again(world: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    project, source, output = world.make_project(tmp_path / "p"), tmp_path / "in.parquet", tmp_path / "out.csv"
    interrupted(project, write([good] * 3, source), output)
    assert (tmp_path / ".out.csv.job").is_dir()
    write([good] * 5, source)
    assert (run(project, source, output).resumed, len(output.read_text().splitlines())) == (0, 6)
    assert not (tmp_path / ".out.csv.job").exists()


def test_a_run_that_goes_on_answers_with_its_first_epoch(world: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    project, source, output = world.make_project(tmp_path / "p"), tmp_path / "in.parquet", tmp_path / "out.csv"
    interrupted(project, write([good] * 3, source), output)
    world.promote(project, "second")
    scored = run(project, source, output)
    assert (scored.resumed, scored.epoch, scored.version) == (3, 1, "v1")


def test_a_run_that_is_killed_behind_its_output_is_tidied_up(world: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    """By the same command, which needs no --overwrite; by any other one in that folder where only tidying was left."""
    project, source, output = world.make_project(tmp_path / "p"), tmp_path / "in.parquet", tmp_path / "out.csv"
    interrupted(project, write([good] * 3, source), output)
    output.write_text("stands for the whole output")
    with pytest.raises(UsageError, match="exists already"):
        run(project, write([good], tmp_path / "other.parquet"), output)
    (tmp_path / ".older.csv.job.over").mkdir()
    assert run(project, source, output).resumed == 3
    assert len(output.read_text().splitlines()) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"p", "in.parquet", "other.parquet", "out.csv"}
