import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.loop.conftest import SETTINGS

from trimtab import clock
from trimtab.errors import Busy, UsageError
from trimtab.loop.cycle import train
from trimtab.loop.forward import OUTCOMES, PREDICTIONS, frame_of
from trimtab.loop.known import resolve
from trimtab.loop.stand import promote, rollback, share
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import measure, tick
from trimtab.nouns import Member
from trimtab.train.golden import try_version

MakeWheel = Callable[..., Wheel]


def say_nothing(_: str) -> None:
    pass


def answer_and_learn(wheel: Wheel, rows: int, *, turned: bool = False, value: str = "", ago: float = 600) -> None:
    """Log answers of the champion and their outcomes, as workers do, straight into the lake.

    Every outcome is `value` where one is given.
    """
    standing = wheel.champion()
    assert standing is not None
    trim, version = standing
    package = wheel.package(version.id)
    frame = pl.DataFrame({"a": pl.Series(range(rows)).shuffle(abs(int(ago))) / rows * 4 - 2, "b": [0.0] * rows})
    moment = clock.now() - timedelta(seconds=ago)
    records, outcomes = [], []
    for place, (answer, a) in enumerate(zip(package.predict(frame), frame["a"], strict=True)):
        identity, at = f"{ago}-{place:05d}", moment + timedelta(milliseconds=place)
        records.append(
            {"id": identity, "_event_at": at, "_arrived_at": at, "features": {"a": a, "b": 0.0}, "raw": {"a": a},
             "prediction": "yes", "probability": float(answer), "output": {"prediction": "yes"}, "version": version.id,
             "epoch": trim.epoch, "contract": package.contract.id, "fallback": ""}
        )  # fmt: skip
        outcomes.append(
            {"id": f"o{identity}", "prediction_id": identity, "value": value or ("yes" if (a > 0) != turned else "no"),
             "known_at": at, "_arrived_at": at}
        )  # fmt: skip
    wheel.lake.append("predictions", frame_of(records, PREDICTIONS))
    wheel.lake.append("outcomes", frame_of(outcomes, OUTCOMES))


def test_a_calm_turn_decides_nothing_and_says_how_it_stands(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, turned=False)
    turned = tick(wheel, tell=say_nothing)
    assert turned.decisions == ()
    assert [(one.subject, one.fires) for one in turned.findings] == [("risk", False), ("opportunity", False)]
    assert [one.window.predictions for one in turned.windows] == [150, 150]
    assert turned.epoch == 1


def test_before_the_first_training_a_turn_only_ingests(make_wheel: MakeWheel) -> None:
    turned = tick(make_wheel(300, turned_at=300), tell=say_nothing)
    assert (turned.epoch, turned.findings) == (0, ())


def test_the_moment_of_a_turn_hides_what_came_later(make_wheel: MakeWheel) -> None:
    """Corrupt the future: the judgement of an earlier moment stays as it was."""
    wheel = make_wheel(600, turned_at=600)
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 300, turned=False, ago=900)
    at = resolve(wheel, clock.now() - timedelta(seconds=600))
    before = measure(wheel, at).findings
    answer_and_learn(wheel, 400, turned=True, ago=300)
    again = [finding.judgement for finding in measure(wheel, at).findings]
    assert again == [finding.judgement for finding in before]
    assert measure(wheel, resolve(wheel, None)).findings[0].fires


@pytest.mark.slow
def test_a_turn_killed_in_a_retrain_is_finished_by_the_next_one(make_wheel: MakeWheel) -> None:
    """The child that fits is gone with the turn, so that no two of them decide."""
    wheel = make_wheel(600, turned_at=600, settings=SETTINGS.replace('limit = "0s"', ""))
    train(wheel, tell=say_nothing)
    answer_and_learn(wheel, 600, turned=True)
    folder = wheel.project.folder
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "trimtab.cli", "tick", str(folder)], stderr=subprocess.PIPE, text=True
    )
    assert child.stderr is not None
    assert any("retraining" in line for line in child.stderr)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stderr.close()
    assert [decision.action for decision in wheel.catalog.journal()] == ["promote", "retrain"]
    tick(open_wheel(folder), tell=say_nothing)
    actions = [decision.action for decision in wheel.catalog.journal()]
    assert actions[:2] == ["promote", "retrain"]
    assert actions[2:] in (["promote"], ["keep"])
    assert wheel.catalog.verify_journal().state == "pass"


def test_two_turns_at_once_are_refused_and_the_holder_is_named(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    with wheel.turn("somebody's turn"), pytest.raises(Busy, match=str(os.getpid())):
        tick(open_wheel(wheel.project.folder), tell=say_nothing)


def test_promote_and_roll_back_by_hand_are_journalled_and_follow_each_other(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(900, turned_at=900)
    train(wheel, tell=say_nothing)
    with pytest.raises(UsageError, match="champion already"):
        promote(wheel, "v1", by="me")
    with pytest.raises(UsageError):
        rollback(wheel, by="me")
    with (wheel.project.folder.parent / "rows.csv").open("a", encoding="utf-8") as rows:
        rows.write("0.5,0.5,yes\n" * 30)
    tick(wheel, tell=say_nothing)
    assert train(wheel, tell=say_nothing).decision.action in {"admit", "refuse"}
    assert promote(wheel, "v2", by="me").epoch == 2
    assert rollback(wheel, by="me").version == wheel.catalog.find_version("v1").id
    assert wheel.catalog.epoch() == 3
    members = [Member(wheel.catalog.find_version(name).id, weight) for name, weight in (("v1", 0.4), ("v2", 0.6))]
    assert share(wheel, members, by="me").version == members[1].version
    trim = wheel.catalog.trim()
    assert trim is not None
    assert (trim.epoch, trim.members) == (4, tuple(members))
    with pytest.raises(UsageError, match="add up to 1"):
        share(wheel, members[:1], by="me")
    assert promote(wheel, "v2", by="me").epoch == 5  # the champion, but not alone
    decisions = wheel.catalog.journal()[-4:]
    assert [(one.action, one.by) for one in decisions] == [
        (action, "person:me") for action in ("promote", "roll_back", "trim", "promote")
    ]


def test_a_damaged_version_is_not_promoted(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    version = train(wheel, tell=say_nothing).version
    model = wheel.blobs.path(version.id) / "coefficients.json"
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-1] + b" ")
    assert "hash" in try_version(wheel.blobs.path(version.id)).lower()


def test_training_twice_on_the_same_rows_keeps_the_same_model(make_wheel: MakeWheel) -> None:
    wheel = make_wheel(300, turned_at=300)
    first = train(wheel, tell=say_nothing)
    again = train(open_wheel(wheel.project.folder), tell=say_nothing)
    assert again.version.id == first.version.id
    assert again.decision.action == "keep"
    assert "the same model came out" in again.decision.reasons[0]


def test_files_of_a_version_hold_no_time(make_wheel: MakeWheel, tmp_path: Path) -> None:
    wheel = make_wheel(300, turned_at=300)
    version = train(wheel, tell=say_nothing).version
    folder = wheel.blobs.path(version.id)
    assert str(clock.now().year) not in (folder / "manifest.json").read_text(encoding="utf-8")
    assert set(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))) == {"format", "files"}
    assert tmp_path in wheel.project.folder.parents
