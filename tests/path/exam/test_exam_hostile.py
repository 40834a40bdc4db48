"""Submissions that mean harm, or do it: each ends in a clear result, and nothing of it is left behind."""

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.path.exam.conftest import QUICK, HandIn, needs_bubblewrap, passed_tasks

from trimtab.path.exam import harness, sandbox
from trimtab.path.exam.grade import UNSANDBOXED
from trimtab.path.exam.sandbox import Limits

SHORT = Limits(seconds=1.0)
MARK = f"86400.{os.getpid()}"
"""Seconds that no other process of this machine sleeps."""

TRIES = """
import os, socket, shutil
def attempt(do, *words):
    try:
        return do(*words)
    except BaseException as error:
        return type(error).__name__
"""


def running(mark: str) -> list[str]:
    """Return the processes of this machine whose command holds a mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [entry.parent.name] if mark.encode() in entry.read_bytes() else []
        except OSError:
            continue
    return found


def in_home(place: str) -> bool:
    return Path(place).is_relative_to(Path.home())


def test_script_that_never_ends_is_stopped_and_what_it_saved_is_judged(hand_in: HandIn, anywhere: bool) -> None:
    script = "open('conclusion.txt', 'w').write('In all, 3 of those who 4 sat there.')\nwhile True: pass"
    graded = hand_in(script, limits=SHORT)
    assert "ran longer than 1 s" in graded.notes[0]
    assert graded.sandboxed is anywhere
    assert (UNSANDBOXED in graded.notes) is not anywhere
    assert graded.results[-1].message == "Neither of the two numbers is right in conclusion.txt."
    assert graded.seconds < 6


def test_script_that_prints_a_gigabyte_is_stopped(hand_in: HandIn, anywhere: bool) -> None:
    graded = hand_in("for _ in range(1000): print('x' * 1_000_000)")
    assert "stopped at line 1 with OSError" in graded.notes[0]
    assert "more than 16 MB" in graded.notes[1]


@needs_bubblewrap
def test_fork_bomb_is_stopped(hand_in: HandIn) -> None:
    graded = hand_in("import os\nwhile True:\n    os.fork()")
    assert "too many processes" in graded.notes[0]
    assert graded.seconds < 6


def test_crowd_of_sleepers_is_stopped(hand_in: HandIn, anywhere: bool) -> None:
    graded = hand_in(f"import subprocess\nwhile True: subprocess.Popen(['sleep', '{MARK}'])")
    assert "too many processes" in graded.notes[0]
    assert not running(MARK)


def test_more_memory_than_allowed_is_an_error_of_the_script(hand_in: HandIn, anywhere: bool) -> None:
    assert "MemoryError" in hand_in("x = bytearray(3_000_000_000)").notes[0]


@pytest.mark.parametrize("flags", ["mmap.MAP_PRIVATE", "mmap.MAP_SHARED"])
def test_memory_of_many_processes_is_counted_together(flags: str, hand_in: HandIn, anywhere: bool) -> None:
    script = f"""
import mmap, os, time
for _ in range(4): os.fork()
block = mmap.mmap(-1, 100_000_000, flags={flags} | mmap.MAP_ANONYMOUS)
for place in range(0, len(block), 4096): block[place] = 1
time.sleep(30)
"""
    graded = hand_in(script, limits=Limits(seconds=8.0, memory=300 * sandbox.MEGABYTE))
    assert "too much memory" in graded.notes[0]


@needs_bubblewrap
def test_memory_without_an_owner_is_counted_too(hand_in: HandIn) -> None:
    """Files in memory that nobody maps belong to no process, and fill the machine all the same."""
    script = "import os, time\nfor n in range(60): os.write(os.memfd_create(str(n)), bytes(15_000_000))\ntime.sleep(30)"
    graded = hand_in(script, limits=Limits(seconds=8.0, memory=300 * sandbox.MEGABYTE))
    assert "too much memory" in graded.notes[0]


def test_daemon_does_not_outlive_its_script(hand_in: HandIn, anywhere: bool) -> None:
    script = f"""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.execvp('sleep', ['sleep', '{MARK}'])
    os._exit(0)
