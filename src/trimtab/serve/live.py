"""The epoch that answers: found in the catalog, verified, opened beside the old one, swapped between two requests."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol

from trimtab import clock, events
from trimtab.errors import TrimtabError, VersionError
from trimtab.nouns import Trim, Version
from trimtab.serve.cache import Cache
from trimtab.serve.desk import Desk
from trimtab.serve.model import Live, Model, compile_live, compile_model
from trimtab.store.catalog import Catalog
from trimtab.train.artefact import open_version

POLL_SECONDS = 0.25
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
EARLIER_EPOCHS = 3
"""How many epochs back a worker looks for a Version that loads, when it starts and the champion does not."""
LOOK_BACK = 1000
"""How many epochs back the previous champion is looked for."""

Try = Callable[[str], str]
"""A Version's id to what its golden rows say in a limited child process: an empty text, or what went wrong."""


class Names(Protocol):
    """What a Shelf asks of the catalog, or of the cache in its place."""

    def epoch(self) -> int:
        """Return the present epoch; 0 before the first."""
        ...

    def trim(self, epoch: int | None = None) -> Trim | None:
        """Return the Trim of an epoch, of the present one by default."""
        ...

    def find_version(self, ref: str) -> Version:
        """Return a Version by its id."""
        ...


class Files(Protocol):
    """What a Shelf asks of the blobs, or of the cache in their place."""

    def path(self, id: str) -> Path:  # noqa: A002 (the blobs call it id, too)
        """Return the folder of a Version's files."""
        ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where Versions are found: the catalog names them, the blobs hold their files, `try_golden` tries them first.

    `begin_trial` starts the trial of a Version that may be asked for soon.
    """

    catalog: Names
    blobs: Files
    try_golden: Try
    begin_trial: Callable[[str], None] = lambda _: None

    def open(self, identifier: str, trim: Trim | None = None, *, text: bool = False) -> Model:
        """Return a Version ready to answer, as the champion of `trim`.

        Raises VersionError where its files or its golden rows are wrong.
        """
        version = self.catalog.find_version(identifier)
        folder = self.blobs.path(version.id)
        wrong = self.try_golden(version.id)
        if wrong:
            raise VersionError(f"{version.name} does not answer its golden rows: {wrong}")
        return compile_model(version, open_version(folder, expect=version.id), trim, text=text)

    def open_trim(self, trim: Trim, live: Live | None = None) -> Live:
        """Return what answers at a Trim's epoch; a Version that `live` holds already is not opened again."""
        held = {} if live is None else {model.id: model for model in live.models}
        earlier = self.find_earlier(trim) if held else None
        known = held.get(earlier.champion) if earlier is not None else None
        previous = known.at(earlier) if known is not None and earlier is not None else None
        return compile_live(trim, lambda version: held.get(version) or self.open(version), previous)

    def open_past(self, record: Mapping[str, Any], *, text: bool) -> Live:
        """Return what answered a logged row; `text` where it reads rows of text. Raises VersionError, StoreError."""
        trim = self.catalog.trim(record["epoch"])
        if trim is None:
            raise VersionError(f"The catalog knows no epoch {record['epoch']}.", hint="restore the catalog from a copy")
        earlier = self.find_earlier(trim) if record["fallback"] == "previous" else None
        previous = self.open(earlier.champion, earlier, text=text) if earlier is not None else None
        return compile_live(trim, partial(self.open, text=text), previous)

    def find_earlier(self, trim: Trim) -> Trim | None:
        """Return the newest Trim before this one with another champion: who answers where this one cannot."""
        for epoch in range(trim.epoch - 1, max(0, trim.epoch - 1 - LOOK_BACK), -1):
            earlier = self.catalog.trim(epoch)
            if earlier is not None and earlier.champion != trim.champion:
                return earlier
        return None

    def open_first(self) -> tuple[Live | None, str]:
        """Return what a starting worker can answer with, and what went wrong with the newer epochs on the way.

        The current epoch where it loads, else an earlier one; None where nothing is promoted or nothing loads.
        """
        trim, trouble = self.catalog.trim(), ""
        for _ in range(EARLIER_EPOCHS + 1):
            if trim is None:
                break
            try:
                return self.open_trim(trim), trouble
            except TrimtabError as error:
                trouble = trouble or _say(trim.epoch, error)
            trim = self.catalog.trim(trim.epoch - 1) if trim.epoch > 1 else None
        return None, trouble


