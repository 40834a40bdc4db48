"""The demonstration with every real part, on a fifth of three months' flights; and the project that it leaves."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.cli import main
from trimtab.demo.report import Shown
from trimtab.demo.run import run_demo
from trimtab.loop.state import Wheel, open_wheel
from trimtab.serve.child import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept flights"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def shown(folder: Path, lines: list[str]) -> Shown:
    """The end of a demonstration on a terminal of 60 columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "60")
        return run_demo(keep=folder, seed=7, months=1, tell=lines.append, share=0.2)


@pytest.fixture(scope="module")
def facts(shown: Shown) -> dict[str, Any]:
    return dict(shown.facts)


@pytest.fixture
def wheel(folder: Path, shown: Shown) -> Wheel:
    return open_wheel(folder)


def test_everything_was_reached(shown: Shown) -> None:
    assert shown.missed == ()


def test_facts_hold_what_is_promised_of_the_json(facts: dict[str, Any]) -> None:
    assert facts.keys() >= {"predictions", "outcomes", "lost", "versions", "seconds", "load", "by_month"}
    assert facts["rows"].keys() == {"raw", "clean", "quarantined"}
    assert facts["log_loss"].keys() == facts["auc"].keys() == {"frozen", "monthly", "switch", "governed"}
    assert (facts["retrains"], facts["promotions"], facts["refusals"]) == (1, 1, 1)


def test_no_acknowledged_answer_was_lost(facts: dict[str, Any], wheel: Wheel) -> None:
    assert facts["predictions"] == wheel.lake.read("predictions").collect().height > 400
    assert (facts["lost"], facts["failed"], facts["unasked_for"]) == (0, 0, 0)


def test_what_was_lived_agrees_with_the_replay(facts: dict[str, Any], shown: Shown) -> None:
    month = facts["by_month"][0]
    assert month["http"]["log_loss"] == pytest.approx(month["log_loss"]["governed"], abs=1e-9)
    assert any("The replay agrees" in sentence for sentence in shown.sentences)


def test_planted_challenger_is_refused_and_the_journal_says_why(shown: Shown, facts: dict[str, Any]) -> None:
    planted = next(decision for decision in shown.decisions if decision.by == "person:demo")
    assert planted.action == "refuse"
    assert "fitted on shuffled labels" in planted.reasons[0]
    assert any(reason.startswith("gate not_worse failed: mean loss") for reason in planted.reasons)
    assert facts["by_month"][0]["planted"]


def test_planting_is_said(shown: Shown, lines: list[str]) -> None:
    assert any(line.startswith("planted by this demonstration") for line in lines)


def test_every_labelled_flight_enters_the_snapshot_not_only_the_asked_ones(wheel: Wheel, facts: dict[str, Any]) -> None:
    assert wheel.catalog.versions()[-1].snapshot.rows == facts["outcomes"] > 20 * facts["predictions"]


def test_impossible_wind_is_quarantined_once(wheel: Wheel) -> None:
    bad = wheel.lake.read("quarantine").collect()
    assert bad.select("_source", pl.col("reasons").list.join(",")).rows() == [("weather", "wind_speed:hard_range")]


def test_table_and_charts_fit_a_narrow_terminal(shown: Shown) -> None:
    first = shown.sentences.index("")
    drawn = shown.sentences[first : -list(reversed(shown.sentences)).index("")]
    assert len(drawn) > 40
    assert max(map(len, drawn)) <= 60


def test_charts_are_kept(folder: Path, shown: Shown) -> None:
    assert (folder / "log-loss.svg").read_text().startswith("<svg")
    assert (folder / "auc.png").read_bytes().startswith(b"\x89PNG")


def test_no_source_is_read_twice_after_the_world_is_gone(folder: Path, wheel: Wheel) -> None:
    """Planes are a file now; what it holds was read from the API before."""
    before = {table: wheel.lake.read(table).collect().height for table in wheel.lake.tables()}
    assert main(["ingest", str(folder), "--json"]) == 0
    assert {table: wheel.lake.read(table).collect().height for table in wheel.lake.tables()} == before


@pytest.mark.parametrize("verb", ["status", "versions", "journal", "doctor", "tick"])
def test_verbs_work_on_the_kept_project(verb: str, folder: Path, shown: Shown) -> None:
    assert main([verb, str(folder), "--json"]) == 0


def test_suggested_commands_are_ready_to_paste(folder: Path, shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    explain = next(line for line in shown.next if line.startswith("trimtab explain"))
    assert main(["explain", explain.split()[2], "--project", str(folder)]) == 0
    assert f"'{folder.name}'" in explain or f"'{folder}'" in explain


def test_kept_project_answers_again(folder: Path, shown: Shown, wheel: Wheel, tmp_path: Path) -> None:
    raw = wheel.lake.read("predictions").select("raw").head(1).collect().item()
    with Server(folder, tmp_path / "log") as server:
        assert "probability" in server.predict([json.loads(raw)])[0]


def test_replay_compares_the_policies_of_the_kept_project(
    folder: Path, shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["replay", str(folder), "--policies", "never,governed", "--batch", "month", "--start", "2013-03-01"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"batches", "rows", "metric", "policies", "events"}
    assert (told["batches"], told["metric"], list(told["policies"])) == (1, "log_loss", ["never", "governed"])
    assert told["policies"]["never"].keys() >= {"loss", "gain", "retrains", "promotions", "refusals", "fits"}
    assert told["rows"] > 5000


def test_second_demonstration_in_the_same_folder_is_refused(
    folder: Path, shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--keep", str(folder)]) == 2
    assert "holds a finished demonstration" in capsys.readouterr().err
