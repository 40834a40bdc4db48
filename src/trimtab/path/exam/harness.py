"""Runs submissions inside the sandbox, one child process after the other, and hands back what they left.

    python harness.py < request.json > report.jsonl

It is a program of its own: it runs in the candidate's Python, where trimtab need not be, so it imports nothing but the
standard library. It reads one JSON request from standard input and writes `ready`, then a line of JSON for each job:

    request  {"limits": {...}, "caged": bool, "path": [folder, ...], "preload": [module, ...], "jobs": [
                 {"folder": path, "files": {name: base64}, "program": [path of a Python script] or [argument, ...],
                  "kind": "python" | "shell", "wanted": [name, ...]}]}
    job      {"ended": "" or what stopped it, "error": {...} or null, "files": {name: base64 or null},
                 "figures": [...] or null}

In the sandbox it is process 1, which the system shields from every signal of the others; so a submission can neither
stop nor kill what watches it. Whoever reads the report believes nothing in it: a submission could have written any of
it.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import os
import resource
import runpy
import select
import signal
import stat
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

FIGURES, ERROR, PRINTED = ".figures.json", ".error.json", ".printed.txt"
MAX_FIGURES, MAX_BARS, MAX_TEXT = 20, 500, 300
DUMPABLE, SUBREAPER = 4, 36
"""Of prctl(2): whether processes of the same user may look into this one, and whether orphans below come to it."""

STATUS = ("PPid:", "Threads:", "RssAnon:")
UNREADABLE, READY = "unreadable", "ready"


def main() -> None:
    """Do what the request says."""
    request = json.load(sys.stdin)
    sys.path.extend(request["path"])
    report = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _ask_system(DUMPABLE, 0)
    _ask_system(SUBREAPER, 1)
    _import_once(request)
    print(READY, file=report, flush=True)
    os.dup2(nothing, 2)
    for job in request["jobs"]:
        told = run_job(job, request["limits"], caged=request["caged"])
        print(json.dumps(told), file=report, flush=True)


def run_job(job: dict[str, Any], limits: dict[str, Any], *, caged: bool) -> dict[str, Any]:
    """Return how one job ended and the wanted files it left."""
    folder = Path(job["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in job["files"].items():
        (folder / name).write_bytes(base64.b64decode(content))
    child = os.fork()
    if child == 0:
        _become(job, folder, limits)
    ended = watch(child, limits, caged=caged)
    files = {name: collect(folder / name, limits["file"]) for name in (*job["wanted"], PRINTED)}
    return {
        "ended": ended,
        "error": read_note(folder / ERROR, limits["file"]),
        "figures": read_note(folder / FIGURES, limits["file"]),
        "files": files,
    }


def watch(child: int, limits: dict[str, Any], *, caged: bool) -> str:
    """Return why a child was stopped, or an empty text where it ended by itself; nothing of it is left running."""
    deadline = _elapsed() + limits["seconds"]
    tick = 0.02 if caged else 0.1  # outside, every process of the machine is looked at
    before = _shared_memory()
    ended, left = "", (0, 0)
    while not ended and (left := os.waitpid(child, os.WNOHANG)) == (0, 0):
        select.select([], [], [], tick)
        ended = "time" if _elapsed() > deadline else _exceeds(limits, before)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if ended:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
    _end_all(caged=caged)
    if left[0] and os.WIFSIGNALED(left[1]):
        return "time" if os.WTERMSIG(left[1]) == signal.SIGXCPU else "crash"
    return ended


def _exceeds(limits: dict[str, Any], before: int) -> str:
    """Return which limit all processes below this one exceed together, or an empty text."""
    below = descendants()
    if len(below) > limits["processes"] or sum(one[1] for one in below.values()) > limits["threads"]:
        return "processes"
    held = 1024 * sum(one[2] for one in below.values()) + _shared_memory() - before
    return "memory" if held > limits["memory"] else ""


def descendants() -> dict[int, tuple[int, int, int]]:
    """Return the processes below this one, each with its parent, its threads and its own kilobytes.

    Empty where there is no /proc. Orphans count: they come to this process (see SUBREAPER).
    """
    seen: dict[int, tuple[int, int, int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208 - fast
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError):
                seen[int(name)] = _read_status(f"/proc/{name}/status")
    below: set[int] = set()
    found = {os.getpid()}
    while found:
        found = {number for number, one in seen.items() if one[0] in found} - below
        below |= found
    return {number: seen[number] for number in below}


def _read_status(path: str) -> tuple[int, int, int]:
    with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - fast
        told = {line.split()[0]: int(line.split()[1]) for line in file if line.startswith(STATUS)}
    return told.get("PPid:", 0), told.get("Threads:", 0), told.get("RssAnon:", 0)


def _shared_memory() -> int:
    """Return the bytes that the machine holds in shared memory and in file systems in memory; 0 where none says."""
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
        return next((1024 * int(line.split()[1]) for line in file if line.startswith("Shmem:")), 0)
    return 0


def _end_all(*, caged: bool) -> None:
    """End every process below this one. In the sandbox that is every other one, and they end at one stroke."""
    while True:
        if caged and os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        for number in descendants():
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.01)


def collect(path: Path, limit: int) -> str | None:
    """Return a file in base64, None where there is none, UNREADABLE for what is no plain file of that size."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return UNREADABLE
    try:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > limit:
            return UNREADABLE
        return base64.b64encode(os.pread(handle, limit, 0)).decode()
    finally:
        os.close(handle)


