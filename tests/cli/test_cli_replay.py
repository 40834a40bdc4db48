"""What `trimtab replay` and `trimtab demo` refuse, before any work is done."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.loop.conftest import SETTINGS, write_rows

from trimtab.cli import main
from trimtab.cli.replay import read_batch, read_start
from trimtab.errors import UsageError
from trimtab.loop.state import open_wheel

KEYS = [
    *("loss", "gain", "accuracy_gain", "retrains", "fits", "promotions", "refusals", "rollbacks", "harm_material"),
    *("harm_mass", "worst_rise", "look_back", "harm1", "harm5", "coverage", "alarms", "cost"),
]


@pytest.mark.parametrize(("text", "size"), [("", 0), ("month", "month"), ("500", 500)])
def test_batch_is_a_month_or_a_number_of_rows(text: str, size: str | int) -> None:
    assert read_batch(text) == size


@pytest.mark.parametrize("text", ["week", "0", "-5", "1.5"])
def test_other_batches_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"neither 'month' nor a number"):
        read_batch(text)


def test_start_is_a_date_or_a_moment() -> None:
    noon = datetime(2013, 3, 1, 12, tzinfo=UTC)
    assert read_start("") is None
    assert read_start("2013-03-01") == noon.replace(hour=0)
    assert read_start("2013-03-01T12:00:00Z") == noon


def test_start_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError):
        read_start("2013-03-01T12:00:00")


def test_replay_without_a_project_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path)]) == 2
    assert "is no trimtab project" in capsys.readouterr().err


def test_no_policy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path), "--policies", ","]) == 2
    assert "governed, switch, never" in capsys.readouterr().err


@pytest.mark.parametrize("months", ["0", "11"])
def test_demo_has_one_to_ten_months(months: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--months", months]) == 2
    told = capsys.readouterr().err
    assert "1 to 10 months" in told
    assert told.startswith("A year of flights")  # a first line comes at once, whatever follows


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start-offsets", "0,x"], "--start-offsets 0,x cannot be read"),
        (["--start-offsets", "101"], "cannot be read"),
        (["--label-delay=-1"], "lies in the future"),
        (["--label-delay", "2", "--batch", "month"], "needs batches of rows"),
        (["--report", "nowhere/page.html"], "--report nowhere/page.html cannot be written"),
    ],
)
def test_replay_refuses_what_cannot_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["replay", str(tmp_path), *words]) == 2
    assert said in capsys.readouterr().err


def test_replay_gives_gains_as_means_over_offsets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole verb on a small world that turns: what was asked, the references, and how much a policy saves."""
    write_rows(tmp_path / "rows.csv", 2700, turned_at=2300)
    folder = tmp_path / "p"
    assert main(["init", str(folder), "--data", str(tmp_path / "rows.csv"), "--target", "y", "--order", "file"]) == 0
    file = folder / "trimtab.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + SETTINGS, encoding="utf-8")
    capsys.readouterr()
    words = ["--policies", "governed,every:2", "--batch", "175", "--start-offsets", "0,1", "--json"]
    assert main(["replay", str(folder), *words, "--report", str(tmp_path / "page.html")]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert re.search(r"fits took \d+ s, the whole replay \d+ s, \d\.\d times as long", shown.err)
    assert found["batches"] == 4
    assert set(found["policies"]) == {"governed", "every:2"}
    assert list(found) == ["batches", "rows", "metric", "policies", "events"]
    assert found["policies"]["every:2"]["retrains"] == 2.0
    for figures in found["policies"].values():
        assert list(figures) == KEYS
        assert figures["fits"] >= 1
        assert isinstance(figures["gain"], float)
        assert isinstance(figures["accuracy_gain"], float)
    assert {event["policy"] for event in found["events"]} <= {"governed", "every:2"}
    promoted = {(event["offset"], event["batch"]) for event in found["events"] if event["action"] == "promote"}
    assert promoted >= {(0, 1), (1, 0)}
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "data:image/svg+xml" in page
    assert not re.search(r"(src|href)=.?https?:", page)


def test_another_file_is_replayed_and_kept_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows of --data take the place of the project's own; the project stays as it was, only made."""
    write_rows(tmp_path / "rows.csv", 300, turned_at=300)
    write_rows(tmp_path / "more.csv", 2500, turned_at=2500)
    folder = tmp_path / "p"
    assert main(["init", str(folder), "--data", str(tmp_path / "rows.csv"), "--target", "y", "--order", "file"]) == 0
    file = folder / "trimtab.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + SETTINGS, encoding="utf-8")
    capsys.readouterr()
    words = ["--data", str(tmp_path / "more.csv"), "--policies", "never", "--batch", "250", "--json"]
    assert main(["replay", str(folder), *words]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 500
    assert open_wheel(folder).lake.tables() == ()
    assert main(["replay", str(folder), "--data", str(tmp_path / "none.csv")]) == 2
    assert main(["replay", str(folder)]) == 1  # too little history
    assert "300 labelled rows are too few" in capsys.readouterr().err
