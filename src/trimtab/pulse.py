"""A child process's sign of life to the process that supervises it: bytes in a pipe.

A pipe needs no clock, no file that could be left behind, and it breaks when the supervisor dies.
"""

import os
from contextlib import suppress

ALIVE, LEAVING = b".", b"-"


class Pulse:
    """The writing end. `descriptor` is None in a process that nobody supervises: then every verb does nothing."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_blocking(descriptor, False)

    @property
    def is_felt(self) -> bool:
        """Whether there is a supervisor."""
        return self._descriptor is not None

    def beat(self) -> bool:
        """Say that work goes on; False where the supervisor is gone, so that it should end."""
        return self._say(ALIVE)

    def leave(self) -> None:
        """Say that this process is about to end in good order, so its silence is no trouble."""
        self._say(LEAVING)

    def _say(self, word: bytes) -> bool:
        if self._descriptor is not None:
            with suppress(BlockingIOError):  # a full pipe holds enough signs of life
                try:
                    os.write(self._descriptor, word)
                except BrokenPipeError:
                    return False
        return True
