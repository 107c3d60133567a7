"""Mirrors of other services' entities."""

from alembic import op

from shared.service.mirrors import schema

revision = "kit_0010"
down_revision = "kit_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in schema.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(schema.DROP)
