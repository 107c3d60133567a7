"""Jobs in chunks, and what imports remember of their rows."""

from alembic import op

from shared.service.work import tables

revision = "kit_0003"
down_revision = "kit_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in tables.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(tables.DROP)
