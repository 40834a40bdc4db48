"""`python -m trimtab.serve FOLDER --worker NAME --host ADDRESS --port N --pulse FD`: one worker of `trimtab up`."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from trimtab.errors import TrimtabError
from trimtab.pulse import Pulse
from trimtab.serve.listener import share
from trimtab.serve.worker import Post, run_post


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop, and return the exit code."""
    parser = ArgumentParser(prog="trimtab.serve")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pulse", type=int, required=True)
    given = parser.parse_args(arguments)
    try:
        with share(given.host, given.port) as listener:
            run_post(given.folder, Post(given.worker, listener, Pulse(given.pulse)))
    except TrimtabError as error:
        sys.stderr.write(f"{given.worker}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
