"""`trimtab score`."""

from pathlib import Path
from shlex import quote
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, Folder
from trimtab.cli.output import as_facts, count_rules, count_warnings, progress, show
from trimtab.errors import Refused
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count
from trimtab.serve.batch import score as score_file
from trimtab.serve.model import compile_live, compile_model


def score(
    folder: Folder = HERE,
    /,
    *,
    source: Annotated[Path, Parameter(name="--input", help="File of rows, CSV or Parquet.")],
    output: Annotated[Path, Parameter(help="File to write: .parquet or .csv.")],
    overwrite: Annotated[bool, Parameter(help="Replace the output where it exists."), Flag] = False,
    as_json: AsJson = False,
) -> int:
    """Answer a whole file with the champion; every answer is logged as an online one would be.

    The output has one line per row, in the same order: the answer with its id and warnings, or why there is none.
    """
    with progress(f"Answering the rows of {source} ...") as tell:
        wheel = open_wheel(folder)
        champion = wheel.champion()
        if champion is None:
            raise Refused("No Version answers in this project yet.", hint=f"trimtab train {quote(str(folder))}")
        live = compile_live(champion[0], lambda id_: compile_model(wheel.catalog.find_version(id_), wheel.package(id_)))
        scored = score_file(wheel.project, live, wheel.lake, source, output, tell, overwrite=overwrite)
    counts = f"{count(scored.rows, 'row')}: {scored.answered:,} answered, {scored.refused:,} refused"
    told = [f"{counts}; {output} is written.", *count_rules(scored.reasons), *count_warnings(scored.warnings)]
    told += [f"Not in the contract, so ignored: {', '.join(scored.ignored)}."] if scored.ignored else []
    show(told, {"output": output, **as_facts(scored)}, as_json=as_json)
    return 0
