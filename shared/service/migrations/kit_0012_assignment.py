"""Pools from which entities are given out in turn."""

from alembic import op

from shared.service.assignment import rows

revision = "kit_0012"
down_revision = "kit_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in rows.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(rows.DROP)
