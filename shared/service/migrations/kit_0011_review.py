"""What was shared with an erased entity, for somebody to look at."""

from alembic import op

from shared.service.erasure import belonging

revision = "kit_0011"
down_revision = "kit_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in belonging.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(belonging.DROP)
