"""`trimtab status`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import show, suggest
from trimtab.loop.report import status as read_status
from trimtab.loop.state import open_wheel


def status(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Tell the state of the wheel in sentences: what answers, how well, what waits, and what comes next."""
    state = read_status(open_wheel(folder))
    show((*state.sentences, suggest(state.facts["next"], folder)), state.facts, as_json=as_json)
    return 0
