"""`trimtab up`."""

import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from trimtab.cli.options import HERE, Folder
from trimtab.serve.supervisor import run


def up(
    folder: Folder = HERE,
    /,
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; else the one in trimtab.toml.")] = None,
    port: Annotated[
        int | None, Parameter(help="Port, 0 for any free one; else PORT or the one in trimtab.toml.")
    ] = None,
    workers: Annotated[
        int | None,
        Parameter(help="Serving processes; else those in trimtab.toml.", validator=Number(gte=1, lte=64)),
    ] = None,
) -> int:
    """Serve and turn the wheel: so many serving workers, and a loop that forwards, ingests, measures and retrains.

    A process that has died or does not answer any more is started again. SIGTERM or Ctrl-C ends all of them when the
    accepted requests are answered.
    """
    run(folder, _say, host=host, port=port, workers=workers)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