"""
    assert hand_in(script).notes == (() if anywhere else (UNSANDBOXED,))
    assert not running(MARK)


@needs_bubblewrap
def test_nothing_is_written_outside(hand_in: HandIn, tmp_path: Path) -> None:
    """Neither the machine's folders, nor the home, nor what was mounted to read; nor can any of it be removed."""
    canary = tmp_path / "canary"
    canary.write_text("alive", encoding="utf-8")
    places = [str(canary), str(Path.home() / ".canary"), "/usr/.canary", "/harness.py", "/etc/.canary", "/.canary"]
    hand_in(
        f"{TRIES}\nfor place in {places!r}:\n    print(attempt(open, place, 'w'))\n"
        f"    print(attempt(os.remove, place))\nshutil.rmtree('/exam', ignore_errors=True)\n"
        f"shutil.rmtree('/tmp', ignore_errors=True)\nshutil.rmtree({str(tmp_path)!r}, ignore_errors=True)"
    )
    assert canary.read_text(encoding="utf-8") == "alive"
    assert not any(Path(place).exists() for place in places[1:])
    assert Path(str(harness.__file__)).stat().st_size > 1000


@needs_bubblewrap
def test_neither_grader_nor_home_nor_second_list_can_be_read(hand_in: HandIn, tmp_path: Path) -> None:
    secrets = [sandbox.__file__, harness.__file__, str(tmp_path), "/etc/passwd", "/root/.ssh", "/sys", "/var"]
    told = hand_in(f"""{TRIES}
inside = [f"/proc/1/{{name}}" for name in ("environ", "fd/0", "fd/3", "mem", "maps")]
seen = [place for place in {secrets!r} if os.path.exists(place)]
seen += [place for place in inside if not isinstance(attempt(lambda: open(place, "rb").read(10)), str)]
seen += [name for name in os.listdir("/exam") if name.isdecimal() and name != "0"]
seen += [name for name in os.environ if "TRIMTAB" in name or name == "USER"]
seen += ["trimtab.path"] if attempt(__import__, "trimtab.path") != "ModuleNotFoundError" else []
home = attempt(os.listdir, {str(Path.home())!r})
raise ValueError(f"seen {{seen}} home {{home}}")
""").notes[0]
    assert "seen []" in told
    above = [Path(one).relative_to(Path.home()).parts[0] for one in (sys.base_prefix, sys.prefix) if in_home(one)]
    assert f"home {above or 'FileNotFoundError'}" in told  # the way to the Python is there, and nothing beside it


@needs_bubblewrap
def test_network_is_not_there(hand_in: HandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.05)
        port = canary.getsockname()[1]
        told = hand_in(
            f"{TRIES}\nfound = [attempt(socket.create_connection, (host, {port}), 0.3) "
            "for host in ('127.0.0.1', 'localhost', '0.0.0.0')]\nraise ValueError(str(found))"
        ).notes[0]
        with pytest.raises(TimeoutError):
            canary.accept()
    assert "socket.socket" not in told


@needs_bubblewrap
def test_watcher_cannot_be_stopped(hand_in: HandIn) -> None:
    graded = hand_in(
        "import os, time\nfor number in (19, 9): os.kill(os.getppid(), number)\ntime.sleep(20)", limits=SHORT
    )
    assert "ran longer than 1 s" in graded.notes[0]


def test_script_that_kills_its_watcher_outside_of_a_sandbox_is_told_so(
    hand_in: HandIn, without_bubblewrap: None
) -> None:
    graded = hand_in("import os\nos.kill(os.getppid(), 9)")
    assert graded.notes == (
        "What your script left could not be collected: it interfered with what runs it.",
        UNSANDBOXED,
    )


def test_script_that_ends_its_python_is_told_so(hand_in: HandIn, anywhere: bool) -> None:
    assert "ended from within" in hand_in("import os\nos.kill(os.getpid(), 11)").notes[0]


def test_error_half_way_leaves_the_tasks_before_it(hand_in: HandIn, right: str) -> None:
    before = right[: right.index("# -- the highest")].replace("import matplotlib.pyplot as plt", "")
    graded = hand_in(f"{before}raise ValueError('\\x1b[31mboom')")
    assert passed_tasks(graded) == {"load", "filter", "group"}
    line = before.count("\n") + 1
    assert f"stopped at line {line} with ValueError:  [31mboom." in graded.notes[0]


