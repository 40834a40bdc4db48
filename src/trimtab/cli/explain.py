"""`trimtab explain`."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, ProjectFolder
from trimtab.cli.output import progress, show
from trimtab.loop.report import explain as explain_id
from trimtab.loop.state import open_wheel
from trimtab.serve.explain import explain_record
from trimtab.serve.live import Shelf


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
    wheel = open_wheel(project)
    shelf = Shelf(wheel.catalog, wheel.blobs, lambda _: "")  # its hashes are checked; golden rows are for promotion

    def run_again(record: Mapping[str, Any]) -> Mapping[str, Any]:
        return explain_record(partial(shelf.open_past, record), record)

    with progress(f"Looking for {id} ..."):
        told = explain_id(wheel, id, run_again)
    show(told.sentences, told.facts, as_json=as_json)
    return 0
