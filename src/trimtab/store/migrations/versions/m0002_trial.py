"""Trials: the fits of every search, by the fingerprint of the rows, contract and settings that they were made for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index by which a search finds its own trials again."""
    op.create_table(
        "trial",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("trial_search", "trial", ["project", "search"])
