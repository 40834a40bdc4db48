"""A place where a candidate's program runs: read-only, without network, with little memory and little time.

With bubblewrap the program sees the system's libraries and its own Python, two small folders in memory, and nothing
else: no home, no network, no other process, and not trimtab itself, in whose source the answers could be worked out.
Every job has a sandbox of its own, so that what runs on one list cannot see the other.
Where bubblewrap is missing or not allowed, limits and a temporary folder remain, and the result says `unsandboxed`.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import trimtab
from trimtab import clock
from trimtab.errors import HostError, UsageError
from trimtab.path.exam import harness

PLACE = "/exam"
HARNESS = "/harness.py"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
NEEDED = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/nix/store", "/gnu/store")
PROBE = """
import json, sys
print(json.dumps({"version": sys.version_info[:2], "roots": [sys.prefix, sys.base_prefix, sys.exec_prefix],
                  "path": sys.path, "executable": sys.executable}))
"""
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use; sizes in bytes.

    `processes`, `threads` and `memory` are for all that it starts together, `memory` also for each process by itself.
    `written`: the largest file it may write; `disk`: each of its two folders in memory; `file`: the largest answer that
    is read; `starting`: seconds for the imports before its time begins.
    """

    seconds: float = 9.0
    memory: int = 2048 * MEGABYTE
    processes: int = 40
    threads: int = 512
    written: int = 16 * MEGABYTE
    disk: int = 64 * MEGABYTE
    file: int = 2 * MEGABYTE
    starting: float = 8.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Job:
    """One program with the files it finds beside it, and the names of the files that are wanted from it."""

    script: str
    files: Mapping[str, bytes]
    wanted: Sequence[str]
    kind: Literal["python", "shell"] = "python"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job left. `ended` says what stopped it: "", "time", "processes", "memory", "crash" or "lost".

    `files` holds the wanted files that exist; those that are no plain file or too large are named in `unreadable`.
    """

    ended: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    error: Mapping[str, Any] | None = None
    figures: Sequence[Any] = ()
    printed: bytes = b""


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter, the folders it needs (`beside`: parts of its path outside its own), what is hidden in them."""

    path: Path
    roots: tuple[Path, ...]
    beside: tuple[str, ...]
    hidden: tuple[Path, ...]


def run_jobs(
    jobs: Sequence[Job],
    *,
    python: Path | None = None,
    limits: Limits = LIMITS,
    preload: Sequence[str] = (),
    together: bool = False,
) -> tuple[tuple[Outcome, ...], bool]:
    """Run each job in a sandbox of its own, two at a time; return an Outcome for each, and whether it was a real one.

    `together` runs all in one sandbox, one after the other and faster: for scripts that trust each other. Raises
    UsageError for a `python` that does not run, HostError where nothing can be run at all.
    """
    chosen = find_python((python or Path(sys.executable)).absolute())
    batches = [jobs] if together else [[job] for job in jobs]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda batch: _run_batch(batch, chosen, limits, preload), batches))
    return tuple(outcome for outcomes in found for outcome in outcomes), bool(find_cage())


def _run_batch(jobs: Sequence[Job], python: Python, limits: Limits, preload: Sequence[str]) -> list[Outcome]:
    """Run jobs one after the other in one sandbox."""
    bwrap = find_cage()
    with tempfile.TemporaryDirectory(prefix="trimtab-exam-", ignore_cleanup_errors=True) as folder:
        place = Path(PLACE) if bwrap else Path(folder).resolve()
        request = _make_request(jobs, place, limits, preload, python=python, caged=bool(bwrap))
        inside = [str(python.path), "-B", "-E", HARNESS if bwrap else harness.__file__]
        command = [*_cage(bwrap, python, limits), *inside] if bwrap else inside
        most = len(jobs) * 16 * limits.file
        lines = _converse(command, request, _environment(place), _patience(jobs, limits), most)
    return [_read_outcome(line) for line in _pad(lines, len(jobs))]


