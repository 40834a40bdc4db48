"""Alembic's entry: run the numbered migrations on the connection that `catalog_schema` hands in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
