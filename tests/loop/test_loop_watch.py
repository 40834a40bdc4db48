"""What a turn says about the newest window, what replay tells of planted faults, and what a fault in the data holds."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.loop.conftest import SETTINGS, say_nothing, write_rows
from tests.loop.test_loop_tick import answer_and_learn

from trimtab import clock
from trimtab.cli import main
from trimtab.loop.begin import begin
from trimtab.loop.cycle import ingest, train
from trimtab.loop.known import AsOf, resolve
from trimtab.loop.replay import replay as play
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import measure
from trimtab.nouns import State
from trimtab.testing.faults import Fault, plant_fault

MakeWheel = Callable[..., Wheel]
ROWS, BATCH = 3500, 150


def make_faulty(tmp_path: Path, fault: Fault, settings: str = SETTINGS) -> Wheel:
    """A project whose file has a fault in it, a retrain being allowed after every window."""
    write_rows(tmp_path / "plain.csv", ROWS, ROWS)  # the world itself never turns
    planted = plant_fault(pl.read_csv(tmp_path / "plain.csv"), fault).rows
    planted.write_csv(tmp_path / "rows.csv")
    folder = tmp_path / "project"
    begin(folder, tmp_path / "rows.csv", target="y", order="file", tell=say_nothing)
    file = folder / "trimtab.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + settings, encoding="utf-8")
    wheel = open_wheel(folder)
    ingest(wheel, tell=say_nothing)
    return wheel


def test_a_changed_unit_is_told_and_holds_trim_and_retrain(tmp_path: Path) -> None:
    """Replay says what would have been noticed, how late, and what would have been done: nothing, for five windows."""
    wheel = make_faulty(tmp_path, Fault("unit_change", 2600, column="a", strength=60.0))
    line = play(wheel, policies=["governed"], batch=BATCH, label_delay=1, tell=say_nothing).lines["governed"]
    first = (2600 - 2000) // BATCH
    told = [one for one in line.events if one.action == "diagnosis" and one.by == "unit_change"]
    assert told[0].batch <= first + 1
    assert "'a' moved" in told[0].reasons[0]
    assert told[0].reasons[-1] == "helps: neither"
    waits = [one for one in line.events if one.action == "wait" and one.by == "diagnosis"]
    assert waits[0].reasons[0] == "neither trimming nor retraining will help: unit change"
    acted = [one.batch for one in line.events if one.action == "retrain"]
    assert not any(waits[0].batch <= batch < waits[0].batch + 5 for batch in acted)


def test_a_calm_replay_names_no_fault(tmp_path: Path) -> None:
    wheel = make_faulty(tmp_path, Fault("unit_change", ROWS - 1, column="a", strength=1.0001))
    line = play(wheel, policies=["governed"], batch=BATCH, label_delay=1, tell=say_nothing).lines["governed"]
    assert [one.by for one in line.events if one.action == "diagnosis"] == []


def test_monitor_tells_a_healthy_window_from_a_broken_one(
    make_wheel: MakeWheel, capsys: pytest.CaptureFixture[str]
) -> None:
    """The outcomes turn: performance fails, drift of the inputs is told, and nothing was decided."""
    wheel = make_wheel(900, turned_at=900)
    train(wheel, tell=say_nothing)
    folder = str(wheel.project.folder)
    assert main(["monitor", folder, "--json"]) == 0
    empty = json.loads(capsys.readouterr().out)
    assert (empty["window"], empty["healthy"]) == (None, True)
    answer_and_learn(wheel, 600, turned=True)
    picture = wheel.project.folder / "loss.svg"
    assert main(["monitor", folder, "--picture", str(picture), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {one["subject"] for one in told["findings"]} == {"performance", "estimate", "answers", "inputs", "data"}
    states = {one["subject"]: one["state"] for one in told["findings"]}
    assert states["performance"] == "fail"
    assert {one["column"] for one in told["drift"]} == {"a", "b"}
    assert told["drift"][0]["distance"]["distance_floor"] > 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert main(["monitor", folder]) == 1
    assert "performance: FAILS. mean loss" in capsys.readouterr().out
    assert [one.action for one in wheel.catalog.journal()] == ["promote"]


def test_the_moment_of_a_look_hides_what_came_later(make_wheel: MakeWheel) -> None:
    """Corrupt the future: what is seen at an earlier moment stays as it was."""
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, turned=False, ago=900)
    at = resolve(wheel, clock.now() - timedelta(minutes=5))
    before = measure(wheel, at).watched
    assert before.window is not None
    answer_and_learn(wheel, 300, turned=True, ago=1)
    assert measure(wheel, at).watched == before


def test_what_is_kept_of_a_window_does_not_depend_on_those_beside_it(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that has run for long and one that was just started see the same waits and labels of a window."""
    monkeypatch.setattr("trimtab.loop.watch.HISTORY", 2)
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, ago=900)
    measure(wheel, resolve(wheel, None))
    answer_and_learn(wheel, 150, ago=500)
    at = resolve(wheel, None)
    measure(wheel, at)
    fresh = replace(wheel, seen={})
    measure(fresh, at)
    assert len(wheel.seen) == 3
    assert len(fresh.seen) == 2
    for mark, seen in fresh.seen.items():
        assert (seen.pause, seen.seconds) == (wheel.seen[mark].pause, wheel.seen[mark].seconds)
    value = wheel.lake.read("outcomes").collect()[-1]
    told = pl.Series(["no" if value["value"][0] == "yes" else "yes"])
    wheel.lake.append("outcomes", value.with_columns(told.alias("value"), id=pl.lit("corrected"), known_at=clock.now()))
    measure(wheel, resolve(wheel, None))
    assert len(wheel.seen) == 4  # a corrected label is looked at again


def test_a_version_without_a_portrait_cannot_tell_of_drift(
    make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a Version that an older trimtab wrote: performance is told all the same."""
    monkeypatch.setattr("trimtab.train.profile.FORMAT", 1)
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    monkeypatch.undo()
    answer_and_learn(wheel, 300, turned=False)
    found = {one.subject: one.judgement for one in measure(wheel, resolve(wheel, None)).watched.findings}
    assert found["performance"].state is State.PASS
    assert found["inputs"].state is State.CANNOT_TELL
    assert "format 1" in found["inputs"].reasons[0]


def test_without_any_outcome_what_needs_one_cannot_tell(make_wheel: MakeWheel) -> None:
    """Drift is told all the same, and nothing asks for anything."""
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, turned=False)
    measured = measure(wheel, AsOf(clock.now(), clock.now() - timedelta(days=1)))
    states = {one.subject: one.judgement.state for one in measured.watched.findings}
    assert (states["performance"], states["estimate"]) == (State.CANNOT_TELL, State.CANNOT_TELL)
    assert states["inputs"] is State.FAIL  # `b` is the same in every row
    assert not any(one.fires for one in measured.watched.findings)