@cache
def find_python(path: Path) -> Python:
    """Return what a Python needs in the sandbox; UsageError where it does not run or is older than 3.9."""
    try:
        done = subprocess.run([path, "-c", PROBE], capture_output=True, timeout=30, check=True)
        told = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        raise UsageError(f"{path} is no Python that runs.", hint="--python /path/to/python3") from None
    if tuple(told["version"]) < (3, 9):
        raise UsageError(f"{path} is older than Python 3.9.", hint="--python /path/to/a/newer/python3")
    named = {Path(one) for one in told["roots"]}
    roots = named | {one.resolve() for one in named}
    _check_roots(roots)
    runs = Path(told["executable"])
    seen = {*roots, Path("/usr")}
    entries = [Path(one) for one in told["path"] if one and Path(one).is_dir()]
    open_to_all = [one for one in entries if not (one / "trimtab").exists() and not _holds_home(one)]
    beside = [one for one in open_to_all if not _within(one, seen)]
    hidden = {one / "trimtab" for one in entries if (one / "trimtab").is_dir()} | {Path(trimtab.__file__).parent}
    return Python(
        path=runs if _within(runs, seen) else runs.resolve(),
        roots=tuple(sorted(one for one in {*roots, *beside} if not _within(one, {Path("/usr")}))),
        beside=tuple(str(one) for one in beside),
        hidden=tuple(sorted(one for one in hidden if _within(one, seen))),
    )


@cache
def find_cage() -> str:
    """Return bubblewrap's path, or "" where it is missing or may not be used: some systems forbid it to most people."""
    bwrap = shutil.which("bwrap") if sys.platform == "linux" else None
    if not bwrap:
        return ""
    trial = [*_namespaces(bwrap), *_system(), "--proc", "/proc", "--dev", "/dev", "/bin/sh", "-c", "exit 0"]
    try:
        return bwrap if subprocess.run(trial, capture_output=True, timeout=10, check=False).returncode == 0 else ""
    except (OSError, subprocess.SubprocessError):
        return ""


def _check_roots(roots: Iterable[Path]) -> None:
    """Refuse a Python whose own folder holds the whole system or somebody's home: it would show all of it."""
    for root in roots:
        if _holds_home(root):
            raise UsageError(f"A Python in {root} would show the exam all that is there.", hint="use one in a .venv")


def _holds_home(folder: Path) -> bool:
    return Path.home().is_relative_to(folder)


@cache
def _namespaces(bwrap: str) -> tuple[str, ...]:
    """Return the command with what it takes away; releases before 0.8 cannot forbid further user namespaces."""
    told = subprocess.run([bwrap, "--help"], capture_output=True, text=True, timeout=10, check=False)
    further = ("--disable-userns",) if "--disable-userns" in told.stdout + told.stderr else ()
    return (
        *(bwrap, "--unshare-all", "--unshare-user", *further, "--die-with-parent", "--new-session", "--as-pid-1"),
        *("--cap-drop", "ALL", "--hostname", "exam", "--uid", "1000", "--gid", "1000"),
    )


def _system() -> list[str]:
    """Return the arguments that show the system's programs and libraries, links as links."""
    arguments: list[str] = []
    for name in SYSTEM:
        if Path(name).is_symlink():
            arguments += ["--symlink", str(Path(name).readlink()), name]
        elif Path(name).is_dir():
            arguments += ["--ro-bind", name, name]
    for name in NEEDED:
        arguments += ["--ro-bind-try", name, name]
    return arguments


