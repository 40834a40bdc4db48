"""`trimtab explain`."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, ProjectFolder
from trimtab.cli.output import progress, show
from trimtab.loop.report import explain as explain_record
from trimtab.loop.state import open_wheel


def explain(
    id: Annotated[str, Parameter(name="ID", help="A prediction_id, or the number of a Decision.")],  # noqa: A002 - the noun's own word
    /,
    *,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Tell all that is known about one Prediction or Decision.

    A Prediction: the row, the answer and why, the Version and epoch that gave it, and what really happened.
    """
    with progress(f"Looking for {id} ..."):
        told = explain_record(open_wheel(project), id)
    show(told.sentences, told.facts, as_json=as_json)
    return 0
