"""Which folder a project lives in: two folders that write one record under one name would spoil both."""

from pathlib import Path

from sqlalchemy import insert, select, update

from trimtab.errors import StoreError
from trimtab.store import schema
from trimtab.store.database import Database


def claim(database: Database, name: str, folder: Path) -> None:
    """Note that project `name` lives in `folder`; a folder that was moved is noted anew.

    Raises:
        StoreError: the project lives in another folder that is still there, so this one is a copy.
    """
    table = schema.project
    mine = table.c.project == name
    with database.read() as connection:
        noted = connection.execute(select(table.c.folder).where(mine)).scalar()
    if noted == str(folder):
        return
    if noted is not None and _is_alive(Path(noted), folder, database.file):
        raise StoreError(
            f"project '{name}' lives in {noted}; the catalog {database.file} under {folder} is a copy of its record.",
            hint=f"work in {noted}; or move that folder's record away, if this copy replaces it; or give this copy "
            "another [project] name and an empty record (remove its state folder)",
        )
    with database.write() as connection:
        if noted is None:
            connection.execute(insert(table).prefix_with("or ignore").values(project=name, folder=str(folder)))
        else:
            connection.execute(update(table).where(mine).values(folder=str(folder)))


def _is_alive(noted: Path, folder: Path, catalog: Path) -> bool:
    """Return whether the noted folder still has a record of its own, and is not this folder under another path."""
    if not noted.is_dir() or noted.samefile(folder):
        return False
    try:
        other = noted / catalog.relative_to(folder)
    except ValueError:  # the record stands outside its project, so it is one and the same for both folders
        return True
    return other.is_file()
