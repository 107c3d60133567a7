"""What owners are told."""

from alembic import op

from shared.service import notices

revision = "kit_0017"
down_revision = "kit_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in notices.create_statements():
        op.execute(statement)


def downgrade() -> None:
    op.execute(notices.DROP)
