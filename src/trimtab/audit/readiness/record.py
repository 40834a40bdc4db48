"""Examinations in the project's catalog: the only thing that readiness writes there, and only where it was asked to."""

from contextlib import closing
from typing import Any

from trimtab.audit.readiness.found import Examination, read_examination
from trimtab.errors import StoreError
from trimtab.nouns import Project
from trimtab.nouns.identity import plain
from trimtab.store import find_catalog, open_catalog
from trimtab.store.catalog import Catalog

STATE = "readiness"
FORMAT = 1
KEPT = 8
"""Examinations that are kept, the newest ones."""


def keep_examination(project: Project, examination: Examination) -> None:
    """Note an examination as evidence. Raises StoreError where a newer trimtab wrote the record."""
    with closing(open_catalog(project)) as catalog:
        kept = [*_read_kept(catalog), plain(examination)][-KEPT:]
        catalog.put_state(STATE, {"format": FORMAT, "examinations": kept})


def read_examinations(project: Project) -> tuple[Examination, ...]:
    """Return the examinations on record, oldest first.

    Raises StoreError where a newer trimtab wrote them.
    """
    if not find_catalog(project).file.is_file():
        return ()
    with closing(open_catalog(project)) as catalog:
        return tuple(map(read_examination, _read_kept(catalog)))


def _read_kept(catalog: Catalog) -> list[Any]:
    state = catalog.get_state(STATE) or {"format": FORMAT, "examinations": []}
    if state["format"] != FORMAT:
        raise StoreError(f"the record of readiness has format {state['format']}; this trimtab reads {FORMAT}.")
    examinations: list[Any] = state["examinations"]
    return examinations
