"""`trimtab status`."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, Folder
from trimtab.cli.output import show, suggest
from trimtab.loop.lineage import trace
from trimtab.loop.report import status as read_status
from trimtab.loop.state import open_wheel

Asked = Annotated[bool, Parameter(name="--lineage", help="Say where the rows went, step by step."), Flag]


def status(folder: Folder = HERE, /, *, lineage: Asked = False, as_json: AsJson = False) -> int:
    """Tell the state of the wheel in sentences: what answers, how well, what waits, and what comes next."""
    wheel = open_wheel(folder)
    state = read_status(wheel)
    if not lineage:
        show((*state.sentences, suggest(state.facts["next"], folder)), state.facts, as_json=as_json)
        return 0
    traced = trace(wheel)
    show((state.sentences[0], *traced.sentences), {**state.facts, "lineage": traced.facts}, as_json=as_json)
    return 0
