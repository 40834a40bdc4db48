"""The folder of a demonstration: never on top of other files, one run at a time, and clean after an interruption."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.demo import place
from trimtab.demo.place import heed_term, take_place
from trimtab.errors import Busy, HostError, UsageError


def ignore(line: str) -> None:
    """Be told nothing."""


def interrupt(folder: Path) -> None:
    """Leave what a demonstration leaves that is killed in the middle."""
    with pytest.raises(KeyboardInterrupt), take_place(folder, tell=ignore) as taken:
        _die_halfway(taken)


def _die_halfway(taken: Path) -> None:
    (taken / "trimtab.toml").write_text("format = 1")
    (taken / ".trimtab" / "lake").mkdir(parents=True)
    raise KeyboardInterrupt


def test_passing_folder_is_gone_afterwards() -> None:
    with take_place(None, tell=ignore) as folder:
        (folder / "something").write_text("x")
    assert not folder.exists()


def test_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="not empty: mine"), take_place(tmp_path, tell=ignore):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(UsageError, match="is a file"), take_place(path, tell=ignore):
        pass


def test_finished_demonstration_is_refused(tmp_path: Path) -> None:
    with take_place(tmp_path, tell=ignore) as folder:
        (folder / "trimtab.toml").write_text("format = 1")
    with pytest.raises(UsageError, match="holds a finished demonstration"), take_place(tmp_path, tell=ignore):
        pass
    assert (tmp_path / "trimtab.toml").exists()


def test_interrupted_demonstration_is_cleared_away_and_it_is_said(tmp_path: Path) -> None:
    interrupt(tmp_path)
    told: list[str] = []
    with take_place(tmp_path, tell=told.append) as folder:
        assert {entry.name for entry in folder.iterdir()} == {place.MARK, place.LOCK}
    assert "begins anew" in told[0]


def test_strange_file_beside_an_interrupted_demonstration_keeps_everything(tmp_path: Path) -> None:
    interrupt(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"), take_place(tmp_path, tell=ignore):
        pass
    assert (tmp_path / "notes.txt").exists()
    assert (tmp_path / "trimtab.toml").exists()


def test_two_at_once_are_refused_with_the_process(tmp_path: Path) -> None:
    with (
        take_place(tmp_path, tell=ignore),
        pytest.raises(Busy, match=f"process {os.getpid()}"),
        take_place(tmp_path, tell=ignore),
    ):
        pass


def test_full_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "SPACE", 10**18)
    with pytest.raises(HostError, match="MB left"), take_place(tmp_path / "new", tell=ignore):
        pass


def test_term_ends_like_an_interruption() -> None:
    with pytest.raises(KeyboardInterrupt), heed_term():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler


def test_leash_ends_a_process_when_its_holder_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as server:
        script = (
            "import os, subprocess, sys\n"
            f"leash = [sys.executable, '-m', 'trimtab.leash', '{server.pid}']\n"
            "subprocess.Popen(leash, stdin=subprocess.PIPE)\n"
            "os.kill(os.getpid(), 9)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=False)
        assert server.wait(20) == -signal.SIGTERM
