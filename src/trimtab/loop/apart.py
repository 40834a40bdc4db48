"""A retrain in a child process, so that one that hangs, in native code too, or crashes ends with the child.

The child does all of it on the record: it fits, judges and decides, under the lease that its parent holds. What is left
for the parent is to watch the clock and, where no Decision came of it, to say so. The child is `python -m
trimtab.loop.apart`; its task stands on its standard input, each line that it tells on its standard output.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from trimtab import clock
from trimtab.loop.finish import finish
from trimtab.loop.known import AsOf, load_labelled
from trimtab.loop.state import Wheel, open_wheel

Tell = Callable[[str], None]
OTHER_RECORD = 3
"""Exit code of a child that would have opened another record than its parent's, and has not touched it."""
MOST_TOLD = 10_000
"""Bytes of a line that are told."""


def finish_apart(wheel: Wheel, at: AsOf, seconds: float, *, tell: Tell) -> str:
    """Let a child process finish the retrain that is due at a moment; return "", or how it ended without a Decision."""
    task = {
        "folder": str(wheel.project.folder),
        "state": str(wheel.project.state),
        "path": sys.path,  # a family may be the user's own module
        "rows": at.rows.isoformat(),
        "outcomes": at.outcomes.isoformat(),
        "last": at.last,
    }
    with _start(json.dumps(task)) as child:
        code = _await(child, clock.monotonic_ns() + int(seconds * 1e9), tell)
    if code is None:
        return f"it took longer than the {seconds:,.0f} seconds of [retrain] limit and was ended"
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return "" if code == 0 else f"its process ended with code {code}"


@contextmanager
def _start(task: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child, and end it and all that it started when the block is left, or when this process dies."""
    command, pipe = [sys.executable, "-m", __name__], subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True, bufsize=0)
    leash = [sys.executable, "-m", "trimtab.leash", str(child.pid), str(int(signal.SIGKILL))]
    try:
        with subprocess.Popen(leash, stdin=pipe, stdout=subprocess.DEVNULL, start_new_session=True) as held:
            try:
                with suppress(BrokenPipeError):  # it is dead already, and its exit code says why
                    child.stdin.write(task.encode() + b"\n")  # type: ignore[union-attr]  # a pipe
                yield child
            finally:
                held.kill()  # before the child is waited for, so that it can never mean another process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def _await(child: subprocess.Popen[bytes], deadline: int, tell: Tell) -> int | None:
    """Pass on what the child tells until it ends; return its exit code, None where it did not end in time."""
    if child.stdout is not None:
        for line in _read_lines(child.stdout.fileno(), deadline):
            tell(line)
    try:
        return child.wait(max(0.0, _left(deadline)))
    except subprocess.TimeoutExpired:
        return None


def _read_lines(descriptor: int, deadline: int) -> Iterator[str]:
    """Yield whole lines until the other end is closed or the time is over; half a line keeps nobody waiting."""
    begun = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while selector.select(max(0.0, _left(deadline))) and (come := os.read(descriptor, 65536)):
            *lines, begun = (begun + come).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            begun = begun[-MOST_TOLD:]


def _left(deadline: int) -> float:
    return (deadline - clock.monotonic_ns()) / 1e9


def main() -> int:
    """Finish the retrain that the standard input names."""
    task = json.loads(sys.stdin.readline())
    sys.path[:] = task["path"]
    wheel = open_wheel(Path(task["folder"]))
    if str(wheel.project.state) != task["state"]:
        return OTHER_RECORD
    at = AsOf(datetime.fromisoformat(task["rows"]), datetime.fromisoformat(task["outcomes"]), task["last"])
    finish(wheel, load_labelled(wheel, at), tell=lambda line: print(line, flush=True))  # noqa: T201 - what the parent reads
    return 0


if __name__ == "__main__":
    # Without the interpreter's farewell, in which DuckDB's binding lists on standard error what is still there.
    os._exit(main())