def read_note(path: Path, limit: int) -> Any:
    """Return what the child noted about itself, or None."""
    content = collect(path, limit)
    if content in (None, UNREADABLE):
        return None
    try:
        return json.loads(base64.b64decode(content))
    except (ValueError, RecursionError):
        return None


def _elapsed() -> float:
    return os.times().elapsed


def _ask_system(option: int, value: int) -> None:
    """Set a property of this process, where the system knows it."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _import_once(request: dict[str, Any]) -> None:
    """Import what every submission needs once, before the clock starts; each child then begins with it."""
    if any(job["kind"] == "python" for job in request["jobs"]):
        for name in request["preload"]:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _become(job: dict[str, Any], folder: Path, limits: dict[str, Any]) -> NoReturn:
    """Turn this process, the child, into the submission. Does not return."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        _ask_system(DUMPABLE, 1)
        out = os.open(PRINTED, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
            os.dup2(source, target)
        os.closerange(3, 256)
        _set_limits(limits)
        if job["kind"] == "shell":
            os.execv(job["program"][0], job["program"])  # noqa: S606 - the candidate's own pipeline
        code = run_script(job["program"][0])
    finally:
        os._exit(code)


def _set_limits(limits: dict[str, Any]) -> None:
    wanted = {
        "RLIMIT_CPU": int(limits["seconds"]) + 1,
        "RLIMIT_AS": limits["memory"],
        "RLIMIT_FSIZE": limits["written"],
        "RLIMIT_NPROC": limits["threads"],
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # some systems know or grant fewer
            resource.setrlimit(getattr(resource, name), (value, value))
    os.nice(5)


def run_script(path: str) -> int:
    """Run a Python script as the main program; keep its figures and its error. Return the exit code."""
    sys.argv = [path]
    sys.path.insert(0, str(Path.cwd()))
    folder = Path.cwd()  # the script may go elsewhere
    Gallery(folder).listen()
    try:
        runpy.run_path(path, init_globals={"display": print}, run_name="__main__")
    except SystemExit as stopped:
        return 0 if stopped.code in (None, 0) else 1
    except BaseException as error:  # noqa: BLE001 - whatever a submission raises is its result
        (folder / ERROR).write_text(json.dumps(describe(error, path)))
        return 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
    return 0


def describe(error: BaseException, path: str) -> dict[str, Any]:
    """Return type, message and line of an error, where the line is the deepest one in the submission itself."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else (lines or [None])[-1]
    return {"type": type(error).__name__, "message": str(error)[:MAX_TEXT], "line": line}


class Gallery:
    """Sees every matplotlib figure that is saved, and keeps what is drawn on it as plain numbers."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FIGURES
        self.seen: list[Any] = []

    def listen(self) -> None:
        """Look at each figure at the moment it is saved, because a script may change or close it afterwards."""
        figure: Any = getattr(sys.modules.get("matplotlib.figure"), "Figure", None)
        if figure is None:
            return
        save = figure.savefig

        def savefig(drawn: Any, fname: Any, *arguments: Any, **options: Any) -> Any:
            saved = save(drawn, fname, *arguments, **options)
            self.look(drawn, fname)
            return saved

        figure.savefig = savefig

    def look(self, drawn: Any, name: Any) -> None:
        """Keep what is drawn on a figure now, and write it down at once: the script may not come to its end."""
        with contextlib.suppress(Exception):
            axes = [describe_axes(axes) for axes in drawn.axes[:10]]
            self.seen = [*self.seen, {"name": os.path.basename(os.fspath(name)), "axes": axes}][-MAX_FIGURES:]  # noqa: PTH119
            self.file.write_text(json.dumps(self.seen))


def describe_axes(axes: Any) -> dict[str, Any]:
    """Return the words around one pair of axes and its bars: left edge, right edge, height."""
    title = axes.get_title() or axes.get_title("left") or axes.get_title("right")
    above = axes.figure.get_suptitle() if hasattr(axes.figure, "get_suptitle") else ""
    return {
        "title": (title or above)[:MAX_TEXT],
        "x": axes.get_xlabel()[:MAX_TEXT],
        "y": axes.get_ylabel()[:MAX_TEXT],
        "bars": [bar for patch in axes.patches[:MAX_BARS] for bar in describe_patch(patch)],
    }


def describe_patch(patch: Any) -> list[list[float]]:
    """Return the bars of a patch: one of a rectangle, many of a staircase, none of anything else."""
    if hasattr(patch, "get_data") and hasattr(patch.get_data(), "edges"):
        data = patch.get_data()
        edges = [float(edge) for edge in data.edges]
        return [[low, high, float(value)] for low, high, value in zip(edges, edges[1:], data.values)]  # noqa: B905
    if all(hasattr(patch, name) for name in ("get_x", "get_width", "get_height")):
        left = float(patch.get_x())
        return [[left, left + float(patch.get_width()), float(patch.get_height())]]
    return []


if __name__ == "__main__":
    main()
