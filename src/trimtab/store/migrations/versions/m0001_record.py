"""The first record: project, journal, versions, trims, states, leases. Never edited; the next change is m0002."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the triggers that keep journal and trims append-only."""
    _named("project", sa.Column("folder", sa.Text, nullable=False))
    _numbered(
        "decision", "number", sa.Column("body", sa.Text, nullable=False), sa.Column("hash", sa.Text, nullable=False)
    )
    _numbered(
        "trim", "epoch", sa.Column("decision", sa.Integer, nullable=False), sa.Column("body", sa.Text, nullable=False)
    )
    _numbered("version", "number", sa.Column("id", sa.Text, nullable=False), sa.Column("body", sa.Text, nullable=False))
    op.create_index("version_id", "version", ["project", "id"], unique=True)
    _named("state", sa.Column("name", sa.Text, primary_key=True), sa.Column("body", sa.Text, nullable=False))
    _named(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    for table in ("decision", "trim"):
        for deed in ("update", "delete"):
            op.execute(
                f'create trigger {table}_no_{deed} before {deed} on "{table}" '
                f"begin select raise(abort, '{table} is append-only'); end"
            )


def _named(table: str, *columns: "sa.Column[str] | sa.Column[int]") -> None:
    op.create_table(table, sa.Column("project", sa.Text, primary_key=True), *columns)


def _numbered(table: str, number: str, *columns: "sa.Column[str] | sa.Column[int]") -> None:
    _named(table, sa.Column(number, sa.Integer, primary_key=True, autoincrement=False), *columns)
