"""`trimtab up`: several serving workers and one loop worker, started by command line and kept up.

The supervisor imports none of them: it keeps the port and one pipe for each process's pulse, so nothing that fails in
them fails here. A process that has died, or whose pulse stopped, is started again at once; one
that ends again and again waits a little longer each time, never more than five seconds.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from trimtab import clock, config
from trimtab.errors import Busy, HostError
from trimtab.nouns import Project
from trimtab.pulse import LEAVING
from trimtab.serve.listener import refuse_open_host, reserve, url_of
from trimtab.store.locks import is_held, take

LOOK_SECONDS = 0.1
STUCK_SECONDS = 5.0
"""A worker beats once a second, on the event loop that answers: so long a silence means that it answers nobody."""
START_SECONDS = 60.0
STEADY_SECONDS = 10.0
"""Who has lived so long starts again without a pause."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 5.0)
DRAIN_SECONDS = 28.0
"""What processes get to end in good order; with a second for the rest this is within 30."""

LOOP = "loop"
Tell = Callable[[str], None]


@dataclass(slots=True)
class Post:
    """One place that is to be filled: its command line without the pulse, and the process that fills it."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    reader: int = -1
    started: float = 0.0
    heard: float = 0.0
    is_ready: bool = False
    is_leaving: bool = False
    failures: int = 0
    start_at: float = 0.0

    @property
    def silence(self) -> float:
        """How many seconds without a beat mean that it is stuck."""
        return START_SECONDS if self.is_leaving or not self.is_ready else STUCK_SECONDS

    def __str__(self) -> str:
        return f"{self.name} (process {self.process.pid})" if self.process else self.name


@dataclass(slots=True)
class Supervisor:
    """Keeps the posts of one project filled until told to stop. `tell` says what runs where, in plain lines."""

    project: Project
    address: socket.socket
    workers: int
    tell: Tell
    posts: list[Post] = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _signals: int = 0
    _announced: bool = False

    def __post_init__(self) -> None:
        folder, (host, port) = str(self.project.folder), self.address.getsockname()[:2]
        serve = [sys.executable, "-m", "trimtab.serve", folder, "--host", host, "--port", str(port)]
        self.posts = [Post(name, [*serve, "--worker", name]) for name in worker_names(self.workers)]
        self.posts.append(Post(LOOP, [sys.executable, "-m", "trimtab.loop", folder]))

    def run(self) -> None:
        """Start everything, keep it up until SIGTERM or SIGINT, and end it in good order.

        Raises HostError where a process does not come up at the start, or has to be killed at the end.
        """
        before = {number: signal.signal(number, self._note_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._signals:
                self._fill()
                self._listen()
                self._look()
        finally:
            killed = self._end()
            for number, handler in before.items():
                signal.signal(number, handler)
        if killed:
            raise HostError(f"{' and '.join(killed)} did not end in time and had to be killed.")

    def _note_signal(self, _signal: int, _frame: object) -> None:
        self._signals += 1

    def _fill(self) -> None:
        for post in self.posts:
            if post.process is None and _now() >= post.start_at:
                self._start(post)

    def _start(self, post: Post) -> None:
        reader, writer = os.pipe()
        try:
            post.process = subprocess.Popen(
                [*post.command, "--pulse", str(writer)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(writer,),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then ends them in order
            )
        finally:
            os.close(writer)
        os.set_blocking(reader, False)
        post.reader, post.started, post.heard = reader, _now(), _now()
        post.is_ready = post.is_leaving = False
        self._selector.register(reader, selectors.EVENT_READ, post)

    def _listen(self) -> None:
        """Take in what the pulses say, for a moment at most."""
        for key, _ in self._selector.select(LOOK_SECONDS):
            post: Post = key.data
            word = os.read(post.reader, 4096)
            if not word:  # it has closed its end: `_look` finds out how it ended
                self._selector.unregister(post.reader)
                continue
            post.heard, post.is_leaving = _now(), LEAVING in word
            if not post.is_ready:
                post.is_ready = True
                if self._announced:
                    self.tell(f"{post} is ready.")

    def _look(self) -> None:
        if not self._announced and all(post.is_ready for post in self.posts):
            self._announce()
        for post in self.posts:
            if post.process is None:
                continue
            if post.process.poll() is None and _now() - post.heard > post.silence:
                self.tell(f"{post} has been silent for {_now() - post.heard:.0f} s, so it is killed.")
                post.process.kill()
                post.process.wait()
            if post.process.poll() is not None:
                self._bury(post, post.process.returncode)

    def _bury(self, post: Post, code: int) -> None:
        """Let go of a process that has ended, and settle when the next one starts."""
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if not self._announced and code:
            raise HostError(f"{post.name} does not start: it {how}.", hint="see what it said above")
        post.failures = 0 if _now() - post.started > STEADY_SECONDS else post.failures + 1
        pause = PAUSES[min(max(post.failures - 1, 0), len(PAUSES) - 1)]
        self.tell(f"{post} {how}; another one starts {f'in {pause:g} s' if pause else 'now'}.")
        self._release(post)
        post.start_at = _now() + pause

    def _release(self, post: Post) -> None:
        if post.reader in self._selector.get_map():
            self._selector.unregister(post.reader)
        os.close(post.reader)
        post.process, post.reader = None, -1

    def _announce(self) -> None:
        serving = ", ".join(str(post) for post in self.posts if post.name != LOOP)
        every = f"{self.project.loop.every.total_seconds():g} s"
        self.tell(f"{self.project.name} is up (process {os.getpid()}); SIGTERM or Ctrl-C ends it.")
        self.tell(f"  answers on {url_of(self.address)}: {serving}")
        self.tell(f"  turns the wheel, {every} after the last turn: {self.posts[-1]}")
        self._announced = True

    def _end(self) -> list[str]:
        """End all processes in good order, and return the names of those that answer and had to be killed."""
        running = [post for post in self.posts if post.process is not None]
        for post in running:
            _send(post, signal.SIGTERM)
        deadline, forced, killed = _now() + DRAIN_SECONDS, self._signals, []
        while running and _now() < deadline and self._signals <= max(forced, 1):
            clock.sleep(LOOK_SECONDS / 2)
            running = [post for post in running if post.process and post.process.poll() is None]
        for post in running:
            _send(post, signal.SIGKILL)
            killed += [] if post.name == LOOP else [str(post)]  # a turn may end at any line; the next one finishes it
        for post in self.posts:
            if post.process is not None:
                post.process.wait()
                self._release(post)
        self._selector.close()
        if self._announced:
            self.tell(f"{self.project.name} is down.")
        return killed


def run(
    folder: Path, tell: Tell, *, host: str | None = None, port: int | None = None, workers: int | None = None
) -> None:
    """Serve and turn the wheel of the project in `folder` until SIGTERM or Ctrl-C.

    Raises Busy where the folder is up or served already, NotBuiltYet for an address that other machines reach,
    HostError where the port cannot be had or a process does not start.
    """
    project = config.load(folder)
    refuse_open_host(project.serve.host if host is None else host)
    count = project.serve.workers if workers is None else workers
    with ExitStack() as held:
        held.callback(os.close, _claim(project, count))
        address = (project.serve.host if host is None else host, project.serve.port if port is None else port)
        Supervisor(project, held.enter_context(reserve(*address)), count, tell).run()


def worker_names(count: int) -> list[str]:
    """Return the names of so many workers: each has its spool, its lock and its figures under this name."""
    return [f"w{number}" for number in range(count)]


def _claim(project: Project, workers: int) -> int:
    """Return the lock of the one `up` of a folder. Raises Busy where there is one, or a worker that serves alone."""
    run_folder, hint = project.state / "run", "use what runs, or stop it first"
    path = run_folder / "up.lock"
    try:
        lock = take(path, "up")
    except Busy as error:
        raise Busy(f"{project.folder} is already up (process {_holder(path)}).", hint=hint) from error
    for name in worker_names(workers):
        if is_held(path := run_folder / f"serve-{name}.lock"):
            os.close(lock)
            raise Busy(f"{project.folder} is already served by process {_holder(path)}.", hint=hint)
    return lock


def _holder(path: Path) -> str:
    return path.read_text(errors="replace").strip()[:20] or "unknown"


def _send(post: Post, number: int) -> None:
    if post.process is not None and post.process.poll() is None:
        post.process.send_signal(number)


def _now() -> float:
    return clock.monotonic_ns() / 1e9
