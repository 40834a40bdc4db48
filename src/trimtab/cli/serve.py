"""`trimtab serve`. It imports the serving room only, so that the process stays small."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, Folder
from trimtab.serve.worker import run


def serve(
    folder: Folder = HERE,
    /,
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; else the one in trimtab.toml.")] = None,
    port: Annotated[
        int | None, Parameter(help="Port, 0 for any free one; else PORT or the one in trimtab.toml.")
    ] = None,
) -> int:
    """Answer requests over HTTP, check every row, and log every answer before it is given.

    One worker without a loop: `trimtab tick`, now and then, forwards its log, measures and retrains. Ctrl-C stops it
    when the accepted requests are answered.
    """
    run(folder, host=host, port=port)
    return 0
