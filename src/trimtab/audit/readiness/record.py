"""Examinations in the project's catalog: the only thing that readiness writes there, and only where it was asked to."""

from contextlib import closing

from trimtab.audit.readiness.found import Examination, read_examination
from trimtab.errors import StoreError
from trimtab.nouns import Project
from trimtab.nouns.identity import plain
from trimtab.store import find_catalog, open_catalog

STATE = "readiness"
FORMAT = 1
KEPT = 8
"""Examinations that are kept, the newest ones."""


def keep_examination(project: Project, examination: Examination) -> None:
    """Note an examination as evidence."""
    with closing(open_catalog(project)) as catalog:
        state = catalog.get_state(STATE) or {"format": FORMAT, "examinations": []}
        kept = [*state["examinations"], plain(examination)][-KEPT:]
        catalog.put_state(STATE, {"format": FORMAT, "examinations": kept})


def read_examinations(project: Project) -> tuple[Examination, ...]:
    """Return the examinations on record, oldest first.

    Raises StoreError where a newer trimtab wrote them.
    """
    if not find_catalog(project).file.is_file():
        return ()
    with closing(open_catalog(project)) as catalog:
        state = catalog.get_state(STATE)
    if state is None:
        return ()
    if state["format"] != FORMAT:
        raise StoreError(f"the record of readiness has format {state['format']}; this trimtab reads {FORMAT}.")
    return tuple(map(read_examination, state["examinations"]))
