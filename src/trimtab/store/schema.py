"""The catalog's tables as SQLAlchemy knows them, and how a catalog file is brought to the newest of them.

The integer `FORMAT` equals the number of the newest migration and stands in the file's `PRAGMA user_version`. To change
the schema: add `migrations/versions/mNNNN_<what>.py`, change the tables here, raise `FORMAT`; edit no older migration.
"""

from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text

from trimtab.errors import StoreError

FORMAT = 2

_tables = MetaData()

project = Table("project", _tables, Column("project", Text, primary_key=True), Column("folder", Text))
decision = Table(
    "decision",
    _tables,
    Column("project", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", Text),
    Column("hash", Text),
)
trim = Table(
    "trim",
    _tables,
    Column("project", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("decision", Integer),
    Column("body", Text),
)
version = Table(
    "version",
    _tables,
    Column("project", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", Text),
    Column("body", Text),
)
trial = Table(
    "trial",
    _tables,
    Column("project", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("search", Text),
    Column("body", Text),
)
state = Table(
    "state",
    _tables,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text),
)
lease = Table(
    "lease",
    _tables,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("holder", Text),
    Column("host", Text),
    Column("token", Integer),
    Column("since", Text),
    Column("expires", Text),
)


def read_format(connection: Connection) -> int:
    """Return the schema number that stands in the file; 0 for a new one."""
    return int(connection.exec_driver_sql("pragma user_version").scalar_one())


def migrate(connection: Connection, file: Path) -> None:
    """Bring the schema to `FORMAT`, all steps in the caller's transaction.

    Raises:
        StoreError: a newer trimtab wrote the file.
    """
    found = read_format(connection)
    if found > FORMAT:
        raise StoreError(
            f"the catalog {file} has schema {found}; this trimtab knows schemas up to {FORMAT}.",
            hint="use the newer trimtab that wrote it, or restore the catalog from before the upgrade",
        )
    if found == FORMAT:
        return  # another process was faster
    # Alembic costs a third of a second and is needed once in a catalog's life, so no worker imports it at its start.
    from alembic.command import upgrade
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    upgrade(config, "head")
    connection.exec_driver_sql(f"pragma user_version = {FORMAT}")
