"""`trimtab score`."""

from functools import partial
from pathlib import Path
from shlex import quote
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, Folder
from trimtab.cli.output import as_facts, count_rules, count_warnings, progress, show
from trimtab.errors import Refused
from trimtab.loop.state import Wheel, open_wheel
from trimtab.metrics.figures import count
from trimtab.serve.batch import score as score_file
from trimtab.serve.model import Live, compile_live, compile_model


def score(
    folder: Folder = HERE,
    /,
    *,
    source: Annotated[Path, Parameter(name="--input", help="Rows: a file, a folder of files, or a Delta table.")],
    output: Annotated[Path, Parameter(help="What to write: .parquet, .csv, or without an ending a Delta table.")],
    overwrite: Annotated[bool, Parameter(help="Replace the output where it exists."), Flag] = False,
    as_json: AsJson = False,
) -> int:
    """Answer a whole input with what answers now; every answer is logged as an online one would be.

    The output has one line per row, in the same order: the answer with its id and warnings, or why there is none. A run
    that was cut short is finished by the same command: nothing is answered or logged twice.
    """
    with progress(f"Answering the rows of {source} ...") as tell:
        wheel = open_wheel(folder)
        if wheel.champion() is None:
            raise Refused("No Version answers in this project yet.", hint=f"trimtab train {quote(str(folder))}")
        scored = score_file(wheel.project, partial(_open, wheel), wheel.lake, source, output, tell, overwrite=overwrite)
    counts = f"{count(scored.rows, 'row')}: {scored.answered:,} answered, {scored.refused:,} refused"
    told = [f"{counts}; {output} is written.", *count_rules(scored.reasons), *count_warnings(scored.warnings)]
    told += [f"Not in the contract, so ignored: {', '.join(scored.ignored)}."] if scored.ignored else []
    told += [f"{scored.resumed:,} of the rows were answered by a run that was cut short."] if scored.resumed else []
    show(told, {"output": output, **as_facts(scored)}, as_json=as_json)
    return 0


def _open(wheel: Wheel, epoch: int | None) -> Live:
    """Return what answers at an epoch; None is the newest."""
    trim = wheel.catalog.trim() if epoch is None else wheel.catalog.trim(epoch)
    if trim is None:
        raise Refused(f"There is no epoch {epoch}.")
    return compile_live(trim, lambda id_: compile_model(wheel.catalog.find_version(id_), wheel.package(id_)))
