"""`python -m trimtab.loop FOLDER --pulse FD`: the loop worker of `trimtab up`."""

import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from trimtab import events
from trimtab.loop.worker import run
from trimtab.pulse import Pulse

_MANNERS = 10


def main(arguments: Sequence[str]) -> int:
    """Turn the wheel now and then until told to stop, and return the exit code."""
    parser = ArgumentParser(prog="trimtab.loop")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pulse", type=int, required=True)
    given = parser.parse_args(arguments)
    events.bind(worker="loop", pid=os.getpid())
    os.nice(_MANNERS)  # a fit must not take the processor from requests
    signal.signal(signal.SIGTERM, _leave)
    with suppress(SystemExit):
        run(given.folder, Pulse(given.pulse))
    events.tell("stop")
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End at once, wherever the turn is: the next one finishes what this one began."""
    raise SystemExit(0)


if __name__ == "__main__":
    # Without the interpreter's farewell, in which DuckDB's binding lists on standard error what is still there.
    os._exit(main(sys.argv[1:]))
