"""Ends a process when the one that started this leash dies, also by a kill -9: `python -m trimtab.leash PID [SIGNAL]`.

The leash is the standard input: nobody writes to it, and it ends when the process that holds the other end is gone.
"""

import os
import signal
import sys
from contextlib import suppress


def main(pid: int, number: int = signal.SIGTERM) -> None:
    """Wait for the end of the standard input, then ask the process to end, or with SIGKILL end it."""
    sys.stdin.buffer.read()
    with suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
