"""Alembic's entry: runs the revisions over the connection that `shared.kernel.migrate` hands in. Not for import."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
