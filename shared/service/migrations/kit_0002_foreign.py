"""Entities of other services that this one refers to: just enough to tell a real id from a made-up one."""

from alembic import op

from shared.service import foreign

revision = "kit_0002"
down_revision = "kit_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in foreign.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists foreign_entity")
