"""A retrain that hangs is ended when its time is over, also in native code; one that crashes takes nobody with it."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.loop.conftest import SETTINGS
from tests.loop.test_loop_governor import learn_more

from trimtab import clock
from trimtab.loop.apart import OTHER_RECORD, finish_apart
from trimtab.loop.cycle import train
from trimtab.loop.known import resolve
from trimtab.loop.state import Wheel
from trimtab.loop.tick import retrain_now, tick
from trimtab.nouns import Decision, Member, Trim, Version
from trimtab.retrain.policy import find_running

MakeWheel = Callable[..., Wheel]
LIMITED = SETTINGS.replace('limit = "0s"', 'limit = "6s"')
FAMILY = """
import os, signal, time
from collections import deque
from itertools import repeat
from pathlib import Path
from trimtab.train.families.linear import Linear

class Odd(Linear):
    def fit(self, *args, **kwargs):
        Path(__file__).with_name("pid").write_text(str(os.getpid()))
        print("half a line", end="", flush=True)
        {deed}
"""
SLEEPS = "while True: time.sleep(3600)"
SPINS = "deque(repeat(None), maxlen=0)  # in C, and nothing interrupts it"
CRASHES = "os.kill(os.getpid(), signal.SIGSEGV)"
LEAVES = "os._exit(0)"


def say_nothing(_: str) -> None:
    pass


def install_family(folder: Path, deed: str) -> None:
    """A package with a family of the name `odd`, as an installer leaves it."""
    folder.mkdir()
    (folder / "odd_family.py").write_text(FAMILY.format(deed=deed), encoding="utf-8")
    about = folder / "odd_family-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-family\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[trimtab.families]\nodd = odd_family:Odd\n", encoding="utf-8")


def crown_odd(wheel: Wheel) -> Version:
    """Let a Version be the champion whose recipe names that family."""
    first = wheel.catalog.find_version("v1")
    odd = wheel.catalog.add_version(replace(first, id="0dd0dd0dd0dd", recipe={**first.recipe, "family": "odd"}))
    moment = clock.now()
    wheel.catalog.decide(Decision("promote", "test", ("odd",), moment, moment, odd.id), Trim(2, (Member(odd.id),), 0.5))
    return odd


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (SLEEPS, "it took longer than the 6 seconds of [retrain] limit and was ended"),
        (SPINS, "it took longer than the 6 seconds of [retrain] limit and was ended"),
        (CRASHES, "its process was ended by SIGSEGV"),
        (LEAVES, "its process ended without a word"),
    ],
    ids=["sleeps", "spins in native code", "crashes", "leaves"],
)
def test_a_retrain_that_never_comes_back_is_a_failed_one(
    make_wheel: MakeWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, reason: str
) -> None:
    """The champion goes on, nothing of the child is left, and the retrain counts for cool-down and month."""
    install_family(tmp_path / "site", deed)
    monkeypatch.syspath_prepend(tmp_path / "site")
    wheel = make_wheel(600, turned_at=600, settings=LIMITED)
    train(wheel, tell=say_nothing)
    odd = crown_odd(wheel)
    begun = time.monotonic()
    due, kept = retrain_now(wheel, by="marta", tell=say_nothing)
    assert time.monotonic() - begun < 30
    assert (due.action, kept.action, kept.version) == ("retrain", "keep", odd.id)
    assert kept.reasons == (f"the retrain could not be done, the champion goes on answering: {reason}",)
    assert find_running(wheel.catalog.journal()) is None
    assert wheel.catalog.epoch() == 2
    pid = int((tmp_path / "site" / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_retrain_within_its_limit_comes_out_as_without_one(make_wheel: MakeWheel) -> None:
    """The child decides on the same record; its lines are told."""
    wheel = make_wheel(600, turned_at=600, settings=LIMITED.replace("6s", "2m"))
    train(wheel, tell=say_nothing)
    learn_more(wheel)
    told: list[str] = []
    _, judged = retrain_now(wheel, by="marta", tell=told.append)
    assert judged.verdict is not None
    assert judged == wheel.catalog.journal()[-1]
    assert told[0] == "retraining linear on 900 labelled rows"
    assert told[1].startswith("linear: log_loss ")
    assert tick(wheel, tell=say_nothing).decisions == ()


def test_a_child_touches_no_other_record(make_wheel: MakeWheel, tmp_path: Path) -> None:
    """The wheel of a drill or a replay may have a record of its own; its folder holds the project's."""
    wheel = make_wheel(600, turned_at=600, settings=LIMITED.replace("6s", "2m"))
    train(wheel, tell=say_nothing)
    at = resolve(wheel, None)
    before = wheel.catalog.journal()
    elsewhere = replace(wheel, project=replace(wheel.project, state=tmp_path / "elsewhere"))
    assert finish_apart(elsewhere, at, 60.0, tell=say_nothing) == f"its process ended with code {OTHER_RECORD}"
    assert wheel.catalog.journal() == before


def test_a_retrain_that_raises_says_what_also_from_a_child(
    make_wheel: MakeWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_family(tmp_path / "site", 'raise MemoryError("no room for 9 TB")')
    monkeypatch.syspath_prepend(tmp_path / "site")
    wheel = make_wheel(600, turned_at=600, settings=LIMITED.replace("6s", "2m"))
    train(wheel, tell=say_nothing)
    crown_odd(wheel)
    _, kept = retrain_now(wheel, by="marta", tell=say_nothing)
    assert kept.reasons[0].endswith("MemoryError: no room for 9 TB")
