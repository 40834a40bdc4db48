"""One serving worker: its lock, its socket, its champion, its web server, and how it starts and stops."""

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from os import close as close_descriptor
from os import getpid
from pathlib import Path
from shlex import quote
from threading import Thread
from typing import TYPE_CHECKING

from trimtab import config
from trimtab.errors import Busy, ConfigError, HostError, NotBuiltYet, UsageError
from trimtab.nouns import Contract, Project
from trimtab.serve import events
from trimtab.store import open_blobs, open_catalog, open_index, spool_folder
from trimtab.store.blobs import Blobs
from trimtab.store.locks import take
from trimtab.store.spool import Spool
from trimtab.train.golden import try_version

if TYPE_CHECKING:
    from trimtab.serve.desk import Desk

BACKLOG = 2048


class Trial:
    """Answers golden rows in a limited child process; the champion's while this one still imports its web server."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._begun: dict[str, Future[str]] = {}

    def begin(self, identifier: str) -> None:
        """Start the child for a Version whose result will be asked for soon."""
        result = self._begun[identifier] = Future()
        Thread(target=self._run, args=(identifier, result), name="golden", daemon=True).start()

    def __call__(self, identifier: str) -> str:
        """Return what the golden rows of a Version say: an empty text, or what went wrong."""
        begun = self._begun.pop(identifier, None)
        return try_version(self._blobs.path(identifier)) if begun is None else begun.result()

    def _run(self, identifier: str, result: Future[str]) -> None:
        try:
            result.set_result(try_version(self._blobs.path(identifier)))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            result.set_exception(error)


def run(folder: Path, *, host: str | None = None, port: int | None = None, worker: str = "w0") -> None:
    """Serve the project in `folder` until SIGTERM or Ctrl+C; print one line when requests are answered.

    Raises NotBuiltYet for an address that other machines reach, Busy where the folder is served already, HostError
    where the port cannot be had.
    """
    project = config.load(folder)
    address = (project.serve.host if host is None else host, project.serve.port if port is None else port)
    refuse_open_host(address[0])
    with _only_one(project, worker), bind(*address) as listener:
        _serve(project, worker, listener)


def refuse_open_host(host: str) -> None:
    """Raise NotBuiltYet for an address that is not this machine's own: there are no keys yet."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise NotBuiltYet(
            f"Serving on '{host}' needs keys, and keys are not built yet.",
            hint="bind 127.0.0.1, and put a proxy that asks for a key in front of it",
        )


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; early clients wait in its queue until the worker is ready."""
    if not 0 <= port <= 65_535:
        raise UsageError(f"{port} is no port.", hint="choose one from 1 to 65535, or 0 for any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _no_port(host, port, error) from error
    return listener


def _no_port(host: str, port: int, error: OSError) -> HostError:
    if error.errno == errno.EADDRINUSE:
        what = f"Port {port} on {host} is in use by another program."
    elif error.errno == errno.EACCES:
        what = f"Port {port} on {host} may not be opened by this user."
    else:
        what = f"Port {port} on {host} cannot be opened: {error.strerror}."
    return HostError(what, hint="choose another with --port N; 0 takes a free one")


@contextmanager
def _only_one(project: Project, worker: str) -> Iterator[None]:
    path = project.state / "run" / f"serve-{worker}.lock"
    try:
        descriptor = take(path, "this worker")
    except Busy as error:
        pid = path.read_text(errors="replace").strip()[:20] or "unknown"
        raise Busy(
            f"{project.folder} is already served by process {pid}.", hint="use that server, or stop it first"
        ) from error
    try:
        yield
    finally:
        close_descriptor(descriptor)


def _serve(project: Project, worker: str, listener: socket.socket) -> None:
    catalog, blobs = open_catalog(project), open_blobs(project)
    trial = Trial(blobs)
    trim = catalog.trim()
    if trim is not None:
        trial.begin(trim.champion)

    # Imported here, while the golden rows are answered in a child process: together they fit into two seconds.
    from trimtab.serve.app import build_app
    from trimtab.serve.desk import Desk
    from trimtab.serve.live import Shelf
    from trimtab.serve.server import serve_forever

    shelf = Shelf(catalog, blobs, trial)
    spool, index = Spool(spool_folder(project), worker), open_index(project)
    try:
        desk = Desk(project, spool, index, worker, contract=_own_contract(project))
        live, trouble = shelf.open_first()
        if live is not None:
            desk.show(live)
        if trouble:
            desk.report("version", trouble)
        serve_forever(build_app(desk), desk, shelf, listener, lambda: _tell_ready(desk, listener))
    finally:
        spool.close()
        index.close()
        catalog.close()
        events.tell("stop", worker=worker, pid=getpid())


def _own_contract(project: Project) -> Contract | None:
    """Return the folder's contract.toml for the docs; what is wrong with it is no business of a serving worker."""
    try:
        return config.load_contract(project.contract)
    except ConfigError:
        return None


def _tell_ready(desk: "Desk", listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    live = desk.live
    folder = quote(str(desk.project.folder))
    if live is None:
        why = "the Version that is promoted does not load" if desk.is_broken else "nothing is promoted yet"
        line = f"listening on {url}; {why}, so POST /predict answers 503: run `trimtab train {folder}`"
    else:
        name = f"{live.model.name}, epoch {live.epoch}"
        line = f"ready on {url} ({name}); this worker has no loop: run `trimtab tick {folder}`"
    version, epoch = (live.model.name, live.epoch) if live is not None else (None, 0)
    events.tell("start", worker=desk.worker, pid=getpid(), url=url, version=version, epoch=epoch)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