class Watcher:
    """A thread that asks for the epoch four times a second and loads a new one off the request path.

    A Version is kept before it is judged and promoted: meanwhile the newest one answers its golden rows already.
    """

    def __init__(self, desk: Desk, shelf: Shelf, loop: asyncio.AbstractEventLoop) -> None:
        self._desk = desk
        self._shelf = shelf
        self._loop = loop
        self._cache = Cache(desk.project.state / "cache")
        self._stop = Event()
        self._tried: str | None = None
        self._refused = 0
        self._failures = 0
        self._retry_at = 0
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        self._thread.join(timeout=5)

    def look(self) -> None:
        """Look once: load and swap where the epoch is another one than the one that answers."""
        try:
            catalog = self._shelf.catalog
            if isinstance(catalog, Catalog) and "catalog" in self._desk.troubles:
                catalog.open()  # it may never have been, where this worker started without it
            epoch, newest = catalog.epoch(), catalog.newest_version() if isinstance(catalog, Catalog) else None
        except Exception as error:  # noqa: BLE001 - an unreachable catalog must never stop a serving worker
            self._desk.report("catalog", "the catalog cannot be read", _reason(error))
            return
        self._desk.repair("catalog")
        live = self._desk.live
        known = live is not None and epoch == live.epoch and "version" not in self._desk.troubles
        if epoch == 0 or known or self._waits(epoch):
            self._try_ahead(newest, live)
            return
        try:
            self._load(epoch, live)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a new Version, the old one goes on
            self._refuse(epoch, error)

    def _run(self) -> None:
        self._complete_first()
        while not self._stop.wait(POLL_SECONDS):
            self.look()

    def _load(self, epoch: int, live: Live | None) -> None:
        trim = self._shelf.catalog.trim(epoch)
        if trim is None:
            return
        # What came from the cache is no proof that the store is whole again.
        cached = live is not None and live.epoch == epoch
        fresh = self._shelf.open_trim(trim, None if cached else live)
        self._swap(fresh)
        self._keep_cached(trim, fresh)
        self._add_previous(trim, fresh)
        self._desk.repair("version")
        self._failures = self._refused = 0
        events.tell("swap", version=fresh.model.name, id=fresh.model.id, epoch=fresh.epoch)

    def _try_ahead(self, newest: str | None, live: Live | None) -> None:
        """Begin the trial of a Version that is not in memory, once; what was there at the start was judged before."""
        if self._tried is None:
            self._tried = newest or ""
        held = () if live is None else [model.id for model in live.models]
        if newest is not None and newest != self._tried and newest not in held:
            self._tried = newest
            self._shelf.begin_trial(newest)

    def _swap(self, fresh: Live) -> None:
        # The event loop runs no request while it runs this call, so no request sees half of a swap.
        self._loop.call_soon_threadsafe(self._desk.show, fresh)

    def _waits(self, epoch: int) -> bool:
        return epoch == self._refused and clock.monotonic_ns() < self._retry_at

    def _refuse(self, epoch: int, error: Exception) -> None:
        self._desk.meters.load_failures.inc()
        if epoch != self._refused:
            self._refused, self._failures = epoch, 0
            self._desk.repair("version")
            self._desk.report("version", f"the Version of epoch {epoch} does not load", _reason(error))
        pause = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        self._retry_at = clock.monotonic_ns() + int(pause * 1e9)

    def _complete_first(self) -> None:
        """Open the previous Version beside a champion that was loaded at the start."""
        try:
            live = self._desk.live
            trim = self._shelf.catalog.trim(live.epoch) if live is not None else None
            if live is not None and trim is not None:
                self._keep_cached(trim, live)
                self._add_previous(trim, live)
        except Exception as error:  # noqa: BLE001 - a missing fallback is a trouble, not a reason to stop
            events.tell("no_fallback", error=events.place(error))

    def _keep_cached(self, trim: Trim, live: Live) -> None:
        """Keep what answers for a start without the store."""
        try:
            models = (live.model,) if live.blended is None else live.blended.models
            files = self._shelf.blobs
            self._cache.keep(trim, {model.id: (model.version, files.path(model.id)) for model in models})
        except (OSError, TrimtabError) as error:
            events.tell("not_cached", error=events.place(error))

    def _add_previous(self, trim: Trim, live: Live) -> None:
        """Open the previous Version where it is not in memory and `fallback = "previous"` may need it."""
        if live.previous is not None or self._desk.project.serve.fallback != "previous":
            return
        try:
            earlier = self._shelf.find_earlier(trim)
            if earlier is not None:
                self._swap(replace(live, previous=self._shelf.open(earlier.champion, earlier)))
        except Exception as error:  # noqa: BLE001 - as above
            events.tell("no_fallback", error=events.place(error))


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, TrimtabError) else events.place(error)


def _say(epoch: int, error: TrimtabError) -> str:
    return f"the Version of epoch {epoch} does not load: {error.message}"
