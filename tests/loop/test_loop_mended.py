"""What a person mends takes effect: an edited contract, a source that is back, a Version that was damaged."""

from collections.abc import Callable

import pytest

from trimtab.errors import DataError, TrimtabError
from trimtab.loop.cycle import check, ingest, train
from trimtab.loop.report import status
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import tick

MakeWheel = Callable[..., Wheel]


def say_nothing(_: str) -> None:
    pass


def edit(wheel: Wheel, old: str, new: str) -> Wheel:
    """Edit contract.toml as a person does, and open the project again."""
    text = wheel.project.contract.read_text(encoding="utf-8")
    assert old in text
    wheel.project.contract.write_text(text.replace(old, new, 1), encoding="utf-8")
    return open_wheel(wheel.project.folder)


def test_a_mended_target_is_found_in_rows_that_were_read_before(make_wheel: MakeWheel) -> None:
    wheel = edit(make_wheel(300, turned_at=300), 'column = "y"', 'column = "yy"')
    with pytest.raises(DataError, match="0 rows with a label in 'yy'"):
        train(wheel, tell=say_nothing)
    assert train(edit(wheel, 'column = "yy"', 'column = "y"'), tell=say_nothing).rows == 300


def test_a_mended_range_lets_rows_out_of_quarantine(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    narrow = edit(wheel, "[columns.a]\n", "[columns.a]\nhard = [50, 60]\n")
    assert ingest(narrow, tell=say_nothing).quarantined == 300
    assert status(narrow).facts["rows"]["quarantine"] == 300
    wide = edit(narrow, "hard = [50, 60]\n", "hard = [-60, 60]\n")
    assert ingest(wide, tell=say_nothing).accepted == 300
    assert status(wide).facts["rows"] | {"waiting": 0} == {
        "clean": 300, "quarantine": 0, "predictions": 0, "outcomes": 0, "waiting": 0,
    }  # fmt: skip


def test_a_column_of_another_type_has_a_table_of_its_own(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    found = wheel.project.contract.read_text(encoding="utf-8").split("[columns.b]")
    columns = '[columns.a]\ntype = "text"\nrole = "ignore"\n\n[columns.b]'
    wheel.project.contract.write_text(found[0].split("[columns.a]")[0] + columns + found[1], encoding="utf-8")
    text = open_wheel(wheel.project.folder)
    assert train(text, tell=say_nothing).rows == 300
    assert len([table for table in text.lake.tables() if table.startswith("clean/")]) == 2


def test_a_source_that_is_gone_stops_ingest_but_not_the_turn(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    train(wheel, tell=say_nothing)
    wheel.project.sources[0].path.rename(wheel.project.folder / "elsewhere.csv")
    with pytest.raises(TrimtabError, match="there is no file"):
        ingest(wheel, tell=say_nothing)
    turned = tick(wheel, tell=say_nothing)
    assert [failure.where for failure in turned.ingested.failures] == ["sources.rows"]
    assert [finding.subject for finding in turned.findings] == ["risk", "opportunity"]


def test_a_damaged_champion_is_told_and_hides_nothing_else(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    version = train(wheel, tell=say_nothing).version
    model = wheel.blobs.path(version.id) / "encoder.json"
    model.chmod(0o644)
    model.write_bytes(model.read_bytes() + b" ")
    state = status(open_wheel(wheel.project.folder))
    assert "cannot be opened" in state.facts["broken"]
    assert state.facts["next"] == "train"
    assert state.facts["rows"]["clean"] == 300


@pytest.mark.parametrize("more", ["", "0.5,0.5,yes\n" * 30])
def test_training_mends_a_damaged_champion(make_wheel: MakeWheel, more: str) -> None:
    """From the same rows the same Version comes out and heals the files; from more rows a new one takes its place."""
    wheel = make_wheel(300, turned_at=300)
    version = train(wheel, tell=say_nothing).version
    model = wheel.blobs.path(version.id) / "encoder.json"
    model.chmod(0o644)
    model.write_bytes(model.read_bytes() + b" ")
    with wheel.project.sources[0].path.open("a", encoding="utf-8") as rows:
        rows.write(more)
    again = open_wheel(wheel.project.folder)
    ingest(again, tell=say_nothing)
    done = train(again, tell=say_nothing)
    assert done.decision.action == ("promote" if more else "keep")
    assert status(open_wheel(wheel.project.folder)).facts["broken"] == ""


def test_check_tells_all_parts_of_a_large_file_and_keeps_nothing(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    large = wheel.project.folder / "large.csv"
    large.write_text("a,b,y\n" + "0.5,0.5,yes\n" * 60_000 + "x,0.5,yes\n" * 10, encoding="utf-8")
    found = check(wheel, large)
    assert (found.accepted, found.quarantined, found.rejected) == (60_000, 10, 0)
    assert found.sentences[0].startswith("60,000 of 60,010 rows are clean; 10 in quarantine")
    assert status(wheel).facts["rows"]["clean"] == 300
