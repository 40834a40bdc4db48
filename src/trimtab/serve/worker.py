"""One serving worker: its lock, its socket, its champion, its web server, and how it starts and stops."""

import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from os import close as close_descriptor
from os import getpid
from pathlib import Path
from shlex import quote
from threading import Thread
from typing import TYPE_CHECKING

from trimtab import config, events
from trimtab.errors import Busy, ConfigError, TrimtabError
from trimtab.nouns import Contract, Project
from trimtab.pulse import Pulse
from trimtab.serve.cache import Cache
from trimtab.serve.listener import bind, refuse_open_host, url_of
from trimtab.store import find_catalog, open_blobs, open_index, spool_folder
from trimtab.store.catalog import Catalog
from trimtab.store.locks import take
from trimtab.store.spool import Spool
from trimtab.train.golden import try_version

if TYPE_CHECKING:
    from trimtab.serve.desk import Desk


class Trial:
    """Answers golden rows in a limited child process, which may begin before its result is asked for.

    So the champion's are answered while this process still imports its web server, a newcomer's while it is judged.
    """

    def __init__(self, path: Callable[[str], Path]) -> None:
        self._path = path
        self._begun: dict[str, Future[str]] = {}

    def begin(self, identifier: str) -> None:
        """Start the child for a Version whose result will be asked for soon."""
        result = self._begun[identifier] = Future()
        Thread(target=self._run, args=(identifier, result), name="golden", daemon=True).start()

    def __call__(self, identifier: str) -> str:
        """Return what the golden rows of a Version say: an empty text, or what went wrong."""
        begun = self._begun.pop(identifier, None)
        return try_version(self._path(identifier)) if begun is None else begun.result()

    def _run(self, identifier: str, result: Future[str]) -> None:
        try:
            result.set_result(try_version(self._path(identifier)))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            result.set_exception(error)


@dataclass(frozen=True, slots=True)
class Post:
    """Where a worker stands: its name, its socket, and who listens to its pulse."""

    worker: str
    listener: socket.socket
    pulse: Pulse = field(default_factory=Pulse)


def run(folder: Path, *, host: str | None = None, port: int | None = None, worker: str = "w0") -> None:
    """Serve the project in `folder`, alone, until SIGTERM or Ctrl+C; print one line when requests are answered.

    Raises NotBuiltYet for an address that other machines reach, Busy where the folder is served already, HostError
    where the port cannot be had.
    """
    project = config.load(folder)
    address = (project.serve.host if host is None else host, project.serve.port if port is None else port)
    refuse_open_host(address[0])
    with _only_one(project, worker), bind(*address) as listener:
        _serve(project, Post(worker, listener))


def run_post(folder: Path, post: Post) -> None:
    """Serve the project in `folder` as one of several workers; its pulse says that it is ready, and goes on."""
    project = config.load(folder)
    with _only_one(project, post.worker):
        _serve(project, post)


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


def _serve(project: Project, post: Post) -> None:
    events.bind(worker=post.worker, pid=getpid())
    catalog, blobs, cache = find_catalog(project), open_blobs(project), Cache(project.state / "cache")
    missing = _open_or_miss(catalog, cache)
    trial = Trial(cache.path if missing else blobs.path)
    trim = cache.trim() if missing else catalog.trim()
    for version in {member.version for member in trim.members} if trim is not None else ():
        trial.begin(version)

    # Imported here, while the golden rows are answered in a child process: together they fit into two seconds.
    from trimtab.serve.app import build_app
    from trimtab.serve.desk import Desk
    from trimtab.serve.live import Shelf
    from trimtab.serve.server import serve_forever

    cached = Shelf(cache, cache, trial if missing else Trial(cache.path))
    tried = Trial(blobs.path) if missing else trial
    shelf = Shelf(catalog, blobs, tried, tried.begin)
    spool, index = Spool(spool_folder(project), post.worker), open_index(project)
    desk = Desk(project, spool, index, post.worker, contract=_own_contract(project))
    try:
        live, trouble = (None, "") if missing else shelf.open_first()
        if live is None and (missing or trouble):
            live, _ = cached.open_first()
        if live is not None:
            desk.show(live)
        if trouble:
            desk.report("version", trouble)
        if missing:
            desk.report("catalog", "the catalog cannot be read; what it last said is in the cache", missing)
        serve_forever(build_app(desk), desk, shelf, post, lambda: _tell_ready(desk, post))
    finally:
        spool.close()
        desk.claims.close()
        index.close()
        catalog.close()
        events.tell("stop")


def _open_or_miss(catalog: Catalog, cache: Cache) -> str:
    """Open the catalog; return why it cannot be reached where the cache can stand in for it, else the empty text.

    What the catalog itself says against this folder is no such reason, and raised.
    """
    try:
        catalog.open()
    except TrimtabError as error:
        if cache.trim() is None or _is_readable(catalog):
            raise
        return error.message
    return ""


def _is_readable(catalog: Catalog) -> bool:
    with suppress(TrimtabError):
        catalog.epoch()
        return True
    return False


def _own_contract(project: Project) -> Contract | None:
    """Return the folder's contract.toml for the docs; what is wrong with it is no business of a serving worker."""
    try:
        return config.load_contract(project.contract)
    except ConfigError:
        return None


def _tell_ready(desk: "Desk", post: Post) -> None:
    live, url = desk.live, url_of(post.listener)
    version, epoch = (live.model.name, live.epoch) if live is not None else (None, 0)
    events.tell("start", url=url, version=version, epoch=epoch)
    if post.pulse.is_felt:
        post.pulse.beat()  # the supervisor tells what runs where
        return
    folder = quote(str(desk.project.folder))
    if live is None:
        why = "the Version that is promoted does not load" if desk.is_broken else "nothing is promoted yet"
        line = f"listening on {url}; {why}, so POST /predict answers 503: run `trimtab train {folder}`"
    else:
        name = f"{live.model.name}, epoch {live.epoch}"
        line = f"ready on {url} ({name}); this worker has no loop: run `trimtab tick {folder}`, or `trimtab up` instead"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
