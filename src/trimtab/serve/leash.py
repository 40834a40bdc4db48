"""Ends a process when the one that started this leash dies, also by a kill -9: `python -m trimtab.serve.leash PID`.

The leash is the standard input: nobody writes to it, and it ends when the process that holds the other end is gone.
"""

import os
import signal
import sys
from contextlib import suppress


def main(pid: int) -> None:
    """Wait for the end of the standard input, then ask the process to end."""
    sys.stdin.buffer.read()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
