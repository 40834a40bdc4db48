"""A copy of a project's record in another folder, made while others go on writing; the record itself is only read.

The copy is a record of its own: its catalog says that the project lives in the new folder, and nothing of it is shared
with the old one. What waits in the spool is not copied: a worker holds it.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import update

from trimtab.errors import HostError, StoreError
from trimtab.nouns import Project
from trimtab.store import schema
from trimtab.store.database import Database

LOG = "_delta_log"


def copy_record(project: Project, copy: Project) -> None:
    """Copy lake, catalog, index and Version files of `project` to where `copy` has its state.

    The catalog comes first and each table's log before its files, so that whatever the copy names is there.

    Raises:
        StoreError: there is no record, or it cannot be read.
        HostError: the disk has no room.
    """
    source, target = project.state, copy.state
    if not (source / "catalog.db").is_file():
        raise StoreError(f"{source} holds no record.", hint="run `trimtab train` first")
    if target.exists():
        raise StoreError(f"{target} is there already; a copy needs a folder of its own.")
    _refuse_full(source, target)
    target.mkdir(parents=True)
    (target / ".gitignore").write_text("*\n", encoding="utf-8")
    for name in ("catalog.db", "index.db"):
        _copy_database(source / name, target / name)
    _move_home(target / "catalog.db", copy)
    for log in sorted((source / "lake").rglob(LOG)):
        _copy_files(log, target / log.relative_to(source))
    _copy_files(source / "lake", target / "lake")
    _copy_files(source / "blobs", target / "blobs")


def _refuse_full(source: Path, target: Path) -> None:
    needed = sum(_size(path) for path in source.rglob("*"))
    home = next(folder for folder in target.parents if folder.exists())
    free = shutil.disk_usage(home).free
    if free < 2 * needed:
        raise HostError(
            f"{home} has {free / 1e6:,.0f} MB free; copies of {source} take up to {2 * needed / 1e6:,.0f} MB.",
            hint="free some space, or let TMPDIR name a larger disk",
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # it was merged or dropped meanwhile
        return 0


def _copy_database(source: Path, target: Path) -> None:
    """Copy one consistent state of an SQLite file that others may be writing to."""
    if not source.is_file():
        return
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}.", hint="try again when nothing else runs") from error


def _move_home(catalog: Path, copy: Project) -> None:
    """Say in the copied catalog that the project lives where the copy stands."""
    database = Database(catalog)
    with closing(database), database.write() as connection:
        mine = schema.project.c.project == copy.name
        connection.execute(update(schema.project).where(mine).values(folder=str(copy.folder.resolve())))


def _copy_files(source: Path, target: Path) -> None:
    """Copy a folder; what is there already stays, and what goes meanwhile was needed by nobody who reads the copy."""
    for path in _walk(source):
        own = target / path.relative_to(source)
        if not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(path, own)


def _walk(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".staged-")]
        yield from (Path(at) / name for name in names)
