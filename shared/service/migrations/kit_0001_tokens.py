"""Tokens (the original or a replica) and idempotency keys."""

from alembic import op

from shared.service import idempotency, tokens

revision = "kit_0001"
down_revision = None
branch_labels = ("kit",)
depends_on = None


def upgrade() -> None:
    for statement in (*tokens.create_statements(), *idempotency.create_statements()):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table if exists service_token, idempotency_key cascade")
