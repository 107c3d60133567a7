"""Imports: files, chunks, what became of rows, remembered mappings; and the types of other services."""

from alembic import op

from services.workspace.tables import schema
from shared.service.replica.schema import catalog_statements

revision = "workspace_0001"
down_revision = None
branch_labels = ("workspace",)
depends_on = None


def upgrade() -> None:
    for statement in (*schema.create_statements(), *catalog_statements()):
        op.execute(statement)


def downgrade() -> None:
    for statement in (*schema.drop_statements(), "drop table if exists replica_type"):
        op.execute(statement)
    op.execute("drop sequence if exists replica_version")
