"""`trimtab check`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.ingest import count_rows, describe_rows
from trimtab.cli.options import HERE, AsJson, ProjectFolder
from trimtab.cli.output import progress, show
from trimtab.loop.cycle import check as check_file
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count


def check(
    file: Annotated[Path, Parameter(name="FILE", help="File of rows, CSV or Parquet.")],
    /,
    *,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Say how a file's rows would fare under the contract; keep nothing.

    Each reason comes with its number of rows and the first of them; no value of a row is shown.

    Exit code 1 where any row would go to quarantine or could not be read as a row.
    """
    with progress(f"Checking {file} ..."):
        found = check_file(open_wheel(project), file)
    facts = {"rows": count_rows(found), "rules": found.reasons, "notes": found.sentences, **found.detail}
    sentences = (f"{count(found.rows_in, 'row')}: {describe_rows(found)}. Nothing was kept.", *found.sentences)
    show(sentences, facts, as_json=as_json)
    return int(not found.all_good)
