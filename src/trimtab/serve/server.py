"""The web server around the app: uvicorn in one process, with a stop that lets accepted work finish."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from trimtab import clock, events
from trimtab.pulse import Pulse
from trimtab.serve.desk import Desk
from trimtab.serve.live import Shelf, Watcher
from trimtab.serve.worker import Post

GRACE_NS = 500_000_000
"""How long a stopping worker still takes new requests while readiness already says no: time for a proxy to notice."""

DRAIN_SECONDS = 25
KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """uvicorn, which on SIGTERM first says that it is not ready, then takes no more, then finishes what it took."""

    def __init__(self, settings: uvicorn.Config, desk: Desk, pulse: Pulse, begin: Callable[[], None]) -> None:
        super().__init__(settings)
        self._desk = desk
        self._pulse = pulse
        self._begin = begin
        self._stop_at = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._begin()

    async def on_tick(self, counter: int) -> bool:
        """Say whether it is time to stop taking requests. Called ten times a second, by the loop that answers."""
        if counter % 10 == 0 and self._pulse.is_felt:
            self._beat()
        if self._desk.stopping and clock.monotonic_ns() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _beat(self) -> None:
        self._desk.pages.leave(self._desk.page())
        if not self._pulse.beat() and not self._desk.stopping:
            events.tell("alone", message="the supervisor is gone, so this worker ends, too")
            self._stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop at the first signal; a second one does not wait."""
        if self._desk.stopping:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._stop()

    def _stop(self) -> None:
        self._pulse.leave()
        self._stop_at = clock.monotonic_ns() + GRACE_NS
        self._desk.stopping = True


def serve_forever(app: FastAPI, desk: Desk, shelf: Shelf, post: Post, tell_ready: Callable[[], None]) -> None:
    """Answer requests on the post's socket until a signal says stop and all accepted work is done."""
    watchers: list[Watcher] = []

    def begin() -> None:
        watcher = Watcher(desk, shelf, asyncio.get_running_loop())
        watcher.start()
        watchers.append(watcher)
        gc.freeze()  # what is imported by now never becomes garbage: do not look through it again and again
        tell_ready()

    logging.getLogger("uvicorn.error").addHandler(events.EventHandler(logging.WARNING))
    # uvicorn raises a caught SIGTERM again when it is done; a clean stop ends with exit code 0 all the same.
    signal.signal(signal.SIGTERM, _leave)
    try:
        with suppress(SystemExit):
            Server(_settings(app), desk, post.pulse, begin).run(sockets=[post.listener])
    finally:
        for watcher in watchers:
            watcher.stop()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _settings(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
