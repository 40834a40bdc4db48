"""Faults in a copy of a stream: each does what it says, from its first row on, and nothing before it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trimtab.cli import main
from trimtab.errors import DataError, UsageError
from trimtab.testing.faults import KINDS, Fault, Planted, plant_fault

ROWS, START = 1200, 600


def make_rows(*, text: bool = False) -> pl.DataFrame:
    chance = np.random.default_rng(0)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=place) for place in range(ROWS)]
    rows = pl.DataFrame(
        {
            "asked": moments,
            "size": chance.normal(10.0, 2.0, ROWS).round(3),
            "rooms": chance.integers(1, 9, ROWS),
            "carrier": chance.choice(["AA", "B6", "UA"], ROWS),
            "late": chance.choice(["no", "yes"], ROWS, p=[0.8, 0.2]),
            "price": chance.normal(100.0, 5.0, ROWS).round(2),
            "known": moments,
        }
    )
    return (
        rows.with_columns(
            pl.col("asked", "known").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.exclude("asked", "known").cast(pl.String)
        )
        if text
        else rows
    )


def odds_of(labels: pl.Series) -> float:
    return float((labels == "yes").sum()) / float((labels == "no").sum())


def plant(
    kind: str, *, text: bool = False, column: str = "", target: str = "late", known_at: str = "", strength: float = 0.0
) -> Planted:
    spared = ("asked", "known", "price")
    return plant_fault(make_rows(text=text), Fault(kind, START, 0, column, strength, target, known_at, spared, seed=3))


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_begins_where_it_says_and_is_the_same_again(kind: str, text: bool) -> None:
    found, rows = plant(kind, text=text), make_rows(text=text)
    assert found.rows[:START].equals(rows[:START])
    assert not found.rows.equals(rows)
    assert found.touched > 0
    assert found.rows.equals(plant(kind, text=text).rows)
    assert found.rows.schema == rows.schema


def test_what_each_fault_does() -> None:
    rows = make_rows()
    later = slice(START, None)
    assert np.allclose(plant("unit_change").rows["size"][later], 10.0 * rows["size"][later])
    assert plant("null_storm", column="rooms").rows["rooms"][later].null_count() == pytest.approx(480, abs=40)
    fresh = plant("category_explosion").rows["carrier"][later]
    assert fresh.n_unique() > 200
    flipped = plant("label_flip", strength=1.0).rows["late"][later]
    assert (flipped == rows["late"][later]).sum() == 0
    mirrored = plant("label_flip", target="price", strength=1.0).rows["price"][later]
    assert np.allclose(mirrored + rows["price"][later], 2.0 * np.median(rows["price"].to_numpy()))
    drift = (plant("slow_drift").rows["size"] - rows["size"])[later].to_numpy()
    assert (np.diff(drift) > 0).all()
    assert drift[-1] == pytest.approx(2.0 * np.std(rows["size"][:START].to_numpy()), rel=0.01)
    swing = np.round((plant("season").rows["size"] - rows["size"])[later].to_numpy(), 9)
    assert int((np.diff(np.sign(swing[swing != 0.0])) != 0).sum()) == 7
    assert plant("feed_stop").rows.height == ROWS - 150
    assert plant("feed_stop", column="size").rows["size"][later].n_unique() == 1
    assert plant("duplicate_feed").rows.height == ROWS + START
    odds = [odds_of(one["late"][later]) for one in (plant("base_rate_change").rows, rows)]
    assert odds[0] / odds[1] == pytest.approx(3.0, rel=0.15)
    delayed = plant("label_delay", known_at="known", strength=2.5).rows["known"] - rows["known"]
    assert delayed.unique().sort().to_list() == [timedelta(0), timedelta(days=2.5)]
    assert plant("label_delay").rows["late"][later].null_count() == ROWS - START


def test_whole_numbers_stay_whole_and_text_stays_text() -> None:
    assert plant("unit_change", column="rooms", strength=2.54).rows["rooms"].dtype == pl.Int64
    told = plant("unit_change", column="rooms", strength=2.54, text=True).rows["rooms"]
    assert not told.str.contains(".", literal=True).any()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("unit_chnge", 1), "no fault 'unit_chnge'; did you mean 'unit_change'?"),
        (Fault("null_storm", 5000), "would begin at row 5,000"),
        (Fault("null_storm", 1, strength=1.5), "makes no sense"),
        (Fault("unit_change", 1, column="siez"), "no column 'siez'"),
        (Fault("unit_change", -3), "would begin at row -3"),
        (Fault("unit_change", 1, seed=-3), "A seed of -3 is below 0"),
        (Fault("label_flip", 1), "label_flip is made in the label, and no column is named"),
        (Fault("label_flip", 1, target="lat"), "no column 'lat'; did you mean 'late'?"),
    ],
)
def test_what_cannot_be_planted_is_said(fault: Fault, message: str) -> None:
    with pytest.raises(UsageError) as told:
        plant_fault(make_rows(), fault)
    assert message in str(told.value)


def test_a_stream_without_such_a_column_is_said() -> None:
    with pytest.raises(DataError, match="No column holds categories"):
        plant_fault(pl.DataFrame({"a": [1.0, 2.0, 3.0]}), Fault("category_explosion", 1))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_verb_copies_a_file_with_the_fault(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In CSV every other cell is byte for byte as it was; the file that was read is not touched."""
    file, copy = tmp_path / f"rows.{form}", tmp_path / f"copy.{form}"
    rows = make_rows(text=form == "csv")
    rows.write_csv(file, separator=";") if form == "csv" else rows.write_parquet(file)
    before = file.read_bytes()
    words = ["inject", str(file), "--kind", "unit_change", "--output", str(copy), "--column", "size", "--time", "asked"]
    assert main([*words, "--start", "2026-01-26", "--json"]) == 0
    assert '"touched": 600' in capsys.readouterr().out
    found = pl.read_csv(copy, separator=";", infer_schema=False) if form == "csv" else pl.read_parquet(copy)
    assert found.drop("size").equals(rows.drop("size"))
    assert found["size"][:600].equals(rows["size"][:600])
    assert file.read_bytes() == before
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["nan", "inf", "-inf", "-3"])
def test_a_place_that_is_no_number_of_a_row_is_refused(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    make_rows(text=True).write_csv(file)
    words = ["inject", str(file), "--kind", "unit_change", "--output", str(tmp_path / "copy.csv"), f"--start={place}"]
    assert main(words) == 2
    assert f"--start '{place}' is no share and no row" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "{0}/rows.csv", "--overwrite"], "is the file that is read"),
        (["--output", "{0}/link.csv", "--overwrite"], "is the file that is read"),
        (["--output", "{0}/copy.parquet"], "is CSV, so its copy cannot be called"),
        (["--output", "{0}/copy.csv", "--start", "banana"], "--start 'banana' is no share, no row and no date"),
        (["--output", "{0}/copy.csv", "--start", "banana", "--time", "asked"], "no share, no row and no date"),
        (["--output", "{0}/copy.csv", "--start", "2026-01-26"], "is a date, and no column tells the time"),
        (["--output", "{0}/copy.csv", "--end", "nan"], "--end 'nan' is no share and no row"),
        (["--output", "{0}/copy.csv", "--seed=-1"], "A seed of -1 is below 0"),
        (["--output", "{0}/copy.csv", "--kind", "label_flip"], "no column is named"),
    ],
)
def test_the_verb_refuses_what_cannot_be_meant(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with what to do instead; the file that is read stays, and no copy is begun."""
    file = tmp_path / "rows.csv"
    make_rows(text=True).write_csv(file)
    (tmp_path / "link.csv").symlink_to(file)
    before = file.read_bytes()
    kind = [] if "--kind" in words else ["--kind", "unit_change"]
    assert main(["inject", str(file), *kind, *(word.format(tmp_path) for word in words)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Next: " in told
    assert file.read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} == {"rows.csv", "link.csv"}


@pytest.mark.parametrize(("text", "said"), [("", "is empty"), ("a,b\n", "There are no rows")])
def test_a_file_without_rows_is_refused(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text)
    assert main(["inject", str(file), "--kind", "unit_change", "--output", str(tmp_path / "copy.csv")]) == 1
    assert said in capsys.readouterr().err


def test_an_identifier_is_chosen_only_where_there_is_nothing_else() -> None:
    """A fault in a key shows nothing: no model reads it."""
    rows = make_rows().drop("asked", "known").with_row_index("id")
    keyed = rows.with_columns(pl.format("k{}", "id").alias("code"))
    assert plant_fault(keyed, Fault("unit_change", START, spared=("price",))).column == "size"
    assert plant_fault(keyed.drop("size", "price"), Fault("null_storm", START)).column == "rooms"
    assert plant_fault(keyed.select(pl.col("id").cast(pl.String)), Fault("unit_change", START)).column == "id"