def _cage(bwrap: str, python: Python, limits: Limits) -> list[str]:
    arguments = [*_namespaces(bwrap), *_system(), "--proc", "/proc", "--dev", "/dev"]
    arguments += ["--size", str(16 * MEGABYTE), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - inside
    for place in (PLACE, "/tmp"):  # noqa: S108 - inside the sandbox
        arguments += ["--size", str(limits.disk), "--tmpfs", place]
    for root in python.roots:
        arguments += ["--ro-bind", str(root), str(root)]
    for folder in (*python.hidden, Path("/usr/share/fonts")):  # matplotlib has its own fonts, and reads all there are
        if folder.is_dir():
            arguments += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
    arguments += ["--ro-bind", harness.__file__, HARNESS]
    return [*arguments, "--remount-ro", "/", "--chdir", PLACE]


def _environment(place: Path) -> dict[str, str]:
    """Return the few variables a submission gets: nothing of the person's own."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    home = {"HOME": str(place), "TMPDIR": str(place), "MPLCONFIGDIR": str(place / ".matplotlib")}
    return {**one, **home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg"}


def _make_request(
    jobs: Sequence[Job], place: Path, limits: Limits, preload: Sequence[str], *, python: Python, caged: bool
) -> bytes:
    written = []
    for number, job in enumerate(jobs):
        folder = place / f"{number}"
        name = "answer.sh" if job.kind == "shell" else "submission.py"
        files = {**job.files, name: job.script.encode()}
        written.append(
            {
                "folder": str(folder),
                "files": {key: base64.b64encode(content).decode() for key, content in files.items()},
                "program": ["/bin/sh", name] if job.kind == "shell" else [str(folder / name)],
                "kind": job.kind,
                "wanted": list(job.wanted),
            }
        )
    allowed = asdict(limits) | {"threads": limits.threads + _threads_now()}
    shared = {"limits": allowed, "caged": caged, "path": python.beside, "preload": list(preload)}
    return json.dumps({**shared, "jobs": written}).encode()


def _threads_now() -> int:
    """Return how many processes and threads this user has: the system counts new ones on top of them."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*/task"):
        try:
            count += sum(1 for _ in entry.iterdir()) if entry.stat().st_uid == os.getuid() else 0
        except OSError:
            continue
    return count


def _patience(jobs: Sequence[Job], limits: Limits) -> float:
    return limits.starting + len(jobs) * (limits.seconds + 1)


def _within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _converse(
    command: Sequence[str], request: bytes, environment: Mapping[str, str], seconds: float, most: int
) -> list[bytes]:
    """Return the lines that the harness reported in time, at most `most` bytes; HostError where it never began."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as told:
        asked.write(request)
        asked.seek(0)
        process = subprocess.Popen(
            command, stdin=asked, stdout=subprocess.PIPE, stderr=told, env=dict(environment), start_new_session=True
        )
        try:
            text = _listen(process, seconds, most)
        finally:
            _end(process)
        told.seek(0)
        complaint = told.read(10_000).decode(errors="replace").strip()
    ready, *lines = text.split(b"\n")
    if ready != harness.READY.encode():
        last = complaint.splitlines()[-1] if complaint else "it said nothing"
        raise HostError(f"The sandbox did not start: {last}", hint="trimtab path exam 1 --practice --python PATH")
    return lines[:-1]


def _listen(process: subprocess.Popen[bytes], seconds: float, most: int) -> bytes:
    """Return what a process wrote until it ended, wrote too much, or its time was over."""
    deadline = clock.monotonic_ns() + int(seconds * 1e9)
    heard: list[bytes] = []
    handle = process.stdout.fileno() if process.stdout else -1
    while sum(map(len, heard)) < most:
        left = (deadline - clock.monotonic_ns()) / 1e9
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            break
        piece = os.read(handle, MEGABYTE)
        if not piece:
            break
        heard.append(piece)
    return b"".join(heard)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group; with bubblewrap everything inside ends with it."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _pad(lines: Sequence[bytes], count: int) -> list[bytes]:
    return [*lines[:count], *[b""] * (count - len(lines))]


def _read_outcome(line: bytes) -> Outcome:
    """Return a job's report, of which nothing is believed beyond its shape."""
    try:
        told = json.loads(line)
        files = {name: base64.b64decode(text) for name, text in told["files"].items() if text not in _NO_FILE}
        return Outcome(
            ended=str(told["ended"]),
            unreadable=frozenset(name for name, text in told["files"].items() if text == harness.UNREADABLE),
            error=told["error"] if isinstance(told["error"], dict) else None,
            figures=told["figures"] if isinstance(told["figures"], list) else (),
            printed=files.pop(harness.PRINTED, b""),
            files=files,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Outcome(ended="lost")


_NO_FILE = (None, harness.UNREADABLE)
