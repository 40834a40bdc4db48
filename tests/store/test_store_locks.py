"""Locks die with their process; small files are replaced whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.errors import Busy
from trimtab.store.files import make_folder, write_whole
from trimtab.store.locks import hold, is_held, take

_HOLDER = """
import sys, time
from pathlib import Path
from trimtab.store.locks import take
take(Path(sys.argv[1]), "the thing")
print("held", flush=True)
time.sleep(60)
"""


def start_holder(path: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with start_holder(path) as child:
        with pytest.raises(Busy, match=rf"the thing is in use by process {child.pid}"), hold(path, "the thing"):
            pass
        assert is_held(path)
        child.kill()


def test_a_killed_holder_lets_go_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with start_holder(path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        with hold(path, "the thing"):
            assert path.read_text() == str(os.getpid())


def test_two_holders_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path, "the thing"), pytest.raises(Busy):
        take(path, "the thing")
    assert not is_held(path)


def test_nobody_holds_a_lock_that_does_not_exist(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "none")


def test_a_small_file_is_replaced_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    file = make_folder(tmp_path / "a" / "b") / "numbering"
    write_whole(file, "one")
    write_whole(file, "zwölf")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in file.parent.iterdir()] == [("numbering", "zwölf")]
