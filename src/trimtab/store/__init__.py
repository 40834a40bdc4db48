"""The record: lake, catalog, spool and blobs of one project. Only this room speaks SQL to it and opens the lake.

open_catalog   Versions, Trims, journal, states, leases     .trimtab/catalog.db
open_lake      tables raw/<source>, clean, quarantine, …    .trimtab/lake
open_blobs     Version files                                .trimtab/blobs
spool_folder   what is acknowledged and not in the lake     .trimtab/spool
open_index     which ids are in the lake already            .trimtab/index.db
open_claims    what was answered under clients' own ids      .trimtab/claims.db
"""

from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.nouns import Project
from trimtab.store.blobs import Blobs
from trimtab.store.catalog import Catalog
from trimtab.store.claims import Claims
from trimtab.store.index import Index

if TYPE_CHECKING:
    from trimtab.store.lake import Lake

__all__ = ["find_catalog", "open_blobs", "open_catalog", "open_claims", "open_index", "open_lake", "spool_folder"]


def find_catalog(project: Project) -> Catalog:
    """Return the project's catalog, not opened yet."""
    return Catalog(project.state / "catalog.db", project.name, project.folder)


def open_catalog(project: Project) -> Catalog:
    """Return the project's catalog, made or migrated where needed.

    Raises:
        StoreError: the file cannot be used, or another folder has this project's name.
    """
    return find_catalog(project).open()


def open_lake(project: Project) -> "Lake":
    """Return the project's lake."""
    # The serving worker, which imports this room, must stay free of deltalake.
    from trimtab.store.lake import Lake

    return Lake(project.state / "lake")


def open_blobs(project: Project) -> Blobs:
    """Return the project's Version files."""
    return Blobs(project.state / "blobs")


def open_index(project: Project) -> Index:
    """Return the index of forwarded Predictions and Outcomes."""
    return Index(project.state / "index.db")


def open_claims(project: Project) -> Claims:
    """Return what was answered under the clients' own ids."""
    return Claims(project.state / "claims.db")


def spool_folder(project: Project) -> Path:
    """Return the folder that holds one spool folder per worker."""
    return project.state / "spool"
