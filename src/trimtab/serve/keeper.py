"""Records on their way into the spool: those of all requests that the event loop works on in one turn, as one job."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from trimtab.store.spool import Record, Spool

Commit = asyncio.Future[BaseException | None]
"""Done when its records are durable, with None, or with the reason why they were not kept."""


class Keeper:
    """Keeps records durably; only for the event loop's thread.

    Each job wakes the spool's thread, which takes the interpreter from the event loop, and when it is done it wakes the
    event loop. So a busy worker makes one job per turn, not one per request.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._waiting: list[tuple[Sequence[Record], Commit]] = []

    def keep(self, records: Sequence[Record]) -> Commit:
        """Return what is done when all these records survive a power cut, or could not be kept."""
        loop = asyncio.get_running_loop()
        commit: Commit = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._hand_over, loop)
        self._waiting.append((records, commit))
        return commit

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs, self._waiting = self._waiting, []
        commits = [commit for _, commit in jobs]

        def wake(done: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(_finish, commits, done.exception())

        self._spool.put([record for records, _ in jobs for record in records]).add_done_callback(wake)


def _finish(commits: list[Commit], error: BaseException | None) -> None:
    for commit in commits:
        if not commit.done():
            commit.set_result(error)