def test_script_that_writes_nothing_is_told_what_is_not_there(hand_in: HandIn) -> None:
    graded = hand_in("x = 1")
    assert graded.results[0].message == "There is no load.csv."
    assert not passed_tasks(graded)
    assert graded.notes == ()


def test_answers_of_the_wrong_kind_are_each_told(hand_in: HandIn, tmp_path: Path) -> None:
    canary = tmp_path / "canary.csv"
    canary.write_text("passenger\n1\n", encoding="utf-8")
    graded = hand_in(f"""
import gzip, os
os.mkdir("load.csv")
os.mkfifo("filter.csv")
os.symlink({str(canary)!r}, "group.csv")
open("top.csv", "wb").write(bytes(range(128, 256)) * 10)
open("join.csv", "w").write("name,passengers,mean_difference\\nfirst,nan,inf\\nsecond,1,1\\nthird,x,1\\n")
open("missing.csv", "w").write(",".join(map(str, range(250_000))) + "\\n1,2\\n")
open("plo" + "t.png", "wb").write(gzip.compress(bytes(10_000_000)))
open("conclusion.txt", "w").write("9" * 10_000_000)
""")
    told = {result.task: result.message for result in graded.results}
    assert told["load"] == "load.csv is no plain file of at most 2 MB."
    assert told["filter"] == "filter.csv is no plain file of at most 2 MB."
    assert told["group"] == "group.csv is no plain file of at most 2 MB."
    assert told["top"].startswith("top.csv is no table")
    assert told["join"].startswith("join.csv")
    assert told["missing"] == "missing.csv has no column column, missing, percent."
    assert told["plot"].startswith("plot.png is no PNG picture")
    assert told["conclusion"] == "conclusion.txt is no plain file of at most 2 MB."


@needs_bubblewrap
def test_script_that_strikes_at_its_watcher_and_speaks_in_its_name_misses(hand_in: HandIn, right: str) -> None:
    """The harness is process 1: no signal reaches it, nobody looks into it, and it imports nothing that is left."""
    forged = json.dumps({"ended": "", "error": None, "figures": [], "files": {"load.csv": "eA=="}})
    script = f"""
import os
for name in ("json", "pandas", "base64", "polars", "sitecustomize"):
    open(f"{{name}}.py", "w").write("raise SystemExit('mine')")
print("ready\\n" + {forged!r}, flush=True)
for handle in range(3, 20):
    for process in ("self", os.getppid()):
        try:
            open(f"/proc/{{process}}/fd/{{handle}}", "w").write("ready\\n" + {forged!r} + "\\n")
        except OSError:
            pass
open(".error.json", "w").write("[" * 100_000)
open(".figures.json", "w").write("[" * 100_000)
os.remove("json.py")
os.remove("pandas.py")
for number in (9, 15, 19):
    os.kill(os.getppid(), number)
"""
    graded = hand_in(script + right)
    assert passed_tasks(graded) == {result.task for result in graded.results}


def test_matplotlib_and_json_that_lie_win_no_plot(hand_in: HandIn, right: str) -> None:
    lies = """
import json, matplotlib.axes, matplotlib.patches
json.dumps = lambda *words, **options: '[{"name": "plot.png", "axes": true}]'
matplotlib.patches.Rectangle.get_height = lambda self: float("nan")
"""
    graded = hand_in(lies + right)
    assert {result.task for result in graded.results} - passed_tasks(graded) == {"plot"}


def test_damaged_reports_are_lost_and_not_believed() -> None:
    reports: list[Any] = [b"", b"{", b"[" * 100_000, b"null", b'{"files": 3}', b'{"files": {"a": "?"}, "ended": ""}']
    assert {sandbox._read_outcome(line).ended for line in reports} == {"lost"}


def test_nothing_of_a_graded_script_stays_in_the_temporary_folder(
    hand_in: HandIn, without_bubblewrap: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hand_in("import os\nos.makedirs('deep/er')\nos.chmod('deep', 0)", limits=QUICK)
    assert not list(tmp_path.glob("trimtab-exam-*"))
    assert os.environ["PATH"] == str(tmp_path / "bin")
